"""What the API takes, as the OpenAPI document says it: the union of GC Notify's and GOV.UK Notify's fields.

What is wrong with a request is said by validation.py, in the words of JSON Schema that clients know.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from messages import message
from messages.address import AddressError
from messages.email.compose import MAX_URL_CHARACTERS, is_one_click_url
from messages.message import (
    MAX_AHEAD_SECONDS,
    MAX_IDEMPOTENCY_CHARACTERS,
    MAX_REFERENCE_CHARACTERS,
    parse_id,
)
from messages.phone import PhoneNumber, PhoneNumberError
from messages.text import Text
from relay import addresses

MAX_PERSONALISATION_BYTES = 51_200

NOT_UUID = Text("{field} is not a valid UUID")
NOT_EMAIL = Text("{field} Not a valid email address")
NOT_PHONE = Text("{field} {reason}")
NOT_HTTPS = Text("{field} is not a valid https url")
BAD_IDEMPOTENCY_KEY = Text("{field} must have 1 to {limit} printable ASCII characters")
NOT_TIME = Text(
    "{field} datetime format is invalid. It must be a valid ISO8601 date time format, "
    "https://en.wikipedia.org/wiki/ISO_8601"
)
TOO_FAR = Text("{field} datetime can only be up to 96 hours in the future")
OVER_PERSONALISATION = Text(
    "Personalisation variables size of {size} bytes is greater than allowed limit of {limit} bytes."
)

# GOV.UK Notify's numbers for tests, which its clients dial from home.
UK_NUMBERS = {f"07700900{end}": f"+447700900{end}" for end in ("000", "111", "222", "002", "003")}

NOT_CURSOR = Text("{field} is not a cursor of this list: take it from links.next as it is")

NOT_DATE = Text("{field} is not a date from 2000 to 2099, written as 2026-11-29")

_DATE = re.compile("^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")
_CURSOR = re.compile("^[0-7][0-9a-f]{15}$")  # clients know nothing of what is in it


def invalid(text: Text, **values: object) -> PydanticCustomError:
    """An error whose words are ours; `field` is known to whoever prints it."""
    return PydanticCustomError("told", "invalid", {"source": text.source, **values})


def _uuid(value: Any) -> Any:
    if isinstance(value, str) and parse_id(value) is None:
        raise invalid(NOT_UUID)
    return value


def _email_address(text: str) -> str:
    try:
        return str(addresses.parse(text))
    except AddressError:
        raise invalid(NOT_EMAIL) from None


def _phone_number(text: str) -> str:
    if known := UK_NUMBERS.get("".join(text.split())):
        return known
    try:
        return str(PhoneNumber.parse(text))
    except PhoneNumberError as error:
        raise invalid(NOT_PHONE, reason=error.text) from None


def _https(text: str) -> str:
    if not is_one_click_url(text):
        raise invalid(NOT_HTTPS)
    return text


def _personalisation(values: dict[str, Any]) -> dict[str, Any]:
    size = _size(values)
    if size > MAX_PERSONALISATION_BYTES:
        raise invalid(OVER_PERSONALISATION, size=size, limit=MAX_PERSONALISATION_BYTES)
    return values


def _size(values: dict[str, Any]) -> int:
    names = sum(len(name.encode()) for name in values)
    return max(names, sum(len(str(value).encode()) for value in values.values() if not isinstance(value, dict)))


def _sanitise_content_for(names: list[str] | None, info: ValidationInfo) -> list[str] | None:
    """Counted with the values, in one limit: each is kept with the message."""
    values: dict[str, Any] = (info.data or {}).get("personalisation", {})
    size = _size(values) + sum(1 + len(name.encode()) for name in names or ())
    if names and size > MAX_PERSONALISATION_BYTES:
        raise invalid(OVER_PERSONALISATION, size=size, limit=MAX_PERSONALISATION_BYTES)
    return names


def _scheduled_for(text: str, info: ValidationInfo) -> str:
    # What is past is for accept to say: a repeated request may be answered as it was in time.
    if parse_time(text) - (info.context or {})["now"] > MAX_AHEAD_SECONDS:
        raise invalid(TOO_FAR)
    return text


def parse_time(text: str) -> float:
    """Seconds since the epoch; without an offset it is UTC."""
    try:
        return message.parse_time(text)
    except ValueError:
        raise invalid(NOT_TIME) from None


def _idempotency_key(text: str) -> str:
    if not message.IdempotencyKey.is_usable(text):
        raise invalid(BAD_IDEMPOTENCY_KEY, limit=MAX_IDEMPOTENCY_CHARACTERS)
    return text


def _reference(text: str) -> str:
    if "\0" in text:  # PostgreSQL has no such text
        raise ValueError
    return text


Uuid = Annotated[UUID, BeforeValidator(_uuid)]
TextUuid = Annotated[str, AfterValidator(_uuid), Field(json_schema_extra={"format": "uuid"})]
IdempotencyKey = Annotated[
    str,
    AfterValidator(_idempotency_key),
    Field(
        description="Your own name for this request. Sent again with the same name and body it is answered as before, "
        "and nothing is sent twice; with another body it is refused with 422.",
        json_schema_extra={"pattern": f"^[ -~]{{1,{MAX_IDEMPOTENCY_CHARACTERS}}}$"},
    ),
]


_Personalisation = Annotated[
    dict[str, Any],
    AfterValidator(_personalisation),
    Field(
        default_factory=dict,
        description="A value for each placeholder of the template: text, number, or a list of these. "
        "At most 51,200 bytes together. Names without a placeholder are ignored. Files cannot be sent yet.",
        examples=[{"name": "Amala", "application_number": "300241"}],
    ),
]
_TemplateId = Annotated[
    TextUuid,
    Field(
        description="The template that the message is made of; its newest version counts",
        examples=["f33517ff-2a88-4f6e-b855-c550268ce08a"],
    ),
]
_Reference = Annotated[
    str,
    Field(
        default_factory=str,
        max_length=MAX_REFERENCE_CHARACTERS,
        description="Your own name for the message; it is found again by it",
        examples=["case-17"],
    ),
]
_ScheduledFor = Annotated[
    Annotated[str, AfterValidator(_scheduled_for)] | None,
    Field(
        description="When to send: ISO 8601, UTC unless it says otherwise, at most 96 hours ahead",
        examples=["2030-12-31T17:00:00Z"],
    ),
]


class PreviewRequest(BaseModel):
    """What to fill a template with."""

    model_config = ConfigDict(extra="forbid", strict=True)

    personalisation: _Personalisation


class EmailRequest(BaseModel):
    """An email made of a template of the service."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "email_address": "simulate-delivered@notification.canada.ca",
                    "template_id": "TEMPLATE_ID",
                    "personalisation": {"name": "Amala"},
                    "reference": "case-17",
                }
            ]
        },
    )

    email_address: Annotated[
        str,
        AfterValidator(_email_address),
        Field(
            description="The recipient: one address of at most 320 characters",
            json_schema_extra={"format": "email"},
            examples=["reader@example.org"],
        ),
    ]
    template_id: _TemplateId
    personalisation: _Personalisation
    reference: _Reference
    email_reply_to_id: Annotated[
        TextUuid,
        Field(default_factory=str, description="One of the service's reply-to addresses; without it, its default"),
    ]
    one_click_unsubscribe_url: Annotated[
        Annotated[
            str,
            AfterValidator(_https),
            Field(max_length=MAX_URL_CHARACTERS, json_schema_extra={"format": "uri", "pattern": "^https://"}),
        ]
        | None,
        Field(
            description="An https address that ends the subscription when it is called by POST: mail programs show it "
            "as a button (List-Unsubscribe, RFC 8058)",
            examples=["https://example.ca/unsubscribe?who=17"],
        ),
    ] = None
    sanitise_content_for: Annotated[
        list[str] | None,
        AfterValidator(_sanitise_content_for),
        Field(
            description="Names of values in which Markdown and links shall not count: use it for what strangers typed. "
            "Part of the 51,200 bytes",
            examples=[["name"]],
        ),
    ] = None
    scheduled_for: _ScheduledFor = None


