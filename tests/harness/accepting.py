"""The one way in over a real database, what may be given to it, and the templates that it knows."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from auth.principal import Principal
from delivery.backlog.pressure import Pressure
from delivery.library.brandings import Brandings
from delivery.store.base import Group, StoreUnavailable
from messages.address import Address
from messages.envelope import Envelope
from messages.message import Channel, Door, Message, Personalised, Submission, Trace
from messages.template import Template
from relay.accept import Acceptor
from relay.preparation.email import EmailPreparer
from relay.preparation.sms import SmsPreparer
from tests.harness.kept import Kept
from tests.harness.store import Store

NOW = 1_800_000_000.0
CONTENT = b"From: Ann <ann@dept.example.ca>\r\nTo: x@example.com\r\nSubject: Hello\r\nMessage-ID: <1@a>\r\n\r\nHi\r\n"


class Everybody:
    """A verifier before which nobody ever falls from grace."""

    async def current(self, principal: Principal, client_ip: str | None) -> Principal:
        return principal


class Shelf:
    """The templates of all services."""

    def __init__(self, *templates: Template) -> None:
        self._templates = {(template.service_id, template.id): template for template in templates}

    async def find(self, service_id: UUID, template_id: UUID, version: int | None = None) -> Template | None:
        return self._templates.get((service_id, template_id))


class Away:
    """Puts nothing: the database is away."""

    async def put(self, group: Group) -> tuple[Message, ...]:
        raise StoreUnavailable


def acceptor(
    kept: Kept,
    away: Away | None = None,
    verifier: object = None,
    templates: Shelf = Shelf(),  # noqa: B008 - an empty one holds nothing that could change
    now: Callable[[], float] = lambda: NOW,
    max_bytes: int = 10_000,
    pressure: Pressure | None = None,
) -> Acceptor:
    store = Store(kept.database, kept.keyring)
    return Acceptor(
        away or store.putting,
        store.idempotency,
        store.searching,
        verifier or Everybody(),  # type: ignore[arg-type]
        {
            Channel.EMAIL: EmailPreparer(Brandings(), templates, max_bytes),
            Channel.SMS: SmsPreparer(templates, max_bytes),
        },
        store.suppressions,
        pressure or store.pressure,
        max_recipients=3,
        now=now,
    )


def submission(*recipients: str, content: bytes = CONTENT, **options: object) -> Submission:
    envelope = Envelope("bounce@dept.example.ca", tuple(map(Address.parse, recipients or ("a@b.ca",))))
    trace = Trace("client", "192.0.2.1", "ESMTPSA", "relay")
    return Submission(envelope, content, trace, Door.SMTP, **options)  # type: ignore[arg-type]


def template(principal: Principal, **changes: Any) -> Template:
    values: dict[str, Any] = {
        "id": uuid4(),
        "version": 3,
        "service_id": principal.service.id,
        "channel": Channel.EMAIL,
        "name": "Reminder",
        "subject": "Your ((thing))",
        "body": "Dear ((name)), ((thing)) is ready.",
        "hidden": False,
        "archived": False,
        "created_at": NOW,
        "updated_at": None,
    }
    return Template(**(values | changes))


def filled(of: Template, personalisation: dict[str, Any] | None = None, **options: Any) -> Submission:
    envelope = Envelope(None, (Address.parse("reader@example.org"),))
    values = {"name": "Zoë", "thing": "the *passport*"} if personalisation is None else personalisation
    trace = Trace("", "192.0.2.1", "HTTP", "relay")
    return Submission(envelope, Personalised(of.id, values), trace, Door.HTTP, **options)
