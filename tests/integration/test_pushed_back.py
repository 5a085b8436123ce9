"""Whose queue is full hears so before the upload, by each door; who has little waiting is served meanwhile."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import aiosmtplib
import pytest
from sqlalchemy import insert

from config.database import Database
from delivery.store.backlogs import backlogs
from messages.message import Channel, Lane
from tests.harness import http_door, smtp_door

FULL = "too much of this service waits in lane"
CONTENT = b"From: a@dept.example.ca\r\nTo: reader@example.org\r\nSubject: s\r\n%s\r\nhello\r\n"


@pytest.fixture
async def smtp(tmp_path: Path) -> AsyncIterator[smtp_door.Door]:
    async with smtp_door.running_door(tmp_path) as door:
        yield door


@pytest.fixture
async def http(plain: Database) -> AsyncIterator[http_door.Door]:
    async with http_door.running_door(plain) as door:
        yield door


async def push_back(database: Database, service_id: UUID, *lanes: Lane) -> None:
    row = {"service_id": service_id, "channel": Channel.EMAIL.value, "waiting": 10**6, "wait_seconds": 50_000.0}
    row |= {"pushed_back": True, "measured_at": time.time()}
    async with database.write() as connection:
        await connection.execute(backlogs.delete())
        if lanes:
            await connection.execute(insert(backlogs), [row | {"rank": lane.rank} for lane in lanes])


async def client_of(door: smtp_door.Door, name: str) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(
        hostname="localhost", port=door.port, tls_context=door.client_context, local_hostname="client"
    )
    await client.connect()
    await client.login(*door.login(name))
    return client


async def test_an_smtp_client_hears_it_before_it_sends_a_message(smtp: smtp_door.Door) -> None:
    mine = smtp.issued["normal"].key.service_id
    await push_back(smtp.database, mine, Lane.NORMAL, Lane.BULK)
    await smtp.pressure.read()
    client, other = await client_of(smtp, "normal"), await client_of(smtp, "french")

    await client.mail("a@dept.example.ca")
    with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
        await client.rcpt("reader@example.org")
    assert refused.value.code == 452
    assert refused.value.message.startswith(f"4.3.1 {FULL} normal; try again in 3600 seconds")
    await client.rset()
    assert (await other.sendmail("a@dept.example.ca", ["reader@example.org"], CONTENT % b""))[0] == {}

    await push_back(smtp.database, mine)
    await smtp.pressure.read()
    assert (await client.sendmail("a@dept.example.ca", ["reader@example.org"], CONTENT % b""))[0] == {}
    for each in (client, other):
        await each.quit()


async def test_a_message_that_its_header_section_makes_urgent_is_taken_and_remembered(smtp: smtp_door.Door) -> None:
    await push_back(smtp.database, smtp.issued["normal"].key.service_id, Lane.NORMAL, Lane.BULK)
    await smtp.pressure.read()
    client = await client_of(smtp, "normal")
    urgent = CONTENT % b"X-Notify-Lane: priority\r\n"

    for _ in range(9):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await client.sendmail("a@dept.example.ca", ["reader@example.org"], urgent)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await client.sendmail("a@dept.example.ca", ["reader@example.org"], CONTENT % b"")
    assert (refused.value.code, FULL in refused.value.message) == (452, True)
    for _ in range(9):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await client.sendmail("a@dept.example.ca", ["reader@example.org"], urgent)
    assert (await client.sendmail("a@dept.example.ca", ["reader@example.org"], urgent))[0] == {}
    assert (await client.sendmail("a@dept.example.ca", ["reader@example.org"], urgent))[0] == {}
    await client.quit()


async def test_a_client_of_the_api_hears_when_to_try_again_before_its_body_is_read(http: http_door.Door) -> None:
    mine = http.issued["normal"].key.service_id
    await push_back(http.database, mine, Lane.NORMAL, Lane.BULK)
    await http.store.pressure.read()

    answer = await http.ask("POST", "/v2/notifications/email", http.bearer(), data=b"no JSON")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3600")
    assert answer.errors == [
        (
            "TooManyRequestsError",
            "Too many messages of your service are waiting to be sent; try again in 3600 seconds",
        )
    ]
    await push_back(http.database, mine)
    await http.store.pressure.read()
    assert (await http.send()).status == 201
