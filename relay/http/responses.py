"""What the API gives, as the OpenAPI document says it: the union of GC Notify's and GOV.UK Notify's fields."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from messages.message import Channel

_ID = "740e5834-3a29-46b4-9a6f-16142fde533a"
_CALL = "019acf0f-0d2e-7a51-8a0b-6f7d5f0c9a13"
_TIME = "2026-11-21T12:00:00.000000Z"

Reference = Annotated[str | None, Field(description="Your own name for the message", examples=["case-17"])]
CreatedAt = Annotated[datetime, Field(description="When it was made, UTC", examples=[_TIME])]
_Line = Annotated[str | None, Field(description="Of letters, which are not offered: null")]


class Template(BaseModel):
    """Which template the message is made of."""

    id: UUID = Field(description="The template's id", examples=["f33517ff-2a88-4f6e-b855-c550268ce08a"])
    version: int = Field(description="The version that was used; later changes leave the message as it is")
    uri: str = Field(
        description="Where the template is shown to people",
        examples=["https://relay.example.ca/services/1f5b/templates/f335"],
    )


class Notification(BaseModel):
    """A message, as it stands now. What does not apply is null."""

    id: UUID = Field(description="The message's id", examples=[_ID])
    reference: Reference
    email_address: str | None = Field(description="The recipient of an email", examples=["reader@example.org"])
    phone_number: str | None = Field(description="The recipient of a text message")
    line_1: _Line
    line_2: _Line
    line_3: _Line
    line_4: _Line
    line_5: _Line
    line_6: _Line
    postcode: _Line
    type: Channel = Field(description="By which channel it goes")
    status: Literal[
        "created",
        "sending",
        "delivered",
        "temporary-failure",
        "permanent-failure",
        "technical-failure",
        "cancelled",
    ] = Field(description="Where it stands, in a word for programs", examples=["delivered"])
    status_description: str = Field(
        description="The status for people, in the language of Accept-Language", examples=["Delivered"]
    )
    provider_response: str | None = Field(description="Why it failed, where more is known than the status says")
    template: Template
    subject: str | None = Field(description="The subject as it was sent", examples=["Your permit is ready"])
    body: str = Field(
        description="The filled template; empty for a message that came by SMTP, and once its content is deleted",
        examples=["Hello Amala"],
    )
    created_at: CreatedAt
    created_by_name: str | None = Field(description="Who sent it by hand: nobody, by the API")
    sent_at: datetime | None = Field(description="When the provider took it", examples=["2026-11-21T12:00:01.250000Z"])
    completed_at: datetime | None = Field(
        description="When it reached its last status", examples=["2026-11-21T12:00:03.512000Z"]
    )
    scheduled_for: datetime | None = Field(description="When it is to be sent, if not at once")
    postage: _Line
    one_click_unsubscribe_url: str | None = Field(description="As it was given when the message was sent")
    cost_in_pounds: float | None = Field(description="What GOV.UK Notify would charge: nothing", examples=[0.0])
    cost_details: dict[str, Any] = Field(description="What the cost is made of: nothing, for an email")
    is_cost_data_ready: bool = Field(description="Whether the cost is known", examples=[True])


class Links(BaseModel):
    """The pages of a list."""

    current: str = Field(description="This page", examples=["https://relay.example.ca/v2/notifications"])
    next: str = Field(
        "",
        description="The next page, older; absent on an empty page",
        examples=[f"https://relay.example.ca/v2/notifications?older_than={_ID}"],
    )


class Notifications(BaseModel):
    """A page of messages, newest first."""

    notifications: list[Notification] = Field(description="At most 250; an empty list ends the pages")
    links: Links


class ReceivedText(BaseModel):
    """A text that somebody sent to the service."""

    id: UUID = Field(description="The text's own id", examples=["019acf0e-5b1c-7d0a-9c5e-2f6a3c1b7e44"])
    created_at: datetime = Field(description="When it came in, UTC", examples=[_TIME])
    service_id: UUID = Field(
        description="The service that it is listed for: yours", examples=["7d6a1f0c-4b52-4c39-8a55-0f6ad1c0e7b2"]
    )
    notify_number: str = Field(description="The number that it was sent to", examples=["+16135550199"])
    user_number: str = Field(description="Who sent it", examples=["+16135550100"])
    content: str = Field(description="What it says, all parts joined", examples=["Can I come on Tuesday instead?"])


class ReceivedTexts(BaseModel):
    """A page of texts that came in, newest first."""

    received_text_messages: list[ReceivedText] = Field(description="At most 250; an empty list ends the pages")
    links: Links


class Statistic(BaseModel):
    """What has become of messages until now. All that were accepted are either under way or at one end."""

    model_config = ConfigDict(alias_generator=lambda name: name if name == "text_parts" else name.replace("_", "-"))

    of: str = Field(description="A channel, a door, or the id of a template or key", examples=["email"])
    accepted: int = Field(description="How many were accepted in the window", examples=[120])
    under_way: int = Field(description="Of these, how many have no end yet", examples=[4])
    delivered: int = Field(description="Of these, how many were delivered", examples=[110])
    temporary_failure: int = Field(description="Of these, how many could not be delivered in time", examples=[1])
    permanent_failure: int = Field(description="Of these, how many can never be delivered", examples=[3])
    technical_failure: int = Field(description="Of these, how many failed here", examples=[0])
    cancelled: int = Field(description="Of these, how many were cancelled", examples=[2])
    text_parts: int = Field(description="How many parts the texts among them have", examples=[0])


class Statistics(BaseModel):
    """What a service's messages came to, in a window of days."""

    by: Literal["channel", "door", "template", "key"] = Field(description="What is told apart")
    since: date = Field(description="The first day that is counted", examples=["2026-11-21"])
    until: date = Field(description="The last day that is counted", examples=["2026-11-27"])
    time_zone: str = Field(description="Whose days they are: the service's", examples=["America/Toronto"])
    statistics: list[Statistic] = Field(description="The most used first; what has sent nothing is not there")


