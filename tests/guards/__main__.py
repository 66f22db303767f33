"""Take guards away, one at a time, and see who notices: `make guards`.

Each is taken away in a copy of the tree, and the test that is named for it runs there. Where that test passes nobody
notices, and where it cannot run the list is wrong: both are failures. The same tests pass first with every guard in its
place.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from queue import Queue

from tests.guards import AREAS, ROOT
from tests.guards.guard import Guard

# A test that hangs without the guard notices nothing: it must say so.
SECONDS = 120
SAMPLE = 20
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules")


@dataclass(frozen=True)
class Verdict:
    """What came of one guard; `output` is what pytest said where that was not as it should be."""

    area: str
    guard: Guard
    noticed: bool
    seconds: float
    output: str


def main(arguments: Sequence[str] | None = None) -> int:
    """The number of guards that nobody misses, as an exit status of 0 or 1."""
    parser = argparse.ArgumentParser(prog="make guards", description="take guards away and see who notices")
    parser.add_argument("--only", action="append", choices=AREAS, help="this area alone (can be repeated)")
    parser.add_argument("--match", default="", metavar="TEXT", help="those whose file, test or reason holds this text")
    parser.add_argument("--sample", action="store_true", help=f"{SAMPLE} of them, from all areas")
    parser.add_argument("--since", metavar="REVISION", help="those whose file or test has changed since")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    asked = parser.parse_args(arguments)
    wanted = [(area, guard) for area in asked.only or AREAS for guard in AREAS[area]]
    wanted = [(area, g) for area, g in wanted if asked.match in f"{g.file} {g.test} {g.why}"]
    if asked.since:
        changed = _changed(asked.since)
        wanted = [(area, g) for area, g in wanted if {g.file, g.test.split("::")[0]} & changed]
    if asked.sample:
        wanted = wanted[:: max(1, len(wanted) // SAMPLE)]
    with tempfile.TemporaryDirectory(prefix="samtid-guards-") as folder:
        copies: Queue[Path] = Queue()
        for number in range(asked.jobs):
            copies.put(_copy(Path(folder) / str(number)))
        if not _sound(copies, sorted({guard.test for _, guard in wanted}), asked.jobs):
            print("these tests must pass before anything is taken away")
            return 1
        with ThreadPoolExecutor(asked.jobs) as pool:
            verdicts = list(pool.map(lambda each: _tried(copies, *each), wanted))
    return _told(verdicts)


def _changed(revision: str) -> set[str]:
    said = subprocess.run(
        ["git", "diff", "--name-only", revision], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(said.stdout.splitlines())


def _copy(to: Path) -> Path:
    """A copy of the tree without what is made from it; tests find the same tools there."""
    to.mkdir()
    for path in ROOT.iterdir():
        if path.name.startswith(".venv"):
            (to / path.name).symlink_to(path.resolve())
        elif path.is_dir() and not path.name.startswith("."):
            shutil.copytree(path, to / path.name, ignore=LEFT_OUT)
        elif path.is_file():
            shutil.copy2(path, to)
    return to


def _sound(copies: "Queue[Path]", tests: Sequence[str], jobs: int) -> bool:
    """Whether all tests pass with every guard in its place."""
    copy = copies.get()
    status, output = _pytest(copy, "-n", str(jobs), "--dist", "worksteal", *tests, seconds=SECONDS * 10)
    copies.put(copy)
    if status:
        print(output)
    return status == 0


def _tried(copies: "Queue[Path]", area: str, guard: Guard) -> Verdict:
    copy = copies.get()
    began = time.monotonic()
    try:
        with _taken_away(copy / guard.file, guard):
            status, output = _pytest(copy, guard.test, seconds=SECONDS)
    finally:
        copies.put(copy)
    # An error before the test began is no test that noticed: what was put there does not run.
    noticed = status == 1 and any(line.startswith("FAILED ") for line in output.splitlines())
    verdict = Verdict(area, guard, noticed, time.monotonic() - began, "" if noticed else output)
    print(f"{area:<12} {'noticed' if noticed else 'NOBODY':<8} {verdict.seconds:5.1f} s  {_named(guard)}", flush=True)
    return verdict


@contextmanager
def _taken_away(path: Path, guard: Guard) -> Iterator[None]:
    whole = path.read_text(encoding="utf-8")
    if whole.count(guard.find) != 1:
        raise SystemExit(f"{guard.file} holds this {whole.count(guard.find)} times, not once:\n{guard.find}")
    _write(path, whole.replace(guard.find, guard.put))
    try:
        yield
    finally:
        _write(path, whole)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # Compiled code is told from its source by second and size, and these may be the same.
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def _pytest(copy: Path, *arguments: str, seconds: int) -> tuple[int | None, str]:
    """Exit status and output of pytest in a copy; without a status where it took too long."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=short", *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{copy / 'services'}:{copy}"}
    process = subprocess.Popen(
        command,
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # It ends its servers when it is told to end, and is not asked twice.
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return None, f"{output}\nnot over within {seconds} s"
    return process.returncode, output


def _named(guard: Guard) -> str:
    return f"{guard.file.removeprefix('services/')}: {guard.why}"


def _told(verdicts: Sequence[Verdict]) -> int:
    """The sums by area, and what nobody noticed with what pytest said."""
    print()
    for area in AREAS:
        if mine := [verdict for verdict in verdicts if verdict.area == area]:
            print(f"{area:<12} {sum(v.noticed for v in mine):>3} of {len(mine):>3} noticed")
    missed = [verdict for verdict in verdicts if not verdict.noticed]
    print(f"{'all':<12} {len(verdicts) - len(missed):>3} of {len(verdicts):>3} noticed")
    for verdict in missed:
        print(f"\nNOBODY noticed: {_named(verdict.guard)}\n  {verdict.guard.test}\n{verdict.output[-3000:]}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
