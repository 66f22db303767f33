"""`samtid demo` as a person runs it: from nothing, killed, refused, begun again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from deploy.services import SERVICES

READY_SECONDS = 15
MEGABYTES = 500
ROOT = os.geteuid() == 0


def command(state: Path, *arguments: str, as_user: bool = False) -> list[str | Path]:
    samtid = [sys.executable, "-m", "deploy.cli", "demo", "--port", "0", "--state", state, *arguments]
    if not as_user:
        return samtid
    # An ordinary user, who may read (not write) what lies below root's home: Python itself often lies there.
    may_read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *may_read, *samtid]


class Demo:
    """A demo that runs, and what it has said."""

    def __init__(self, state: Path, *arguments: str, as_user: bool = False) -> None:
        self.state = state
        self.output = state.parent / f"output-{uuid4().hex}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command(state, *arguments, as_user=as_user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=Path(__file__).parents[2],
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def all_said(self) -> str:
        """What the demo and its servers have said, for whoever looks into a failure."""
        logs = [*self.state.glob("*/log"), *self.state.glob("*.log")]
        return "\n".join([self.said, *(f"{log}:\n{log.read_text(errors='replace')[-3000:]}" for log in logs)])

    def until(self, text: str, seconds: float = 120) -> str:
        """Wait until the demo says `text`; the rest of that line. On a busy machine that may take long."""
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert self.process.poll() is None, self.all_said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)
        return self.said.split(text, 1)[1].split("\n", 1)[0].strip()

    def family(self) -> list[psutil.Process]:
        """The demo and all that it started."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def child(self, name: str) -> psutil.Process:
        return next(p for p in psutil.Process(self.process.pid).children() if name in p.name())

    def ends(self, status: int, seconds: float = 30) -> None:
        assert self.process.wait(seconds) == status, self.said
        assert "Traceback" not in self.said


@contextmanager
def running(state: Path, *arguments: str, as_user: bool = False) -> Iterator[Demo]:
    demo = Demo(state, *arguments, as_user=as_user)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.terminate()
            try:
                demo.process.wait(30)
            except subprocess.TimeoutExpired:
                demo.process.kill()
                raise


def all_gone(family: list[psutil.Process], seconds: float = 10) -> bool:
    _, alive = psutil.wait_procs(family, timeout=seconds)
    return not alive


@pytest.fixture
def state(memory: Path) -> Iterator[Path]:
    parent = memory / f"demo-{uuid4().hex}"
    parent.mkdir()
    yield parent / "state"
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def made(memory: Path) -> Path:
    """A state folder that a demo has filled and left, to be copied."""
    state = memory / f"made-{uuid4().hex}" / "state"
    state.parent.mkdir()
    with running(state) as demo:
        demo.until("Samtid is ready:")
    return state


@pytest.fixture
def used(made: Path, state: Path) -> Path:
    """A copy of a filled state folder, with its owners."""
    subprocess.run(["cp", "-a", made, state], check=True)
    return state


def book(url: str) -> dict[str, str]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        query = {"offering": "foraldrasamtal-hoor-horby-eslov", "municipality": "1266", "limit": "1"}
        slot = http.get("/booking/v1/slots", params=query).raise_for_status().json()["items"][0]
        wish = {
            "slot": slot["id"],
            "municipality": "1266",
            "modality": slot["modalities"][0],
            "contact": {"name": "Kim", "email": "kim@example.se", "language": "sv"},
            "expecting": True,
        }
        booked = http.post("/booking/v1/bookings", json=wish, headers={"Idempotency-Key": uuid4().hex})
        answer: dict[str, str] = booked.raise_for_status().json()
        return answer


def messages(url: str, reference: str) -> list[dict[str, str]]:
    items = httpx.get(f"{url}/demo/messages.json", trust_env=False).raise_for_status().json()["items"]
    return [item for item in items if item["reference"] == reference]


def spans(url: str, reference: str) -> list[dict[str, object]]:
    found = httpx.get(f"{url}/demo/traces.json", params={"reference": reference}, trust_env=False).json()
    return [span for trace in found["traces"] for span in trace]