_EventId = Annotated[UUID, Field(description="X-Notify-Callback-Id of the call that tells the same", examples=[_CALL])]
_Kind = Field(description="What happened; it says which other fields there are")


class StatusEvent(BaseModel):
    """A message reached an end."""

    event_id: _EventId
    type: Literal["delivery-status"] = _Kind
    id: UUID = Field(description="The message's id", examples=[_ID])
    reference: Reference
    to: str = Field(description="The recipient: an address or a phone number", examples=["reader@example.org"])
    status: Literal["delivered", "temporary-failure", "permanent-failure", "technical-failure", "cancelled"] = Field(
        description="The end that it reached; a later event can correct it"
    )
    status_description: str = Field(description="The status for people, in English", examples=["Delivered"])
    provider_response: str | None = Field(description="Why it failed, where more is known than the status says")
    created_at: CreatedAt
    completed_at: datetime = Field(description="When it reached this end", examples=["2026-11-21T12:00:03.512000Z"])
    sent_at: datetime | None = Field(description="When the provider took it", examples=["2026-11-21T12:00:01.250000Z"])
    notification_type: Channel = Field(description="By which channel it went")
    template_id: UUID = Field(description="The template's id", examples=["f33517ff-2a88-4f6e-b855-c550268ce08a"])
    template_version: int = Field(description="The version that was used")
    original_message_id: str | None = Field(
        description="Message-ID of mail that came by SMTP", examples=["<case-17@product.example.ca>"]
    )


class ComplaintEvent(BaseModel):
    """A recipient complained of a message."""

    event_id: _EventId
    type: Literal["complaint"] = _Kind
    notification_id: UUID = Field(description="The message's id", examples=[_ID])
    complaint_id: UUID = Field(description="The complaint's own id")
    reference: Reference
    to: str | None = Field(
        description="Who complained; null where an earlier complaint kept this message from being sent",
        examples=["reader@example.org"],
    )
    complaint_date: datetime = Field(description="When the complaint was made, UTC", examples=[_TIME])


class InboundEvent(BaseModel):
    """A text came in."""

    event_id: _EventId
    type: Literal["inbound-sms"] = _Kind
    id: UUID = Field(description="The text's own id, as in the list of received texts")
    source_number: str = Field(description="Who sent it", examples=["+16135550100"])
    destination_number: str = Field(description="The number that it was sent to", examples=["+16135550199"])
    message: str = Field(description="What it says, all parts joined", examples=["Can I come on Tuesday instead?"])
    date_received: datetime = Field(description="When it came in, UTC", examples=[_TIME])


class EventLinks(BaseModel):
    """The pages of the feed."""

    current: str = Field(description="This page", examples=["https://relay.example.ca/v2/events"])
    next: str = Field(
        "",
        description="What comes after this page; absent on an empty page",
        examples=["https://relay.example.ca/v2/events?after=0000000000000001"],
    )


class Events(BaseModel):
    """A page of the feed, oldest first."""

    events: list[StatusEvent | ComplaintEvent | InboundEvent] = Field(
        description="At most 250; an empty list says that nothing is new"
    )
    links: EventLinks


class EmailContent(BaseModel):
    """What was made of the template."""

    from_email: str = Field(
        description="The address that it is sent from", examples=["permits@notification.example.ca"]
    )
    subject: str = Field(description="The filled subject", examples=["Your permit is ready"])
    body: str = Field(description="The filled template, in Markdown", examples=["Hello Amala"])
    one_click_unsubscribe_url: str | None = Field(description="As you gave it")


class SmsContent(BaseModel):
    """What was made of the template."""

    from_number: str | None = Field(description="The number that it comes from; null: it is chosen when it is sent")
    body: str = Field(description="As it is sent, but for the name of the service in front")


class Sanitised(BaseModel):
    """A value whose Markdown and links do not count."""

    unsanitised: str = Field(description="The value as you gave it")
    sanitised: str = Field(description="The value as it stands in the message")


