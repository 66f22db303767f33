import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(config: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", config],
        cwd=cwd,
        env={"PYTHONPATH": str(cwd / "services"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    made = lint_imports(ROOT / "pyproject.toml", ROOT)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize(
    ("file", "breach", "contract"),
    [
        ("kit/app.py", "import consent.tables", "kit knows no service"),
        ("consent/app.py", "import directory.events", "no service knows another, and none knows deploy"),
        ("consent/app.py", "import deploy.embedded", "services do not know how they are run"),
        ("booking/slots/rules.py", "import sqlalchemy", "rules are pure"),
    ],
)
def test_a_breach_is_seen(tmp_path: Path, file: str, breach: str, contract: str) -> None:
    import shutil

    for folder in ("services", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "services" / file).open("a") as changed:
        changed.write(f"\n{breach}\n")
    made = lint_imports(ROOT / "pyproject.toml", tmp_path)
    assert made.returncode == 1, made.stdout + made.stderr
    assert f"{contract} BROKEN" in made.stdout
