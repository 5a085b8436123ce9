"""SMTP or HTTP in, fake SES or (texts) the outbox out, with the real command: messages a second, and CPU by stage."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks import cpu
from benchmarks.http_load import HttpOrder, post
from benchmarks.load import Order, send
from config.database import Database
from config.keyring import Keyring
from delivery.store.tables import queue
from tests.fakes.aws import CREDENTIALS
from tests.harness.postgres import Postgres
from tests.harness.relay import Relay
from tests.harness.ses_process import Ses

OTHERS = "supervisor, ops"  # and feedback, which has nothing to do here
STAGES = {"smtp": "door", "http": "door", "worker": "worker"}  # the door that is not measured is idle
TEMPLATE = (
    "# Your permit is ready\n\nHello ((name)),\n\nyour permit ((number)) is ready. Please bring:\n\n* the letter\n"
    "* a card with your picture\n\nMore at [our site](https://permits.example.ca).\n"
)
TEXTS = ("--texts-per-day", "10000000", "--texts-per-year", "10000000")
TEXT = "Hello ((name)), your permit ((number)) is ready. Bring the letter and a card with your picture."


@dataclass(frozen=True, slots=True)
class Round:
    """One measured run. CPU is in milliseconds per message."""

    relayed_per_second: float  # until the last message was with SES, or in the outbox
    accepted_per_second: float
    p50_ms: float  # from MAIL to the reply to the content; from a POST to its 201
    p99_ms: float
    stages: dict[str, float]
    postgres: float
    generator: float

    @property
    def cpu_ms(self) -> float:
        """All our processes together."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Installation:
    relay: Relay
    database: Database
    order: Order  # without the number of messages, as the other one
    http_order: HttpOrder
    text_order: HttpOrder
    postgres: Postgres | None

    def _used(self) -> dict[str, float]:
        assert self.relay.process is not None
        pids = {self.relay.process.pid: "supervisor"} | self.relay.children()
        found = dict.fromkeys([*STAGES.values(), OTHERS], 0.0)
        for pid, name in pids.items():
            found[STAGES.get(name.partition("-")[0], OTHERS)] += cpu.used([pid])
        if self.postgres:
            found["postgres"] = cpu.used_by_tree(self.postgres.pid)
        return found

    async def _relayed(self) -> None:
        while True:
            async with self.database.read() as connection:
                if await connection.scalar(select(queue.c.message_id).limit(1)) is None:
                    return
            await asyncio.sleep(0.05)

    async def measure(self, messages: int, **changes: Any) -> Round:
        """`changes` are to the order."""
        return await self._measure(messages, send(replace(self.order, messages=messages, **changes)))

    async def measure_http(self, messages: int) -> Round:
        return await self._measure(messages, post(replace(self.http_order, messages=messages)))

    async def measure_texts(self, messages: int) -> Round:
        return await self._measure(messages, post(replace(self.text_order, messages=messages)))

    async def _measure(self, messages: int, sending: Awaitable[dict[str, float]]) -> Round:
        before = self._used()
        sent = await sending
        await self._relayed()
        seconds = time.time() - sent["began_at"]
        used = {name: (value - before[name]) / messages * 1000 for name, value in self._used().items()}
        return Round(
            relayed_per_second=messages / seconds,
            accepted_per_second=messages / sent["seconds"],
            p50_ms=sent["p50"] * 1000,
            p99_ms=sent["p99"] * 1000,
            postgres=used.pop("postgres", 0.0),
            generator=sent["cpu_seconds"] / messages * 1000,
            stages=used,
        )


@asynccontextmanager
async def installed(
    database_url: str, connections: int, postgres: Postgres | None = None, *, processes: int = 2
) -> AsyncIterator[Installation]:
    """The command with a live service, on so many processes of each kind."""
    ses = Ses()
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        relay = Relay(
            Path(folder),
            DATABASE_URL=database_url.format(folder=folder),
            SECRET_KEY=Keyring.generate(),
            SEALING_KEY=Keyring.generate(),
            EMAIL__PROVIDER="ses",
            AWS__ENDPOINT_URL=ses.url,
            PROCESSES=processes,
            **CREDENTIALS,
        )
        relay.run("db", "upgrade")
        service = relay.create_service("--live", "--per-day", "10000000", *TEXTS)
        key = relay.create_key("--per-minute", "10000000", service=str(service["id"]))
        database = Database(database_url.format(folder=folder))
        try:
            relay.start(afresh=True)
            order = Order(relay.tls_port, key.username, key.password, connections, 0)
            template = relay.create_template(key.service_id, "Permit ((number)) is ready", TEMPLATE)
            http_order = HttpOrder(relay.http_port, key.api_key, template, connections, 0)
            text = relay.create_template(key.service_id, None, TEXT)
            text_order = HttpOrder(relay.http_port, key.api_key, text, connections, 0, "sms")
            yield Installation(relay, database, order, http_order, text_order, postgres)
        finally:
            await database.close()
            relay.end()
            ses.end()


async def baseline(messages: int, connections: int, loop: str = "uvloop", **changes: Any) -> tuple[float, float]:
    """Messages a second and CPU milliseconds per message of the server that drops everything."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.baseline", folder, loop], stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            before = cpu.used([process.pid])
            sent = await send(Order(port, "name", "secret", connections, messages, starttls=True, **changes))
            return messages / sent["seconds"], (cpu.used([process.pid]) - before) / messages * 1000
        finally:
            process.kill()
            process.communicate()
