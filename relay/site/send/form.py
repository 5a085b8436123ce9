"""What somebody typed to send a template to one person, read and checked field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auth.principal import Principal
from messages.address import AddressError
from messages.message import Channel
from messages.phone import PhoneNumber, PhoneNumberError
from messages.recipient import Recipient
from messages.reply import Refused
from messages.template import Template, missing
from messages.text import Text
from relay import addresses
from relay.checks import check_recipient
from relay.site.refusals import said
from relay.site.send.times import TimeError, scheduled

TOKEN = "token"  # noqa: S105 - a field: names this one message, so that it is sent once
VERSION = "version"  # of the template, that the fields were made for

_NO_RECIPIENT = {Channel.EMAIL: Text("Enter an email address"), Channel.SMS: Text("Enter a phone number")}
_BAD_ADDRESS = Text("Enter one email address, such as name@example.ca")
_BAD_NUMBER = Text("Enter a phone number, such as 613-555-0100: {problem}")
_CHOOSE = Text("Choose whether to show “{name}”")
_ENTER = Text("Enter “{name}”")


@dataclass(frozen=True, slots=True)
class Filled:
    """`errors` are by field, in the fields' order; without any there is a recipient."""

    recipient: Recipient | None
    values: Mapping[str, str]  # by placeholder
    scheduled_for: float | None = None
    errors: Mapping[str, Text] = field(default_factory=dict)


def fields(template: Template) -> Mapping[str, str]:
    """The fields of the form by placeholder: their order is that of the version that it was made for."""
    return {name: f"value-{at}" for at, name in enumerate(template.placeholders)}


def read(form: Mapping[str, str], template: Template, principal: Principal, now: float) -> Filled:
    """Everything that is wrong is told at once."""
    errors: dict[str, Text] = {}
    recipient, values, at = None, {name: form.get(each, "") for name, each in fields(template).items()}, None
    try:
        recipient = _recipient(form.get("recipient", ""), template.channel, principal)
    except _Wrong as wrong:
        errors["recipient"] = wrong.text
    given = {name: value for name, value in values.items() if value.strip()}
    for name in missing(template, given):
        errors[fields(template)[name]] = Text(
            (_CHOOSE if name in template.conditions else _ENTER).source, {"name": name}
        )
    try:
        at = scheduled(form.get("day", ""), form.get("time", ""), principal.service.time_zone, now)
    except TimeError as error:
        errors[error.field] = error.text
    return Filled(recipient, values, at, errors)


class _Wrong(Exception):  # noqa: N818 - a value, raised
    def __init__(self, text: Text) -> None:
        self.text = text


def _recipient(text: str, channel: Channel, principal: Principal) -> Recipient:
    if not text.strip():
        raise _Wrong(_NO_RECIPIENT[channel])
    try:
        recipient: Recipient = addresses.parse(text) if channel is Channel.EMAIL else PhoneNumber.parse(text.strip())
        check_recipient(principal, recipient)
    except AddressError:
        raise _Wrong(_BAD_ADDRESS) from None
    except PhoneNumberError as error:
        raise _Wrong(Text(_BAD_NUMBER.source, {"problem": error.text})) from None
    except Refused as refused:
        raise _Wrong(said(refused)) from None
    return recipient
