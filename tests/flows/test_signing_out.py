"""Who signs out at directory is soon out of booking too, also by a copy of the cookie that the browser gave up."""

import time
from pathlib import Path

from tests.agenda.conftest import entities
from tests.booking.conftest import ready
from tests.conftest import Clock, Run, until
from tests.flows.test_epochs import write
from tests.signing import form_token, session_of

# What docs/signing-in.md promises.
SECONDS = 5


async def test_a_copy_of_a_cookie_opens_nothing_soon_after_its_owner_has_signed_out(
    run: Run, clock: Clock, secret_file: Path
) -> None:
    async with (
        run("directory", clock=clock) as directory,
        run("booking", clock=clock, manage_secret_file=secret_file) as booking,
    ):
        await write(directory.runtime.engine, entities(), clock())
        await until(lambda: ready(booking))
        stolen = session_of(directory, "maria-ek")

        async def is_let_in() -> bool:
            return (await booking.http.get("/arbetsdag", headers=stolen)).status_code == 200

        async def is_sent_away() -> bool:
            return not await is_let_in()

        await until(is_let_in)
        clock.move(minutes=1)
        token = form_token(directory, stolen)
        answer = await directory.http.post("/logga-ut", headers=stolen, data={"_csrf": token})
        assert answer.status_code == 200
        began = time.monotonic()
        await until(is_sent_away)
        assert time.monotonic() - began < SECONDS
