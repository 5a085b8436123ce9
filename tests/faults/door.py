"""An SMTP door on SQLite as a process, with a chosen `synchronous`: python -m tests.faults.door FOLDER FULL|OFF.

The command has no such switch, and must not have one. Prints a JSON line with port, username and password.
"""

import asyncio
import json
import socket
import sys
import time
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from auth import keys, services
from auth.domains import names
from auth.throttle import Throttle
from auth.verify import Verifier
from auth.watches import Watches
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits, Smtp
from config.words import Words
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from messages.message import Channel, KeyType
from relay import self_signed
from relay.accept import Acceptor
from relay.metrics import DoorMetrics
from relay.preparation.email import EmailPreparer
from relay.smtp.listeners import SmtpDoor
from relay.tls import Certificates
from tests.harness.migrated import migrated
from tests.harness.store import Store

DOMAIN = "notification.example.ca"


async def _key(database: Database, keyring: Keyring) -> keys.Issued:
    now = time.time()
    async with database.write() as connection:
        await names.ensure(connection, Keyring.parse(Keyring.generate()), DOMAIN, now)
        service = await services.create(
            connection, Limits(), now, name="Passports", email_from="passports", domain=DOMAIN, live=True
        )
        return await keys.create(connection, keyring, Limits(), service, now, name="test key", type=KeyType.NORMAL)


async def _serve(folder: Path, synchronous: str) -> None:
    database = await migrated(f"sqlite+aiosqlite:///{folder}/relay.db", synchronous=synchronous)
    keyring = Keyring.parse(Keyring.generate())
    issued = await _key(database, keyring)
    verifier = Verifier(database, keyring, time.time, Limits(), default_domain=DOMAIN)
    store = Store(database, keyring)
    preparer = EmailPreparer(Brandings(), Templates(database, time.time), 1 << 20)
    acceptor = Acceptor(
        store.putting,
        store.idempotency,
        store.searching,
        verifier,
        {Channel.EMAIL: preparer},
        store.suppressions,
        store.pressure,
        max_recipients=10,
        now=time.time,
    )
    context = Certificates([self_signed.ensure(folder, "localhost")]).context
    throttle = Throttle(database, keyring, time.time, default_domain=DOMAIN)
    door = SmtpDoor(
        Smtp(),
        context,
        verifier,
        acceptor,
        DoorMetrics(CollectorRegistry()),
        Words.load(),
        throttle,
        Watches(database, time.time, default_domain=DOMAIN),
        store.pressure,
        sms_domain=f"sms.{DOMAIN}",
    )
    listener = socket.create_server(("127.0.0.1", 0))
    await door.start([], [listener])
    login = {"username": issued.key.smtp_username, "password": issued.smtp_password}
    print(json.dumps({"port": listener.getsockname()[1], **login}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), sys.argv[2]))
