"""A door killed between the commit and its 250: the client sends again under the same key, and nobody gets two."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from config.database import Database
from tests.faults.conftest import Install
from tests.harness.load import NotAccepted, connected, html_message, login, trusting_context
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import one_database
from tests.harness.ses_process import Ses

KILLED = (sys.executable, str(Path(__file__).with_name("killed.py")))
CONTENT = b"X-Notify-Idempotency-Key: letter 7\r\n" + html_message()


async def _send(relay: Relay, credentials: Credentials, recipients: Sequence[str]) -> str:
    """One transaction: the reply to its content. Raises OSError or EOFError when there is none."""
    async with connected(relay.tls_port, *login(credentials), trusting_context()) as client:
        await client.command(b"MAIL FROM:<office@example.org>", b"250")
        for recipient in recipients:
            await client.command(f"RCPT TO:<{recipient}>".encode(), b"250")
        await client.command(b"DATA", b"354")
        return (await client.command(CONTENT + b".", b"250")).decode().strip()


async def _send_until_accepted(relay: Relay, credentials: Credentials, recipients: Sequence[str]) -> str:
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError, EOFError, NotAccepted):
                return await _send(relay, credentials, recipients)
            await asyncio.sleep(0.1)


@one_database("postgresql")
async def test_what_was_stored_before_its_reply_was_lost_is_not_sent_twice(
    install: Install, ses: Ses, database: Database
) -> None:
    relay = install(PROCESSES=1)
    credentials = relay.create_key()
    relay.start(through=KILLED)
    everybody = [f"reader-{number}@example.com" for number in range(30)]
    for recipients in (everybody[:20], everybody[10:]):  # the second time ten are known already
        (relay.folder / "kill").touch()
        with pytest.raises((OSError, EOFError)):
            await _send(relay, credentials, recipients)
        told = [await _send_until_accepted(relay, credentials, recipients) for _ in range(2)]
        assert told[0] == told[1]
        assert told[0].endswith(" queued for 20 recipients")

    async with asyncio.timeout(60):
        while len(ses.sent()) < len(everybody):
            await asyncio.sleep(0.1)
    relay.stop()
    assert Counter(recipient for _, recipient in ses.sent()) == Counter(everybody)
