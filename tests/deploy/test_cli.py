"""What the person at the terminal is told: one sentence and a status, never a stack trace."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from deploy import cli, embedded, installation
from kit import startup
from tests.conftest import Databases

NOWHERE = "postgresql://samtid@127.0.0.1:1/samtid"


def samtid(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        env={"PATH": os.environ["PATH"], **settings},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def test_help_names_every_command() -> None:
    said = samtid("--help")
    assert said.returncode == 0
    for command in (
        "demo",
        "serve",
        "migrate",
        "provision",
        "republish",
        "verify-log",
        "import",
        "trace",
        "why",
        "dead",
        "messages",
        "resync",
        "catcher",
        "keys",
        "databases",
        "retention",
        "erase",
        "rotate-master-key",
    ):
        assert f"\n    {command}" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "sentence"),
    [
        ((), {}, 2, "the following arguments are required: COMMAND"),
        (("dance",), {}, 2, "invalid choice: 'dance'"),
        (("demo", "--port", "eighty"), {}, 2, "eighty is not a port: say a number from 0 to 65535"),
        (("serve", "bookings"), {}, 2, "invalid choice: 'bookings'"),
        (("serve", "consent"), {}, 2, "consent cannot start: check DATABASE_URL, NATS_URL (not set)"),
        (("migrate", "consent"), {}, 2, "consent cannot be migrated: DATABASE_URL is not set"),
        (
            ("migrate", "consent"),
            {"DATABASE_URL": NOWHERE},
            1,
            "no PostgreSQL answers at 127.0.0.1:1: check DATABASE_URL",
        ),
        (("provision",), {}, 2, "NATS_URL is not set."),
        (("provision",), {"NATS_URL": "x", "NATS_SEED_FILE": "/no"}, 2, "NATS_SEED_FILE cannot be read: No such file"),
        (("import", "/no.yaml"), {"DATABASE_URL": NOWHERE}, 2, "there is no file /no.yaml."),
        (("import", __file__), {}, 2, "DATABASE_URL is not set."),
        (("erase", "kim"), {}, 2, "argument family: invalid UUID value: 'kim'"),
        (("retention",), {"DATABASE_URL": NOWHERE}, 2, "VAULT_URL is not set."),
        (("rotate-master-key",), {"VAULT_URL": NOWHERE}, 2, "MASTER_KEY_FILE is not set."),
        (("rotate-master-key",), {"VAULT_URL": NOWHERE, "MASTER_KEY_FILE": __file__}, 2, "openssl rand -hex 32"),
        (("verify-log",), {"DATABASE_URL": NOWHERE}, 1, "samtid verify-log: no server answers: check DATABASE_URL"),
        (("verify-log", "--head", "ab:1"), {}, 2, "ab:1 is no head: give what `samtid verify-log` said, HASH:ID"),
        (("republish",), {"DATABASE_URL": NOWHERE}, 1, "samtid republish: no server answers: check DATABASE_URL"),
        (("messages", "list"), {"DATABASE_URL": NOWHERE}, 1, "samtid messages: no server answers: check DATABASE_URL"),
        (("messages", "resend", "x"), {}, 2, "invalid UUID value: 'x'"),
        (("resync",), {"DATABASE_URL": NOWHERE}, 1, "samtid resync: no server answers: check DATABASE_URL"),
        (("dead", "list"), {}, 2, "NATS_URL is not set."),
        (("why", "ABCD"), {"DATABASE_URL": NOWHERE}, 2, "ABCD is no reference: it has eight digits and letters"),
        (("why", "ABCDEFGH"), {}, 2, "DATABASE_URL is not set."),
        (("why", "ABCDEFGH"), {"DATABASE_URL": NOWHERE}, 1, "samtid why: no server answers: check DATABASE_URL"),
        (("demo-env", "booking", "--state", "/no"), {}, 2, "No demo has been in /no"),
        (("demo-env", "nobody"), {}, 2, "invalid choice: 'nobody'"),
        (("trace", "ABCD", "--url", "http://127.0.0.1:1"), {}, 2, "no demo answers at http://127.0.0.1:1"),
        (("keys", "/dev/null"), {}, 1, "samtid keys: /dev/null"),
        (("databases", "/no"), {}, 2, "the key /no/postgres/password cannot be read"),
    ],
)
async def test_what_cannot_be_done_is_said(
    arguments: tuple[str, ...],
    settings: dict[str, str],
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process: a fault of ours would come through as it is."""
    monkeypatch.setattr(startup, "WAIT_SECONDS", 0)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], **settings})
    try:
        ended = await asyncio.to_thread(cli.main, arguments)
    except SystemExit as refused:
        ended = refused.code
    said = capsys.readouterr().err
    assert ended == status, said
    assert sentence in said


