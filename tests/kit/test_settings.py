"""What is unsafe starts in demo and test only, and is refused in a sentence that repeats no secret."""

import hashlib
import io
import os
from contextlib import redirect_stderr
from pathlib import Path
from typing import NamedTuple

import pytest

from kit import __main__ as program
from kit.settings import StaffSettings

GOOD = {
    "DATABASE_URL": "postgresql://samtid@127.0.0.1:1/samtid",
    "NATS_URL": "nats://127.0.0.1:1",
    "PUBLIC_DATABASE_URL": "postgresql://booking_public@127.0.0.1:1/samtid",
    "VAULT_URL": "postgresql://vault@127.0.0.1:1/vault",
    "PUBLIC_URL": "https://boka.kommun.se",
    "ACCESSIBILITY_EMAIL": "webb@kommun.se",
    "OIDC_ISSUER": "https://login.kommun.se",
    "OIDC_CLIENT_ID": "samtid",
}
# As if made by chance, but the same in every run: it is part of the tests' names.
RANDOM = hashlib.sha256(b"samtid").hexdigest()


class Said(NamedTuple):
    """The exit status, and what was said."""

    returncode: int
    stderr: str


def load(secret: str, folder: Path, service: str = "booking", **settings: str) -> Said:
    """Load a service's settings from an environment that holds nothing else, and say whether they are taken."""
    file = folder / "manage.secret"
    file.write_text(secret)
    other = folder / "other.key"
    other.write_text(RANDOM)
    others = dict.fromkeys(("SESSION_KEY_FILE", "MASTER_KEY_FILE"), str(other))
    environment = {**GOOD, **others, "MANAGE_SECRET_FILE": str(file), **settings}
    with pytest.MonkeyPatch.context() as changed, redirect_stderr(io.StringIO()) as said:
        for name in list(os.environ):
            changed.delenv(name)
        for name, value in environment.items():
            changed.setenv(name, value)
        changed.setattr(program, "serve", lambda *_, **__: 0)
        return Said(program.main(["serve", service]), said.getvalue())


def test_safe_settings_start(tmp_path: Path) -> None:
    said = load(RANDOM, tmp_path, TRUSTED_PROXIES="10.1.2.3, 2001:db8::/64")
    assert said == (0, "")


@pytest.mark.parametrize(
    ("secret", "settings", "name", "sentence"),
    [
        (RANDOM, {"PUBLIC_URL": "http://boka.kommun.se"}, "PUBLIC_URL", "must begin with https://"),
        (RANDOM, {"TRUSTED_PROXIES": "*"}, "TRUSTED_PROXIES", "must name the proxies"),
        (RANDOM, {"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES", "must name the proxies"),
        (RANDOM, {"OIDC_ISSUER": ""}, "OIDC_ISSUER", "must begin with https://"),
        (RANDOM, {"OIDC_ISSUER": "http://login.kommun.se"}, "OIDC_ISSUER", "must begin with https://"),
        (RANDOM, {"ACCESSIBILITY_EMAIL": "tillganglighet@example.se"}, "ACCESSIBILITY_EMAIL", "that somebody reads"),
        ("0" * 64, {}, "MANAGE_SECRET_FILE", "no secret made by chance"),
        ("abcd" * 16, {}, "MANAGE_SECRET_FILE", "no secret made by chance"),
        ("Change-me, 0123456789abcdefghijklmnopq", {}, "MANAGE_SECRET_FILE", "no secret made by chance"),
    ],
)
def test_unsafe_settings_start_in_demo_and_test_only(
    secret: str, settings: dict[str, str], name: str, sentence: str, tmp_path: Path
) -> None:
    said = load(secret, tmp_path, **settings)
    assert said.returncode == 2
    assert said.stderr.startswith(f"booking cannot start: check {name} (")
    assert sentence in said.stderr
    assert secret not in said.stderr
    assert load(secret, tmp_path, **settings, ENVIRONMENT="demo").returncode == 0


@pytest.mark.parametrize(
    ("secret", "settings", "name", "sentence"),
    [
        (RANDOM[:31], {}, "MANAGE_SECRET_FILE", "must hold at least 32 bytes"),
        (RANDOM, {"MANAGE_SECRET_FILE": "/no"}, "MANAGE_SECRET_FILE", "/no cannot be read: No such file"),
        (RANDOM, {"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID", "must be set where OIDC_ISSUER is"),
        (RANDOM, {"OIDC_AUDIENCE": "samtid"}, "OIDC_AUDIENCE", "must not be OIDC_CLIENT_ID"),
        (RANDOM, {"TRUSTED_PROXIES": "caddy"}, "TRUSTED_PROXIES", "'caddy' does not appear to be an IPv4 or IPv6"),
    ],
)
def test_what_cannot_work_starts_nowhere(
    secret: str, settings: dict[str, str], name: str, sentence: str, tmp_path: Path
) -> None:
    said = load(secret, tmp_path, **settings, ENVIRONMENT="demo")
    assert said.returncode == 2
    assert said.stderr.startswith(f"booking cannot start: check {name} (")
    assert sentence in said.stderr


def test_the_secret_of_the_client_is_needed_where_staff_sign_in(tmp_path: Path) -> None:
    file = tmp_path / "client.secret"
    for content, sentence in ((None, "must name a file"), ("", "is empty"), ("short, but the provider's", "")):
        if content is not None:
            file.write_text(content)
        given = {} if content is None else {"OIDC_CLIENT_SECRET_FILE": str(file)}
        said = load(RANDOM, tmp_path, "directory", **given)
        assert (said.returncode == 0, sentence in said.stderr) == (not sentence, True)
        assert load(RANDOM, tmp_path, "directory", **given, ENVIRONMENT="demo").returncode == 0
    said = load(RANDOM, tmp_path, "directory", OIDC_CLIENT_SECRET_FILE="/no", ENVIRONMENT="demo")
    assert "check OIDC_CLIENT_SECRET_FILE (/no cannot be read" in said.stderr


def test_lists_are_written_with_spaces_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(RANDOM)
    known = {**GOOD, "ENVIRONMENT": "demo", "SESSION_KEY_FILE": str(tmp_path / "key")}
    for name, value in {**known, "OIDC_ACR": " loa3  loa2 ", "OIDC_ORGANISATIONS": "5566778899"}.items():
        monkeypatch.setenv(name, value)
    made = StaffSettings()
    assert (made.oidc_acr, made.oidc_organisations) == (("loa3", "loa2"), ("5566778899",))
