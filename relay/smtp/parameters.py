"""The arguments of MAIL and RCPT (RFC 5321 4.1.2): a path, then the `NAME=value` parameters of extensions.

Pure: text in, values out. Knows nothing of sessions or keys.
"""

import re
from typing import NamedTuple

from messages import reply
from messages.address import Address, AddressError, parse_path, split_path
from messages.message import Dsn
from messages.reply import Refused
from messages.text import Text

MAIL_USAGE = Text("MAIL FROM:<address> [parameters]")
RCPT_USAGE = Text("RCPT TO:<address> [parameters]")
RET_USAGE = Text("RET=FULL or RET=HDRS")
ENVID_USAGE = Text("ENVID= and 1 to 100 characters in xtext")
NOTIFY_USAGE = Text("NOTIFY=NEVER, or some of SUCCESS,FAILURE,DELAY")
ORCPT_USAGE = Text("ORCPT=rfc822; and an address in xtext, at most 500 characters")

# AUTH (RFC 4954 5) must be taken even from clients we do not trust with it, and is not acted on. RET, ENVID, NOTIFY and
# ORCPT (RFC 3461) are sent by products that do not look whether DSN is offered.
_MAIL_PARAMETERS = frozenset({"SIZE", "BODY", "SMTPUTF8", "AUTH", "RET", "ENVID"})
_RCPT_PARAMETERS = frozenset({"NOTIFY", "ORCPT"})

_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})
# RFC 3461 4 has capitals only; products write small ones, which can mean nothing else.
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})+")
_HEXCHAR = re.compile(r"\+([0-9A-Fa-f]{2})")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_MAX_ENVID_CHARACTERS = 100  # RFC 3461 4.4
_MAX_ORCPT_CHARACTERS = 500  # RFC 3461 4.2


class MailCommand(NamedTuple):
    """What MAIL says: the path as it was written, None for the null reverse-path; `size` in octets, 0 when none was
    announced; RET and ENVID of DSN."""

    reverse_path: str | None
    size: int
    smtputf8: bool
    ret: str | None = None
    envid: str | None = None


class RcptCommand(NamedTuple):
    """What RCPT says: the address, and NOTIFY and ORCPT of DSN."""

    address: Address
    notify: tuple[str, ...] = ()
    orcpt: str | None = None

    def dsn(self, sender: MailCommand) -> Dsn | None:
        """What MAIL and RCPT together ask to be told; None: nothing."""
        if not (sender.ret or sender.envid or self.notify or self.orcpt):
            return None
        return Dsn(sender.ret, sender.envid, self.notify, self.orcpt)


def parse_mail(argument: str, max_message_bytes: int) -> MailCommand:
    """Raises Refused: syntax, parameter, or an announced size over the limit.

    The path is not judged: nothing is ever delivered to it, and a smarthost whose users write odd ones would lose mail.
    """
    try:
        path, text = split_path(_behind(argument, "FROM:", MAIL_USAGE))
    except AddressError as error:
        raise Refused(reply.BAD_SENDER, reason=error.text) from None
    parameters = _parameters(text, _MAIL_PARAMETERS, MAIL_USAGE)
    smtputf8 = "SMTPUTF8" in parameters
    if parameters.get("SMTPUTF8") or parameters.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Refused(reply.BAD_COMMAND, usage=MAIL_USAGE)
    if not smtputf8 and not argument.isascii():
        raise Refused(reply.SMTPUTF8_NEEDED)
    size = _size(parameters, max_message_bytes)
    return MailCommand(
        path.strip(" ") or None, size, smtputf8, _ret(parameters.get("RET")), _envid(parameters.get("ENVID"))
    )


def parse_rcpt(argument: str, smtputf8: bool) -> RcptCommand:
    """Raises Refused: syntax, parameter or address."""
    try:
        path, text = parse_path(_behind(argument, "TO:", RCPT_USAGE))
    except AddressError as error:
        raise Refused(reply.BAD_RECIPIENT, reason=error.text) from None
    parameters = _parameters(text, _RCPT_PARAMETERS, RCPT_USAGE)
    if path is None:
        raise Refused(reply.NULL_RECIPIENT)
    if not smtputf8 and not argument.isascii():
        raise Refused(reply.SMTPUTF8_NEEDED)
    return RcptCommand(path, _notify(parameters.get("NOTIFY")), _orcpt(parameters.get("ORCPT")))


def _behind(argument: str, keyword: str, usage: Text) -> str:
    if argument[: len(keyword)].upper() != keyword:
        raise Refused(reply.BAD_COMMAND, usage=usage)
    return argument[len(keyword) :]


def _parameters(text: str, known: frozenset[str], usage: Text) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in filter(None, text.split(" ")):
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


def _ret(value: str | None) -> str | None:
    """RFC 3461 4.3."""
    if value is not None and value.upper() not in ("FULL", "HDRS"):
        raise Refused(reply.BAD_COMMAND, usage=RET_USAGE)
    return value and value.upper()


def _envid(value: str | None) -> str | None:
    """RFC 3461 4.4: what it says is printable ASCII, too."""
    if value is None:
        return None
    text = _from_xtext(value, ENVID_USAGE)
    if len(value) > _MAX_ENVID_CHARACTERS or not text.isprintable():
        raise Refused(reply.BAD_COMMAND, usage=ENVID_USAGE)
    return text


def _notify(value: str | None) -> tuple[str, ...]:
    """RFC 3461 4.1: NEVER stands alone, the others once each."""
    if value is None:
        return ()
    asked = value.upper().split(",")
    if asked != ["NEVER"] and (len(asked) > len(set(asked)) or not _NOTIFY.issuperset(asked)):
        raise Refused(reply.BAD_COMMAND, usage=NOTIFY_USAGE)
    return tuple(asked)


def _orcpt(value: str | None) -> str | None:
    """RFC 3461 4.2: `type;address`, the address in xtext."""
    if value is None:
        return None
    kind, _, address = value.partition(";")
    text = _from_xtext(address, ORCPT_USAGE)
    if len(value) > _MAX_ORCPT_CHARACTERS or not _ADDRESS_TYPE.fullmatch(kind) or not text.isprintable():
        raise Refused(reply.BAD_COMMAND, usage=ORCPT_USAGE)
    return f"{kind.lower()};{text}"


def _from_xtext(value: str, usage: Text) -> str:
    """What an xtext says, which is ASCII. Raises Refused when it is none."""
    if not _XTEXT.fullmatch(value):
        raise Refused(reply.BAD_COMMAND, usage=usage)
    text = _HEXCHAR.sub(lambda found: chr(int(found[1], 16)), value)
    if not text.isascii():
        raise Refused(reply.BAD_COMMAND, usage=usage)
    return text