def wait_for(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


REACH = 'eval "$("$0" -m deploy.cli demo-env "$1" --state "$2")"; shift 2; exec "$0" -m deploy.cli "$@"'


def commanded(state: Path, role: str, *command: str) -> str:
    """What a command says that reaches the demo as `samtid demo-env` tells."""
    called = ["sh", "-c", REACH, sys.executable, role, str(state), *command]
    return subprocess.run(called, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True).stdout


@pytest.mark.alone
def test_from_nothing_it_is_ready_soon_and_stays_small(folder: Path) -> None:
    """On a disk, as a person has it."""
    state = folder / f"demo-{uuid4().hex}" / "state"
    state.parent.mkdir()
    with running(state) as demo:
        url = demo.until("Samtid is ready:")
        took = float(demo.said.split("s] ready")[0].rsplit("[", 1)[1])
        assert took < READY_SECONDS, demo.said
        reference = book(url)["reference"]
        wait_for(lambda: messages(url, reference))
        resident = sum(process.memory_full_info().pss for process in demo.family()) / 1e6
        assert resident < MEGABYTES


def test_a_booking_is_told_in_one_trace_and_the_next_start_finds_it(state: Path) -> None:
    with running(state) as demo:
        url = demo.until("Samtid is ready:")
        for service in SERVICES:
            assert httpx.get(f"{url}/{service}/readyz", trust_env=False).is_success
        booked = book(url)
        reference = booked["reference"]
        wait_for(lambda: messages(url, reference))
        wait_for(lambda: any("send" in str(span["name"]) for span in spans(url, reference)))
        assert {span["service"] for span in spans(url, reference)} == {"booking", "notification"}
        assert len({span["trace_id"] for span in spans(url, reference)}) == 1, "one trace from click to mail"
        printed = subprocess.run(
            [sys.executable, "-m", "deploy.cli", "trace", reference, "--url", url],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            check=True,
        ).stdout
        assert "booking: POST /booking/v1/bookings" in printed
        assert "notification: send confirmation" in printed
        for line in (state / "samtid.log").read_text().splitlines():
            json.loads(line)
        assert "Confirmation" in commanded(state, "booking", "why", reference)
        assert "No event was given up" in commanded(state, "booking", "dead", "list")
        renamed = commanded(state, "directory", "export").replace("name: Maria Ek", "name: Maria Ek Lund")
        (state.parent / "changed.yaml").write_text(renamed)
        assert "0 added, 2 changed" in commanded(state, "directory", "import", str(state.parent / "changed.yaml"))
        family = demo.family()
        demo.process.terminate()
        demo.ends(0)
        assert all_gone(family)

    # As a demo left them of before NATS had accounts.
    storage = state / "nats" / "jetstream" / "jetstream"
    (storage / "core").rename(storage / "$G")
    with running(state) as demo:
        url = demo.until("Samtid is ready:")
        assert not (storage / "$G").exists()
        assert commanded(state, "directory", "export") == renamed, "what staff changed stays as they left it"
        found = httpx.get(f"{url}/booking/v1/bookings/{booked['manage_token']}", trust_env=False)
        assert found.json()["reference"] == reference
        assert len(messages(url, reference)) == 1, "told once, and still shown"
        assert spans(url, reference), "the trace is kept"

    with running(state, "--fresh") as demo:
        url = demo.until("Samtid is ready:")
        found = httpx.get(f"{url}/booking/v1/bookings/{booked['manage_token']}", trust_env=False)
        assert found.status_code == 404
        assert not messages(url, reference)


def test_stopped_while_it_starts_it_leaves_no_orphan_and_can_start_again(state: Path) -> None:
    for moment in ("starting PostgreSQL", "waiting for booking"):
        with running(state) as demo:
            demo.until(moment)
            family = demo.family()
            demo.process.terminate()
            demo.ends(1)
            assert "stopped before it was ready" in demo.said
            assert all_gone(family)
    with running(state) as demo:
        demo.until("Samtid is ready:")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_killed_it_leaves_no_orphan_and_can_start_again(used: Path) -> None:
    with running(used) as demo:
        demo.until("Samtid is ready:")
        family = demo.family()
        demo.process.kill()
        demo.process.wait()
        assert all_gone(family)
    with running(used) as demo:
        demo.until("Samtid is ready:")


@pytest.mark.parametrize(("process", "name"), [("postgres", "PostgreSQL"), ("nats-server", "NATS")])
def test_a_killed_server_ends_it_with_a_sentence(used: Path, process: str, name: str) -> None:
    with running(used) as demo:
        demo.until("Samtid is ready:")
        family = demo.family()
        demo.child(process).kill()
        demo.ends(1)
        assert f"{name} was killed by signal 9, and Samtid ended with it" in demo.said
        assert all_gone(family)


def test_two_demos_do_not_share_a_state_folder_and_ctrl_c_ends_the_first(used: Path) -> None:
    with running(used) as demo:
        demo.until("Samtid is ready:")
        family = demo.family()
        refused(used, f"A demo (process {demo.process.pid}) uses {used} already")
        refused(used, "uses", "--fresh")
        assert demo.process.poll() is None
        demo.process.send_signal(signal.SIGINT)
        demo.ends(0)
        assert all_gone(family)


def refused(state: Path, sentence: str, *arguments: str, as_user: bool = False) -> None:
    """The demo does not start; it says why in one sentence and leaves with a status that is not 0."""
    is_refused(command(state, *arguments, as_user=as_user), sentence)


def is_refused(words: Sequence[str | Path], sentence: str) -> None:
    made = subprocess.run(
        words,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        timeout=60,
        check=False,
    )
    assert made.returncode == 1, made.stdout + made.stderr
    assert made.stderr.count("\n") == 1, made.stderr
    assert made.stderr.startswith("samtid demo: ")
    assert sentence in made.stderr


def test_a_taken_port_is_said(state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(state, f"Port {port} is taken", "--port", str(port))
    assert not state.exists()


def test_a_file_for_a_folder_is_said(state: Path) -> None:
    state.write_text("mine")
    refused(state, "is a file, not a folder", "--fresh")
    assert state.read_text() == "mine"


def test_a_folder_of_others_is_left_alone(state: Path) -> None:
    state.mkdir()
    (state / "thesis.txt").write_text("mine")
    refused(state, "not a state folder of Samtid", "--fresh")
    assert [path.name for path in state.iterdir()] == ["thesis.txt"]


def test_a_damaged_state_is_said_and_fresh_begins_anew(used: Path) -> None:
    marker = used / "state.json"
    whole = marker.read_text()
    marker.write_text("{")
    refused(used, "is damaged: begin anew with --fresh")
    marker.write_text(whole)
    seed = used / "keys" / "booking" / "nats.seed"
    seed.write_text("SUAX")
    refused(used, f"the key {seed} is damaged")
    seed.unlink()
    control = used / "postgres" / "data" / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)
    refused(used, "PostgreSQL ended with status")
    with running(used, "--fresh") as demo:
        demo.until("Samtid is ready:")


@pytest.mark.skipif(not ROOT, reason="only root starts PostgreSQL as another user")
def test_root_runs_it_in_a_folder_that_is_closed_to_others(state: Path) -> None:
    state.parent.chmod(0o700)
    with running(state) as demo:
        demo.until("Samtid is ready:")
        assert demo.child("postgres").uids().effective == 65534
        family = demo.family()
        demo.process.kill()
        demo.process.wait()
        assert all_gone(family)


@pytest.mark.skipif(not ROOT, reason="only root starts PostgreSQL as another user")
def test_a_folder_that_postgresql_may_not_reach_is_named(state: Path) -> None:
    state.parent.chmod(0o700)
    # As root is in most containers: without the right to hand on what opens every folder.
    weaker = ["setpriv", "--bounding-set=-dac_read_search", *command(state)]
    sentence = f"may not pass through {state.parent}: use a state folder elsewhere (--state)"
    is_refused(weaker, sentence)


@pytest.fixture
def user_state(state: Path) -> Path:
    """A place for an ordinary user's state folder; needs root, to become that user."""
    if not ROOT or not shutil.which("setpriv"):
        pytest.skip("these tests run as an ordinary user already, or cannot become one")
    os.chown(state.parent, 65534, 65534)
    return state


def test_an_ordinary_user_runs_it(user_state: Path) -> None:
    with running(user_state, as_user=True) as demo:
        demo.until("Samtid is ready:")
        assert {process.uids().effective for process in demo.family()} == {65534}
        assert user_state.stat().st_mode & 0o077 == 0, "nobody else's business"
        assert (user_state / "samtid.log").stat().st_mode & 0o077 == 0
        family = demo.family()
        demo.process.terminate()
        demo.ends(0)
        assert all_gone(family)


def test_a_folder_that_is_not_writable_is_said(user_state: Path) -> None:
    os.chown(user_state.parent, 0, 0)
    refused(user_state, f"The state folder {user_state} cannot be used: Permission denied", as_user=True)