@pytest.mark.parametrize(
    ("arguments", "user"),
    [
        (("verify-log",), "booking"),
        (("why", "ABCDEFGH"), "notification"),
        (("messages", "list"), "booking"),
        (("figures", "rebuild"), "notification"),
        (("republish",), "booking_owner"),
    ],
)
async def test_the_wrong_role_is_told_of_in_a_sentence(
    arguments: tuple[str, ...],
    user: str,
    new_database: Databases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = make_url(await new_database(user.removesuffix("_owner"))).set(username=user)
    settings = {"PATH": os.environ["PATH"], "DATABASE_URL": url.render_as_string(hide_password=False)}
    monkeypatch.setattr(os, "environ", settings)
    assert await asyncio.to_thread(cli.main, arguments) == 1
    said = capsys.readouterr().err
    assert "may not do this" in said or "lets nobody in" in said
    assert "Error" not in said
    assert said.count("\n") == 1


def test_provision_says_that_nats_refuses_the_key(folder: Path) -> None:
    from deploy import installation, permissions

    installation.make_keys(folder / "cli" / "keys")
    config = permissions.accounts(installation.public_keys(folder / "cli" / "keys"))
    stranger = folder / "cli" / "stranger"
    stranger.write_text(permissions.new_seed())
    with embedded.held_port() as port:
        server = embedded.nats(folder / "cli" / "nats", port, config)
        server.start()
        try:
            url = f"nats://127.0.0.1:{port}"
            refused = samtid("provision", NATS_URL=url, NATS_SEED_FILE=str(stranger))
            assert refused.returncode == 2
            assert "refuses the operator's key" in refused.stderr
            operator = installation.seed_file(folder / "cli" / "keys", permissions.OPERATOR)
            for _ in range(2):
                assert samtid("provision", NATS_URL=url, NATS_SEED_FILE=str(operator)).returncode == 0
        finally:
            server.stop()


def test_nothing_is_erased_where_nats_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    master = tmp_path / "master.key"
    master.write_text("0123456789abcdef" * 4)
    monkeypatch.setattr(installation, "CONNECT_SECONDS", 0)
    for name, value in (("DATABASE_URL", NOWHERE), ("VAULT_URL", NOWHERE), ("MASTER_KEY_FILE", str(master))):
        monkeypatch.setenv(name, value)
    for settings, sentence in (
        ({}, "NATS_URL is not set."),
        (
            {"NATS_URL": "nats://127.0.0.1:1"},
            "Nothing was erased, for NATS knows who asked to be: NATS at nats://127.0.0.1:1 does not answer.",
        ),
    ):
        monkeypatch.delenv("NATS_URL", raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        assert cli.main(["retention"]) == 2
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "lines", "status"),
    [
        ("--help", 0, 0),
        # Of a program that SIGPIPE ended.
        ("simulate --pool hoor-horby-eslov --policies first-come", 0, 141),
        ("demo --port 0 --state {folder}/state", 0, 141),
        ("demo --port 0 --state {folder}/state", 2, 141),
    ],
)
def test_whoever_stops_reading_ends_it_quietly(command: str, lines: int, status: int, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "deploy.cli", *command.format(folder=tmp_path).split()]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stderr
        for _ in range(lines):
            running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(120) == status, said
    assert "samtid " not in said
    assert "BrokenPipe" not in said
