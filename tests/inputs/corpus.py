"""What people, their programs and their address books send: the corpus, as data, and its names in a test's report."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def corpus(name: str) -> Any:
    """The corpus of `name`.json."""
    return json.loads((HERE / f"{name}.json").read_text())
