"""What the management API takes and gives, as the OpenAPI document says it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from messages.message import Channel
from relay.http.requests import TextUuid

_GIVEN = ConfigDict(extra="forbid", strict=True)
_Ignored = Annotated[TextUuid | None, Field(description="Taken as GC Notify takes it, and not kept")]


class NewTemplate(BaseModel):
    """A template in its first version, as GC Notify takes it."""

    model_config = _GIVEN

    name: Annotated[str, Field(examples=["Permit ready"], description="For those who choose one")]
    template_type: Literal["sms", "email"]
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

    name: str | None = None
    content: Annotated[str | None, Field(examples=["Hello ((name)),\n\nyour licence is ready."])] = None
    subject: str | None = None
    template_category_id: _Ignored = None
    parent_folder_id: _Ignored = None


class ManagedTemplate(BaseModel):
    id: UUID
    name: str
    type: Channel
    created_at: datetime
    updated_at: datetime | None
    created_by: str
    version: int
    body: str
    subject: str | None
    personalisation: dict[str, Any]
    postage: str | None
    letter_contact_block: str | None
    template_category_id: UUID | None
    template_category_name: str | None
    folder_id: UUID | None
    archived: bool


class ManagedTemplates(BaseModel):
    templates: list[ManagedTemplate]


class TemplateCategories(BaseModel):
    """There are none: any id, or none, will do."""

    template_categories: list[dict[str, str]]


class NewCallback(BaseModel):
    """Where the service hears what became of its messages."""

    model_config = _GIVEN

    url: Annotated[str, Field(examples=["https://city.example/notify"], description="https, at a public address")]
    bearer_token: Annotated[
        str,
        Field(examples=["a-token-of-yours"], description="Stands in Authorization of each call: 10 to 1000 characters"),
    ]


class IssuedCallback(BaseModel):
    """With the secret that signs each call, which is shown this once."""

    url: str
    created_at: datetime
    signing_secret: Annotated[str, Field(description="Base64 of 32 octets: the key of HMAC-SHA256")]


class Callback(BaseModel):
    url: str
    created_at: datetime
    waiting: Annotated[int, Field(description="What is still to be told")]
    failed_last_day: Annotated[int, Field(description="What was given up in the last 24 hours")]
    last_outcome: str | None


class NewGuest(BaseModel):
    model_config = _GIVEN

    guest: Annotated[str, Field(examples=["guest@example.org"], description="A mail address, or +16135550100")]


class Guest(BaseModel):
    id: UUID
    guest: Annotated[str, Field(description="As it is compared")]


class Guests(BaseModel):
    guests: list[Guest]


class Done(BaseModel):
    result: Literal["success"]


class CancelledGroup(BaseModel):
    group_id: UUID
    cancelled: Annotated[int, Field(description="Messages that are cancelled now")]
    not_cancelled: Annotated[int, Field(description="Messages that were sent, are being sent or had ended")]
