"""`python -m tests.chaos`: break everything that can break, under load, and hold the whole history to its promises.

One fault after the other; after each it is measured how long it takes until everything works again by itself: every
replica says that it is ready, and takes a booking whose confirmation arrives. At the end all that was told to anybody
is compared with the databases and with the messages that were taken. Exit status 1 where a promise was broken.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx

from booking.events import CONFIRMED
from deploy.services import all_reads
from tests.chaos import history
from tests.chaos.families import Families
from tests.chaos.house import House, freeze, register, thaw
from tests.chaos.outside import Outside
from tests.infra import TESTER

# Where a reader's consumer is made anew it reads all that the stream holds once more, and news wait for their turn.
BACK_SECONDS = 600
# Figures are read at leisure, twenty facts a second, and all of them again after the last fault.
SETTLED_SECONDS = 1200


@dataclass
class Story:
    house: House
    families: Families
    # How long each fault lasts, in seconds.
    lasts: float

    async def pause(self) -> None:
        await asyncio.sleep(self.lasts)

    async def killed(self, name: str) -> None:
        process = self.house.processes[name]
        process.end(signal.SIGKILL)
        await self.pause()
        process.start()

    async def ended(self, name: str) -> None:
        process = self.house.processes[name]
        process.end(signal.SIGTERM)
        process.start()

    async def frozen(self, name: str) -> None:
        process = self.house.processes[name]
        process.send(signal.SIGSTOP)
        await self.pause()
        process.send(signal.SIGCONT)

    async def server_killed(self, name: str) -> None:
        server = getattr(self.house, name)
        server.kill()
        await self.pause()
        await asyncio.to_thread(server.start)

    async def server_frozen(self, name: str) -> None:
        server = getattr(self.house, name)
        freeze(server)
        await self.pause()
        thaw(server)

    async def started_without_nats(self) -> None:
        self.house.nats.kill()
        await self.ended("booking-1")
        deadline = monotonic() + BACK_SECONDS
        async with httpx.AsyncClient(trust_env=False) as http:
            url = f"http://127.0.0.1:{self.house.processes['booking-1'].port}/booking/readyz"
            while monotonic() < deadline:
                try:
                    if (await http.get(url)).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
            else:
                self.families.record.faults.append("a replica does not become ready without NATS")
        await asyncio.to_thread(self.house.nats.start)

    async def consumers_lost(self) -> None:
        manager = await self.house.connect(TESTER)
        for read in all_reads():
            await manager.jetstream().delete_consumer(read.stream, read.durable)
        await manager.close()
        await self.pause()
        for name, process in self.house.processes.items():
            if not process.alive:
                self.families.record.faults.append(f"{name} ended when its consumers were lost")
        await self.house.provision()

    async def storage_lost(self) -> None:
        await asyncio.to_thread(self.house.lose_storage)
        await self.pause()
        await self.house.provision()
        await self.house.republish()

    async def two_dead_letters(self) -> None:
        """Two events that nobody can read, at once, in the hands of each reader."""
        booking = await self.house.connect("booking")
        for _ in range(2):
            await booking.jetstream().publish(CONFIRMED.subject(""), b'{"type": 1}', stream="EVENTS")
        await booking.close()

    async def mail_refused(self, stage: str, answer: str) -> None:
        with self.house.outside.refusing(stage, answer):
            await self.pause()

    async def mail_hangs(self, stage: str) -> None:
        with self.house.outside.hanging(stage):
            await self.pause()

    async def register_changed(self) -> None:
        """While a relay's process is frozen: leave for everybody, and the end of it."""
        self.house.processes["directory"].send(signal.SIGSTOP)
        await self.house.load(register(leave="2027-06-01"))
        self.house.processes["directory"].send(signal.SIGCONT)
        await self.house.load(register())

    def faults(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """In the order in which they happen."""
        servers = {"PostgreSQL": "postgres", "the key store": "vault", "NATS": "nats"}
        made: dict[str, Callable[[], Awaitable[None]]] = {}
        for name in self.house.processes:
            made[f"{name} killed"] = lambda name=name: self.killed(name)
        for said, name in servers.items():
            made[f"{said} killed"] = lambda name=name: self.server_killed(name)
        for name in self.house.processes:
            made[f"{name} frozen"] = lambda name=name: self.frozen(name)
        for said, name in servers.items():
            made[f"{said} frozen"] = lambda name=name: self.server_frozen(name)
        made["a replica started without NATS"] = self.started_without_nats
        made["all consumers lost"] = self.consumers_lost
        made["two dead letters at once"] = self.two_dead_letters
        for stage, answer in (
            ("connect", "554 5.7.1 go away"),
            ("EHLO", "550 5.7.1 not you"),
            ("MAIL", "550 5.7.1 sender rejected"),
            ("MAIL", "530 5.7.0 authentication required"),
            ("RCPT", "450 4.2.1 try later"),
            ("RCPT", "550 5.7.1 blocked by policy"),
            ("DATA", "554 5.7.1 blocklisted"),
            ("end", "554 5.7.1 blocklisted"),
        ):
            made[f"mail refused at {stage}: {answer[:9]}"] = lambda s=stage, a=answer: self.mail_refused(s, a)
        for stage in ("connect", "RCPT", "end"):
            made[f"mail hangs at {stage}"] = lambda stage=stage: self.mail_hangs(stage)
        made["the register changed twice"] = self.register_changed
        made["JetStream's storage lost"] = self.storage_lost
        return made

    async def back(self) -> float | None:
        """How many seconds until every replica is ready and a booking is made whose confirmation arrives."""
        began = monotonic()
        while monotonic() < began + BACK_SECONDS:
            if all([await process.ready() for process in self.house.processes.values()]) and await self._told():
                return monotonic() - began
            await asyncio.sleep(0.1)
        return None

    async def _told(self) -> bool:
        made = await self.families.book()
        if made is None:
            return False
        self.families.record.booked.append(made)
        wanted = {made.email, made.phone}
        deadline = monotonic() + BACK_SECONDS
        while monotonic() < deadline:
            if any(message.to in wanted for message in self.house.outside.taken[-500:]):
                return True
            if made.email.startswith("unknown-"):
                return False
            await asyncio.sleep(0.05)
        return False


async def run(folder: Path, *, clients: int, lasts: float, seed: int, only: str) -> int:
    outside = Outside()
    await outside.start()
    house = House(folder, outside)
    with ExitStack() as stack:
        stack.callback(outside.stop)
        stack.callback(house.stop)
        await house.build()
        families = Families(house, clients, seed)
        story = Story(house, families, lasts)
        print(f"built; ready after {await story.back():.1f} s", flush=True)
        living = asyncio.create_task(families.run())
        print(f"{'fault':45} {'back after':>10} {'longest silence':>16}   answers", flush=True)
        for name, fault in story.faults().items():
            if only not in name:
                continue
            before = families.record.counts.copy()
            families.record.silence, families.record.answered = 0.0, monotonic()
            await fault()
            took = await story.back()
            if took is None:
                families.record.faults.append(f"not back within {BACK_SECONDS} s after: {name}")
            counts = families.record.counts - before
            answered = sum(n for k, n in counts.items() if " " in k and k.rsplit(" ", 1)[1].isdigit())
            others = ", ".join(
                f"{n} {k}" for k, n in counts.items() if not k.rsplit(" ", 1)[-1].isdigit() or k == "503"
            )
            said = f"{took:.1f} s" if took is not None else "never"
            print(f"{name:45} {said:>10} {families.record.silence:>14.1f} s   {answered}; {others}", flush=True)
        families.stopping = True
        await living
        return await judge(house, families)


async def judge(house: House, families: Families) -> int:
    began = monotonic()
    while waiting := await history.settled(house):
        if monotonic() > began + SETTLED_SECONDS:
            families.record.faults.append(f"never settled: {waiting}")
            break
        await asyncio.sleep(0.5)
    print(f"settled after {monotonic() - began:.1f} s")
    messages, repeated = await history.told(house, families)
    verdicts = {
        "answers": families.record.faults,
        "times, projection, ledger": await history.times(house),
        "acknowledged, keys": await history.acknowledged(house, families),
        "messages": messages,
        "copies": await history.copies(house),
    }
    print(f"operations: {dict(sorted(families.record.counts.items()))}")
    print(f"bookings: {len(families.record.booked)}, messages taken: {len(house.outside.taken)} ({repeated} repeated)")
    for name, wrong in verdicts.items():
        print(f"{name}: {len(wrong)} violations")
        for line in wrong[:20]:
            print(f"  {line}")
    return 1 if any(verdicts.values()) else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="each fault lasts 30 s, and 16 families at a time")
    parser.add_argument("--only", default="", metavar="TEXT", help="the faults whose name has this in it")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    clients, lasts = (16, 30) if chosen.long else (6, 6)
    folder = Path(tempfile.mkdtemp(prefix="samtid-chaos-"))
    folder.chmod(0o755)
    status = 1
    try:
        status = asyncio.run(run(folder, clients=clients, lasts=lasts, seed=chosen.seed, only=chosen.only))
    finally:
        if status:
            print(f"databases and logs are left in {folder}")
        else:
            shutil.rmtree(folder)
    return status


if __name__ == "__main__":
    sys.exit(main())
