"""One core behind three doors: what a template says makes the same rows by the site, by HTTP and, as mail, by SMTP."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry

from auth import keys, services
from auth.verify import Verifier
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits
from delivery.library import templates
from delivery.library.brandings import Brandings
from delivery.library.origination import OriginationIdentities
from delivery.library.templates import Templates
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, Door, KeyType, Message, Trace
from messages.phone import PhoneNumber
from messages.recipient import Recipient
from messages.template import Template
from relay import options
from relay.accept import Acceptor
from relay.http.client import Client
from relay.http.presenting import Bodies, Links
from relay.http.requests import EmailRequest, SmsRequest
from relay.http.sending import EmailSending, SmsSending
from relay.http.submissions import Submissions
from relay.http.validation import validated
from relay.metrics import DoorMetrics
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from relay.site.send.form import Filled
from relay.site.send.submitting import submission
from tests.fakes.auth import NOW
from tests.harness import domains
from tests.harness.store import Store

DOMAIN = "notification.example.ca"
TRACE = Trace("", "192.0.2.1", "HTTP", "relay.example.ca")
VALUES = {"name": "Zoë", "late": "no"}
RECIPIENTS: dict[Channel, Recipient] = {
    Channel.EMAIL: Address.parse("reader@example.org"),
    Channel.SMS: PhoneNumber("+16135550100"),
}
AT = NOW + 3600
PERSON = uuid4()
# What each message has of its own, and who it came from.
OWN = {"id", "group_id", "content_id", "key_id", "door", "created_by", "original_message_id"}
# A mail brings its content along: it is of no template that people see.
OF_MAIL = OWN | {"template_id", "template_version", "content_bytes", "content_kind"}


@dataclass
class Doors:
    """All of one service, which has a template of each channel."""

    store: Store
    acceptor: Acceptor
    verifier: Verifier
    key: keys.Key
    hidden: UUID
    templates: dict[Channel, Template]
    database: Database
    secret: str

    async def by_site(self, channel: Channel, token: str = "t", **changes: Any) -> Message:
        filled = Filled(RECIPIENTS[channel], VALUES | changes, AT)
        asked = submission(self.templates[channel], filled, token=token, by=PERSON, trace=TRACE)
        accepted = await self.acceptor.accept(asked, await self.verifier.acting(self.hidden))
        return await self.row(accepted.message_ids[0])

    async def by_http(self, channel: Channel) -> Message:
        principal = await self.verifier.verify(self.key.smtp_username, self.secret)
        submissions = Submissions(self.acceptor, self.store.pressure, DoorMetrics(CollectorRegistry()), "", lambda: NOW)
        links = Links("https://relay.example.ca/")
        parts: Any = (
            submissions,
            Bodies(self.store.contents, Templates(self.database, lambda: NOW)),
            links,
            lambda: NOW,
        )
        asked = {"template_id": str(self.templates[channel].id), "personalisation": VALUES, "scheduled_for": _iso(AT)}
        to, client = str(RECIPIENTS[channel]), Client("192.0.2.1", "")
        sending: Any = EmailSending(*parts, "sms.x.ca")
        request: Any = None
        if channel is Channel.EMAIL:
            request = validated(EmailRequest, asked | {"email_address": to}, now=NOW)
        else:
            sending = SmsSending(*parts, OriginationIdentities(self.database, lambda: NOW))
            request = validated(SmsRequest, asked | {"phone_number": to}, now=NOW)
        answer, _ = await sending.send(request, principal, client, None)
        return await self.row(UUID(answer["id"]))

    async def by_smtp(self, channel: Channel) -> Message:
        principal = await self.verifier.verify(self.key.smtp_username, self.secret)
        mail = EmailMessage()
        mail["From"], mail["To"] = f"desk@{DOMAIN}", "reader@example.org"
        mail["Subject"], mail["X-Notify-Scheduled-For"] = "Dear Zoë", _iso(AT)
        mail.set_content("Hello Zoë")
        envelope = Envelope(None, (RECIPIENTS[channel],))
        trace = Trace("client", "192.0.2.1", "ESMTPSA", "relay.example.ca")
        asked = options.submission(mail.as_bytes(), envelope, trace, principal, NOW, {})
        return await self.row((await self.acceptor.accept(asked, principal)).message_ids[0])

    async def row(self, message_id: UUID) -> Message:
        return (await self.store.searching.load([message_id]))[message_id]

    async def content(self, message: Message) -> bytes | None:
        return (await self.store.contents.load([message.content_id]))[message.content_id]


@pytest.fixture
async def doors(database: Database, keyring: Keyring, sealing: Keyring) -> Doors:
    limits, store = Limits(), Store(database, keyring)
    async with database.write() as c:
        await domains.ensure(c, sealing, DOMAIN, NOW)
        service = await services.create(
            c, limits, NOW, name="Passports", email_from="passports", domain=DOMAIN, live=True
        )
        issued = await keys.create(c, keyring, limits, service, NOW, name="k", type=KeyType.NORMAL)
        hidden = await keys.hidden(c, keyring, limits, service, NOW)
        made = {
            channel: await templates.create(
                c, service.id, NOW, channel=channel, name="Ready", subject=subject, body="Hello ((name))((late??!))"
            )
            for channel, subject in ((Channel.EMAIL, "Dear ((name))"), (Channel.SMS, None))
        }
    shelf, verifier = (
        Templates(database, lambda: NOW),
        Verifier(database, keyring, lambda: NOW, limits, default_domain=DOMAIN),
    )
    acceptor = Acceptor(
        store.putting,
        store.idempotency,
        store.searching,
        verifier,
        {Channel.EMAIL: EmailPreparer(Brandings(), shelf, 1 << 20), Channel.SMS: SmsPreparer(shelf, 1 << 20)},
        store.suppressions,
        store.pressure,
        max_recipients=10,
        now=lambda: NOW,
    )
    return Doors(store, acceptor, verifier, issued.key, hidden.id, made, database, issued.secret)


@pytest.mark.parametrize("channel", Channel)
async def test_a_template_sent_by_hand_and_by_a_program_is_the_same_message(doors: Doors, channel: Channel) -> None:
    site, http = await doors.by_site(channel), await doors.by_http(channel)

    assert differing(site, http) <= OWN
    assert await doors.content(site) == await doors.content(http)
    assert (site.door, http.door) == (Door.SITE, Door.HTTP)
    assert (site.created_by, http.created_by) == (PERSON, None)
    assert (site.key_id, http.key_id) == (doors.hidden, doors.key.id)


@pytest.mark.parametrize("channel", Channel)
async def test_mail_that_says_the_same_differs_only_in_that_it_brings_its_content(
    doors: Doors, channel: Channel
) -> None:
    site, smtp = await doors.by_site(channel), await doors.by_smtp(channel)

    assert differing(site, smtp) <= OF_MAIL
    assert (site.door, smtp.door) == (Door.SITE, Door.SMTP)
    assert (site.subject, site.billable_units) == (smtp.subject, smtp.billable_units)
    if channel is Channel.SMS:
        assert await doors.content(site) == await doors.content(smtp)


async def test_a_form_that_is_sent_twice_is_one_message(doors: Doors) -> None:
    first, again = await doors.by_site(Channel.EMAIL), await doors.by_site(Channel.EMAIL)
    other = await doors.by_site(Channel.EMAIL, "another")
    assert first == again
    assert other.id != first.id


def differing(one: Message, other: Message) -> set[str]:
    return {each.name for each in fields(Message) if getattr(one, each.name) != getattr(other, each.name)}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
