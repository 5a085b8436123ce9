"""The arguments of MAIL and RCPT (RFC 5321 4.1.2): a strict path, then the `NAME=value` parameters of extensions.

Pure: text in, values out. Knows nothing of sessions or keys.
"""

from typing import NamedTuple

from messages import reply
from messages.address import Address, AddressError, parse_path
from messages.reply import Refused, Reply
from messages.text import Text

MAIL_USAGE = Text("MAIL FROM:<address> [parameters]")
RCPT_USAGE = Text("RCPT TO:<address> [parameters]")

# AUTH (RFC 4954 5) must be taken even from clients we do not trust with it; RET, ENVID, NOTIFY and ORCPT (RFC 3461) are
# sent by products that do not look whether DSN is offered. All are read and not acted on.
_MAIL_PARAMETERS = frozenset({"SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID"})
_RCPT_PARAMETERS = frozenset({"NOTIFY", "ORCPT"})


class Sender(NamedTuple):
    """What MAIL says. `size` is the announced number of octets, 0 when none was announced."""

    reverse_path: Address | None
    size: int
    smtputf8: bool


def parse_mail(argument: str, max_message_bytes: int) -> Sender:
    """Raises Refused: syntax, parameter, address, or an announced size over the limit."""
    path, text = _split(argument, "FROM:", MAIL_USAGE, reply.BAD_SENDER)
    parameters = _parameters(text, _MAIL_PARAMETERS, MAIL_USAGE)
    smtputf8 = "SMTPUTF8" in parameters
    if parameters.get("SMTPUTF8") or parameters.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Refused(reply.BAD_COMMAND, usage=MAIL_USAGE)
    if not smtputf8 and not argument.isascii():
        raise Refused(reply.SMTPUTF8_NEEDED)
    return Sender(path, _size(parameters, max_message_bytes), smtputf8)


def parse_rcpt(argument: str, smtputf8: bool) -> Address:
    """Raises Refused: syntax, parameter or address."""
    path, text = _split(argument, "TO:", RCPT_USAGE, reply.BAD_RECIPIENT)
    _parameters(text, _RCPT_PARAMETERS, RCPT_USAGE)
    if path is None:
        raise Refused(reply.NULL_RECIPIENT)
    if not smtputf8 and not argument.isascii():
        raise Refused(reply.SMTPUTF8_NEEDED)
    return path


def _split(argument: str, keyword: str, usage: Text, malformed: Reply) -> tuple[Address | None, str]:
    if argument[: len(keyword)].upper() != keyword:
        raise Refused(reply.BAD_COMMAND, usage=usage)
    try:
        return parse_path(argument[len(keyword) :])
    except AddressError as error:
        raise Refused(malformed, reason=error.text) from None


def _parameters(text: str, known: frozenset[str], usage: Text) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        name = name.upper()
        if name not in known:
            raise Refused(reply.PARAMETER_UNKNOWN, parameter=name[:40])
        if name in found or (equals and not value):
            raise Refused(reply.BAD_COMMAND, usage=usage)
        found[name] = value
    return found


def _size(parameters: dict[str, str], limit: int) -> int:
    """RFC 1870 6.1: up to 20 digits."""
    value = parameters.get("SIZE", "0")
    if not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise Refused(reply.BAD_COMMAND, usage=MAIL_USAGE)
    if int(value) > limit:
        raise Refused(reply.TOO_LARGE, limit=limit)
    return int(value)