class EmailAccepted(BaseModel):
    """The message is stored, and will be sent."""

    id: UUID = Field(description="The message's id: ask by it what became of the message", examples=[_ID])
    reference: Reference
    content: EmailContent
    uri: str = Field(
        description="Where to ask what became of it", examples=[f"https://relay.example.ca/v2/notifications/{_ID}"]
    )
    template: Template
    scheduled_for: str | None = Field(description="As you gave it")
    sanitised_content: dict[str, Sanitised] = Field(
        description="The values named in sanitise_content_for that had to be changed, by name", examples=[{}]
    )


class SmsAccepted(BaseModel):
    """The text is stored, and will be sent."""

    id: UUID = Field(description="The message's id: ask by it what became of the message", examples=[_ID])
    reference: Reference
    content: SmsContent
    uri: str = Field(
        description="Where to ask what became of it", examples=[f"https://relay.example.ca/v2/notifications/{_ID}"]
    )
    template: Template
    scheduled_for: str | None = Field(description="As you gave it")
    sanitised_content: dict[str, Sanitised] = Field(description="Empty: a text holds no Markdown", examples=[{}])


class Placeholder(BaseModel):
    """What a placeholder asks for."""

    required: bool = Field(description="Whether a value must be given: always", examples=[True])


class FullTemplate(BaseModel):
    """A template in one of its versions."""

    id: UUID = Field(description="The template's id", examples=["f33517ff-2a88-4f6e-b855-c550268ce08a"])
    type: Channel = Field(description="What is made of it")
    created_at: CreatedAt
    updated_at: datetime | None = Field(description="When this version was made; null for the first")
    created_by: str = Field(description="The service's own address", examples=["permits@notification.example.ca"])
    version: int = Field(description="Which version it is, counted from 1")
    name: str = Field(description="Its name, which recipients do not see", examples=["Permit ready"])
    body: str = Field(description="Its text, with placeholders", examples=["Hello ((name))"])
    subject: str | None = Field(description="Its subject, with placeholders", examples=["Your permit is ready"])
    personalisation: dict[str, Placeholder] = Field(
        description="The placeholders by name", examples=[{"name": {"required": True}}]
    )
    postage: _Line
    letter_contact_block: _Line


class TextSign(BaseModel):
    """What puts a text in UCS-2."""

    sign: str = Field(description="A character, or several that are shown as one", examples=["ê"])
    place: int = Field(description="Where it stands first, counted from 1", examples=[4])
    times: int = Field(description="How often it stands there", examples=[1])


class TextRewriting(BaseModel):
    """What a service that wants plain signs has rewritten."""

    old: str = Field(description="What the template has", examples=["…"])
    new: str = Field(description="What is sent instead", examples=["..."])
    times: int = Field(description="How often", examples=[1])


class TextCost(BaseModel):
    """What goes to the phone, and how many parts that takes: as many as are counted against limits, and paid."""

    sent: str = Field(description="What is sent, with the service's prefix", examples=["Permits: Hello Amala"])
    encoding: Literal["gsm", "ucs-2"] = Field(description="What its characters need on the air", examples=["gsm"])
    characters: int = Field(description="How many characters it has", examples=[20])
    units: int = Field(description="What it takes: septets of GSM, or units of UTF-16 in UCS-2", examples=[20])
    parts: int = Field(description="How many parts that makes", examples=[1])
    parts_without: int | None = Field(description="How many parts without the signs beyond GSM; null: it has none")
    beyond_gsm: list[TextSign] = Field(description="The signs that put it in UCS-2: the first ten", examples=[[]])
    rewritten: list[TextRewriting] = Field(description="The signs that were rewritten for GSM", examples=[[]])


class TemplatePreview(BaseModel):
    """A template filled. `html` is what stands in the page of an email, without branding; of a text it is null."""

    id: UUID = Field(description="The template's id", examples=["f33517ff-2a88-4f6e-b855-c550268ce08a"])
    type: Channel = Field(description="What is made of it")
    version: int = Field(description="Which version it is, counted from 1")
    body: str = Field(description="The filled template, in Markdown", examples=["Hello Amala"])
    html: str | None = Field(description="The same as HTML", examples=["<p>Hello Amala</p>"])
    subject: str | None = Field(description="The filled subject", examples=["Your permit is ready"])
    postage: _Line
    text: TextCost | None = Field(description="Of a text, what it costs; of an email it is null")


class Templates(BaseModel):
    """The templates of the service."""

    templates: list[FullTemplate] = Field(description="By name; all on one page")


class Error(BaseModel):
    """One thing that is wrong."""

    error: str = Field(description="The kind of error; never changes", examples=["BadRequestError"])
    message: str = Field(description="For people, in the language of Accept-Language", examples=["Template not found"])


class Errors(BaseModel):
    """What is wrong. Rely on status and error, not on message."""

    status_code: int = Field(description="The status of the answer again", examples=[400])
    errors: Annotated[list[Error], Field(min_length=1, description="All that is wrong, as far as it was looked at")]