class SmsRequest(BaseModel):
    """A text message made of a template of the service."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "phone_number": "+16132532222",
                    "template_id": "TEMPLATE_ID",
                    "personalisation": {"name": "Amala"},
                    "reference": "case-17",
                }
            ]
        },
    )

    phone_number: Annotated[
        str,
        AfterValidator(_phone_number),
        Field(
            description="The recipient: with a + and its country code, or as it is dialled in Canada",
            examples=["+16135550100"],
        ),
    ]
    template_id: _TemplateId
    personalisation: _Personalisation
    reference: _Reference
    sms_sender_id: Annotated[
        TextUuid,
        Field(
            default_factory=str,
            description="The number or pool that the text leaves from: one that the service may use; without it, its "
            "usual one. Whoever runs the relay knows the ids",
        ),
    ]
    scheduled_for: _ScheduledFor = None


TemplateType = Literal["sms", "email", "letter"]
StatusName = Literal[
    "cancelled",
    "created",
    "sending",
    "sent",
    "delivered",
    "pending",
    "failed",
    "technical-failure",
    "temporary-failure",
    "permanent-failure",
    "pending-virus-check",
    "validation-failed",
    "virus-scan-failed",
    "returned-letter",
    "provider-failure",
    "pii-check-failed",
    "accepted",
    "received",
]


class ListQuery(BaseModel):
    """Which messages to list; all that is given must fit."""

    model_config = ConfigDict(extra="forbid")

    template_type: Annotated[list[TemplateType], Field(description="Messages of these types")] = []
    status: Annotated[
        list[StatusName], Field(description="Messages in these statuses; `failed` stands for all kinds of failure")
    ] = []
    reference: Annotated[
        str | None,
        AfterValidator(lambda text: text and _reference(text)),
        Field(description="Messages with exactly this reference", examples=["case-17"]),
    ] = None
    older_than: Annotated[Uuid | None, Field(description="The last id of the page before")] = None
    include_jobs: Annotated[
        Literal["true", "True", "false", "False"], Field(description="Also messages that were sent to a list")
    ] = "false"


class ReceivedQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    older_than: Annotated[Uuid | None, Field(description="The last id of the page before")] = None


def _cursor(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise invalid(NOT_CURSOR)
    return text


class EventsQuery(BaseModel):
    """From where on."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[
        Annotated[str, AfterValidator(_cursor), Field(json_schema_extra={"pattern": _CURSOR.pattern})] | None,
        Field(description="As `links.next` has it; without it from the oldest on"),
    ] = None


def position_of(cursor: str | None) -> int:
    return 0 if cursor is None else int(cursor, 16)


def _date(text: Any) -> Any:
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise invalid(NOT_DATE)
    return found


_Date = Annotated[date, BeforeValidator(_date), Field(json_schema_extra={"pattern": _DATE.pattern})]


class StatisticsQuery(BaseModel):
    """What to count by, and over which days."""

    model_config = ConfigDict(extra="forbid")

    by: Annotated[Literal["channel", "door", "template", "key"], Field(description="What to tell apart")] = "channel"
    since: Annotated[
        _Date | None, Field(description="The first day; without it six before the last", examples=["2026-11-21"])
    ] = None
    until: Annotated[
        _Date | None, Field(description="The last day, at most a year later; without it today", examples=["2026-11-27"])
    ] = None


class TemplatesQuery(BaseModel):
    """Which templates to list."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[TemplateType | None, Field(description="Templates of this type only")] = None
