"""What the management API takes and gives, as the OpenAPI document says it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from relay.http.requests import TextUuid, Uuid
from relay.http.responses import FullTemplate

_GIVEN = ConfigDict(extra="forbid", strict=True)
CallbackType = Literal["delivery-status", "complaint", "inbound-sms"]
_Url = Annotated[str, Field(description="Where each call goes", examples=["https://city.example/notify"])]
_Type = Annotated[CallbackType, Field(description="What the service hears there")]
_Since = Annotated[datetime, Field(description="When it was set, UTC", examples=["2026-11-21T12:00:00.000000Z"])]
_EntryId = Annotated[UUID, Field(description="The entry's id: by it the guest is taken off the list")]
_Ignored = Annotated[TextUuid | None, Field(description="Taken as GC Notify takes it, and not kept")]


class NewTemplate(BaseModel):
    """A template in its first version, as GC Notify takes it."""

    model_config = _GIVEN

    name: Annotated[str, Field(examples=["Permit ready"], description="For those who choose one")]
    template_type: Annotated[Literal["sms", "email"], Field(examples=["email"], description="What is made of it")]
    content: Annotated[
        str, Field(examples=["Hello ((name)),\n\nyour permit is ready."], description="In Notify's Markdown")
    ]
    subject: Annotated[str | None, Field(examples=["Your permit"], description="Of an email; a text has none")] = None
    template_category_id: _Ignored = None
    parent_folder_id: _Ignored = None
    postage: Annotated[str | None, Field(description="Taken as GC Notify takes it, and not kept")] = None


class TemplateChanges(BaseModel):
    """What is to be another in the next version; what is left out stays."""

    model_config = _GIVEN

    name: Annotated[str | None, Field(description="Another name")] = None
    content: Annotated[
        str | None, Field(examples=["Hello ((name)),\n\nyour licence is ready."], description="Another text")
    ] = None
    subject: Annotated[str | None, Field(description="Another subject")] = None
    template_category_id: _Ignored = None
    parent_folder_id: _Ignored = None


class ManagedTemplate(FullTemplate):
    """A template as those who manage it see it."""

    template_category_id: Annotated[UUID | None, Field(description="There are no categories: null")]
    template_category_name: Annotated[str | None, Field(description="There are no categories: null")]
    folder_id: Annotated[UUID | None, Field(description="There are no folders: null")]
    archived: Annotated[bool, Field(description="Whether nothing more is sent of it", examples=[False])]


class ManagedTemplates(BaseModel):
    """Templates, or versions of one."""

    templates: Annotated[list[ManagedTemplate], Field(description="All on one page")]


class TemplateCategories(BaseModel):
    """There are none: any id, or none, will do."""

    template_categories: Annotated[list[dict[str, str]], Field(description="Always empty", examples=[[]])]


class CallbackQuery(BaseModel):
    """Which of the service's URLs is meant."""

    model_config = ConfigDict(extra="forbid")

    type: _Type = "delivery-status"


class NewCallback(BaseModel):
    """Where the service hears what became of its messages, of complaints, or of texts that came."""

    model_config = _GIVEN

    type: _Type = "delivery-status"

    url: Annotated[str, Field(examples=["https://city.example/notify"], description="https, at a public address")]
    bearer_token: Annotated[
        str,
        Field(examples=["a-token-of-yours"], description="Stands in Authorization of each call: 10 to 1000 characters"),
    ]


class IssuedCallback(BaseModel):
    """With the secret that signs each call, which is shown this once."""

    type: _Type
    url: _Url
    created_at: _Since
    signing_secret: Annotated[str, Field(description="Base64 of 32 octets: the key of HMAC-SHA256")]


class Callback(BaseModel):
    """Where the service is told, and how that goes. A URL where nothing was done for a day is suspended: what is to be
    told waits, and one call at a time is tried.
    """

    type: _Type
    url: _Url
    created_at: _Since
    waiting: Annotated[int, Field(description="What is still to be told")]
    failed_last_day: Annotated[int, Field(description="What was given up in the last 24 hours")]
    last_outcome: Annotated[str | None, Field(description="What came of the last call")]
    first_failed_at: Annotated[datetime | None, Field(description="Since when calls fail; null: they do not")]
    failed_as: Annotated[str | None, Field(description="Why the last one failed: a short code", examples=["http_503"])]
    suspended_at: Annotated[datetime | None, Field(description="Since when it is suspended; null: it is not")]
    next_probe_at: Annotated[datetime | None, Field(description="When a suspended URL is tried next")]


