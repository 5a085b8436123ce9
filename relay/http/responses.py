"""What the API gives, as the OpenAPI document says it: the union of GC Notify's and GOV.UK Notify's fields."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from messages.message import Channel


class Template(BaseModel):
    id: UUID
    version: int
    uri: str


class Notification(BaseModel):
    """A message, as it stands now. What does not apply is null."""

    id: UUID
    reference: str | None
    email_address: str | None
    phone_number: str | None
    line_1: str | None
    line_2: str | None
    line_3: str | None
    line_4: str | None
    line_5: str | None
    line_6: str | None
    postcode: str | None
    type: Channel
    status: Literal[
        "created",
        "sending",
        "delivered",
        "temporary-failure",
        "permanent-failure",
        "technical-failure",
        "cancelled",
    ]
    status_description: str = Field(description="The status for people, in the language of Accept-Language")
    provider_response: str | None
    template: Template
    subject: str | None
    body: str = Field(
        description="The filled template; empty for an email that came by SMTP, and once its content is deleted"
    )
    created_at: datetime
    created_by_name: str | None
    sent_at: datetime | None
    completed_at: datetime | None
    scheduled_for: datetime | None
    postage: str | None
    one_click_unsubscribe_url: str | None
    cost_in_pounds: float | None
    cost_details: dict[str, Any]
    is_cost_data_ready: bool


class Links(BaseModel):
    current: str
    next: str = Field("", description="The next page, older; absent on an empty page")


class Notifications(BaseModel):
    notifications: list[Notification]
    links: Links


class ReceivedText(BaseModel):
    """A text that somebody sent to the service."""

    id: UUID
    created_at: datetime = Field(description="When it came in")
    service_id: UUID
    notify_number: str = Field(description="The number that it was sent to")
    user_number: str = Field(description="Who sent it")
    content: str


class ReceivedTexts(BaseModel):
    received_text_messages: list[ReceivedText]
    links: Links


class StatusEvent(BaseModel):
    """A message reached a status; the fields are those of the call."""

    event_id: UUID = Field(description="X-Notify-Callback-Id of the call")
    type: Literal["delivery-status"]
    id: UUID
    reference: str | None
    to: str
    status: Literal["delivered", "temporary-failure", "permanent-failure", "technical-failure", "cancelled"]
    status_description: str
    provider_response: str | None
    created_at: datetime
    completed_at: datetime
    sent_at: datetime | None
    notification_type: Channel
    template_id: UUID
    template_version: int
    original_message_id: str | None


class ComplaintEvent(BaseModel):
    """A recipient complained of a message."""

    event_id: UUID
    type: Literal["complaint"]
    notification_id: UUID
    complaint_id: UUID
    reference: str | None
    to: str | None = Field(description="null: an earlier complaint stopped this message")
    complaint_date: datetime


class InboundEvent(BaseModel):
    """A text came in."""

    event_id: UUID
    type: Literal["inbound-sms"]
    id: UUID
    source_number: str
    destination_number: str
    message: str
    date_received: datetime


class EventLinks(BaseModel):
    current: str
    next: str = Field("", description="What comes after this page; absent on an empty page")


class Events(BaseModel):
    events: list[StatusEvent | ComplaintEvent | InboundEvent]
    links: EventLinks


class EmailContent(BaseModel):
    from_email: str
    subject: str
    body: str = Field(description="The filled template, in Markdown")
    one_click_unsubscribe_url: str | None


class SmsContent(BaseModel):
    from_number: str | None = Field(description="Chosen when it is sent")
    body: str = Field(description="As it is sent, but for the name of the service in front")


class Sanitised(BaseModel):
    unsanitised: str
    sanitised: str


class EmailAccepted(BaseModel):
    """The message is stored, and will be sent."""

    id: UUID
    reference: str | None
    content: EmailContent
    uri: str
    template: Template
    scheduled_for: str | None
    sanitised_content: dict[str, Sanitised]


class SmsAccepted(BaseModel):
    """The text is stored, and will be sent."""

    id: UUID
    reference: str | None
    content: SmsContent
    uri: str
    template: Template
    scheduled_for: str | None
    sanitised_content: dict[str, Sanitised]


class Placeholder(BaseModel):
    required: bool


class FullTemplate(BaseModel):
    """A template in one of its versions."""

    id: UUID
    type: Channel
    created_at: datetime
    updated_at: datetime | None
    created_by: str
    version: int
    name: str
    body: str
    subject: str | None
    personalisation: dict[str, Placeholder]
    postage: str | None
    letter_contact_block: str | None


class TemplatePreview(BaseModel):
    """A template filled. `html` is what stands in the page of an email, without branding; of a text it is null."""

    id: UUID
    type: Channel
    version: int
    body: str = Field(description="In Markdown")
    html: str | None
    subject: str | None
    postage: str | None


class Templates(BaseModel):
    templates: list[FullTemplate]


class Error(BaseModel):
    error: str = Field(description="The kind of error; never changes")
    message: str = Field(description="For people, in the language of Accept-Language")


class Errors(BaseModel):
    """What is wrong. Rely on status and error, not on message."""

    status_code: int
    errors: Annotated[list[Error], Field(min_length=1)]
