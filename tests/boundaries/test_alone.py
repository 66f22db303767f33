"""Each service starts from a copy of `kit` and itself: nothing else of ours is needed, or can be reached."""

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import httpx
import nats
import pytest

from deploy import embedded, installation
from deploy.services import SERVICES, reads
from kit import messaging
from tests.conftest import Databases, as_public, until
from tests.infra import NatsServer

SOURCE = Path(__file__).parents[2] / "services"


def needs(service: str, folder: Path, vault_url: str, database_url: str) -> dict[str, str]:
    """The settings that a service needs besides those that all need."""
    secret = folder / "secret"
    secret.write_text("0" * 64)
    if service == "directory":
        return {"SESSION_KEY_FILE": str(secret)}
    if service == "booking":
        files = dict.fromkeys(("MANAGE_SECRET_FILE", "SESSION_KEY_FILE", "MASTER_KEY_FILE"), str(secret))
        return {**files, "VAULT_URL": vault_url, "PUBLIC_DATABASE_URL": as_public(database_url)}
    if service == "notification":
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": "9",
            "SMTP_TLS": "none",
            "MAIL_FROM": "Samtid <samtid@example.se>",
            "SMS_URL": "http://127.0.0.1:9",
        }
    return {}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_starts_from_kit_and_itself(
    service: str, tmp_path: Path, nats_server: NatsServer, new_database: Databases
) -> None:
    copy = tmp_path / "copy"
    for name in ("kit", service):
        shutil.copytree(SOURCE / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    client = await nats.connect(nats_server.url)
    await messaging.provision(client, reads(service))
    await client.close()
    database_url, port = await new_database(service), embedded.free_port()
    environment = {
        "PATH": os.environ["PATH"],
        # With -S no .pth file is read, so that the development install of the whole project is out of reach.
        "PYTHONPATH": os.pathsep.join([str(copy), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]),
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "NATS_URL": nats_server.url,
        "NATS_SEED_FILE": str(installation.seed_file(nats_server.keys, service)),
        **needs(service, tmp_path, await new_database("vault"), database_url),
    }
    others = [name for name in (*SERVICES, "deploy", "tests") if name != service]
    program = f"import importlib.util as u; print([n for n in {others} if u.find_spec(n)])"
    found = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-S", "-c", program], env=environment, cwd="/", capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]", "the copy must not reach the rest"

    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time; waiting for its end is done in a thread
            [sys.executable, "-S", "-m", "kit", "serve", service, "--port", str(port)],
            env=environment,
            cwd="/",
            stdout=output,
            stderr=output,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

            async def ready() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return (await http.get(f"/{service}/readyz")).is_success
                except httpx.TransportError:
                    return False

            await until(ready, 30)
        process.terminate()
        # uvicorn ends by the signal that it was sent, after it has ended everything in order.
        assert await asyncio.to_thread(process.wait, 20) in (0, -15), log.read_text()
    finally:
        process.kill()
        process.wait()