class CallbackTrial(BaseModel):
    """What a receiver answered to one call."""

    works: Annotated[bool, Field(description="Whether it answered 2xx")]
    http_status: Annotated[int | None, Field(description="What it answered; null: nothing", examples=[200])]
    reason: Annotated[str | None, Field(description="Why it does not work, as a short code", examples=["timeout"])]
    seconds: Annotated[float, Field(description="How long it took", examples=[0.21])]


class Settings(BaseModel):
    """What a service says of itself."""

    model_config = _GIVEN

    content_days: Annotated[
        int,
        Field(
            examples=[7],
            description="For how many days what messages say, and texts that came, are kept: 1 to 30",
        ),
    ]


class NewGuest(BaseModel):
    """Whom to put on the guest list."""

    model_config = _GIVEN

    guest: Annotated[str, Field(examples=["guest@example.org"], description="A mail address, or +16135550100")]


class Guest(BaseModel):
    """An entry of the guest list."""

    id: _EntryId
    guest: Annotated[str, Field(description="As it is compared")]


class Guests(BaseModel):
    """The guest list."""

    guests: Annotated[list[Guest], Field(description="In the order of their names")]


class NewSuppression(BaseModel):
    """Whom to send nothing more to, or to look for."""

    model_config = _GIVEN

    recipient: Annotated[str, Field(examples=["gone@example.org"], description="A mail address, or +16135550100")]


class SuppressionQuery(BaseModel):
    """Where to go on."""

    model_config = ConfigDict(extra="forbid")

    older_than: Annotated[Uuid | None, Field(description="The last entry of the page before")] = None


class Suppression(BaseModel):
    """An entry of the service's own."""

    id: Annotated[UUID, Field(description="The entry's id: by it the entry is removed")]
    recipient: Annotated[str, Field(description="An address or number", examples=["gone@example.org"])]
    reason: Annotated[Literal["bounce", "complaint", "opt-out", "by-hand"], Field(description="Why nothing is sent")]
    since: _Since
    until: Annotated[datetime | None, Field(description="When it ends by itself; null: never")]


class Suppressions(BaseModel):
    """Entries of the service's own, newest first."""

    suppressions: Annotated[list[Suppression], Field(description="At most 250")]


class NewReplyTo(BaseModel):
    """Where answers to the service's messages may go."""

    model_config = _GIVEN

    address: Annotated[
        str, Field(examples=["permits@city.example"], description="A mail address, to which a code is mailed")
    ]


class ReplyToCode(BaseModel):
    """What was mailed to the address."""

    model_config = _GIVEN

    code: Annotated[
        str, Field(examples=["123456"], max_length=100, description="The six digits: good for 30 minutes, and 5 tries")
    ]


class ReplyTo(BaseModel):
    """An address for answers."""

    id: Annotated[UUID, Field(description="What a message names it by: its email_reply_to_id")]
    address: Annotated[str, Field(description="The mail address", examples=["permits@city.example"])]
    default: Annotated[bool, Field(description="Whether answers go there where a message and its key name none")]
    verified_at: Annotated[
        datetime | None, Field(description="When it was confirmed; null: not yet, and no message may name it")
    ]
    created_at: Annotated[datetime, Field(description="When it was added, UTC")]


class ReplyTos(BaseModel):
    """The service's addresses for answers."""

    reply_to_addresses: Annotated[list[ReplyTo], Field(description="The oldest first, at most 100")]


class Done(BaseModel):
    """It is done."""

    result: Annotated[Literal["success"], Field(description="Always this word")]


class CancelledGroup(BaseModel):
    """How many of the group could be cancelled."""

    group_id: Annotated[UUID, Field(description="The group's id")]
    cancelled: Annotated[int, Field(description="Messages that are cancelled now")]
    not_cancelled: Annotated[int, Field(description="Messages that were sent, are being sent or had ended")]
