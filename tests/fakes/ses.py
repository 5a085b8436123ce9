"""What SES does to a raw message: refuses it by its rules, or changes it on its way. Pure; the server is in aws.py."""

import re
from email.utils import formatdate
from functools import cache

import dkim

from messages.email.dkim import generate
from tests.fakes import addresses
from tests.fakes.trouble import Rejection

MAX_BYTES_ENCODED = 40 * 1024 * 1024  # after base64
MAX_RECIPIENTS = 50
MAX_LINE_OCTETS = 1000  # with CRLF
MAX_TAGS = 50
SES_SELECTOR, SES_DOMAIN = "fake", "amazonses.com"

# May stand in a message once.
SINGLE_FIELDS = frozenset(
    b"accept-language acceptlanguage archived-at auto-submitted bounces-to comments content-alternative content-base "
    b"content-class content-description content-disposition content-duration content-id content-language "
    b"content-length content-location content-md5 content-transfer-encoding content-type date delivered-to "
    b"disposition-notification-options disposition-notification-to dkim-signature domainkey-signature errors-to from "
    b"importance in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe "
    b"list-unsubscribe list-unsubscribe-post message-context message-id mime-version organization original-from "
    b"original-message-id original-recipient original-subject precedence priority references reply-to return-path "
    b"return-receipt-to sender sensitivity solicitation subject thread-index thread-topic user-agent vbr-info".split()
)
PARSED_FIELDS = (b"from", b"to", b"cc", b"reply-to")  # as lists of addresses
_EXTENSIONS = """
ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk
mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msi msp mst ops pcd pif plg prf prg ps1
ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb shs sys tmp url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf
wsh xnk
"""
REFUSED_EXTENSIONS = frozenset(_EXTENSIONS.split())
REPLACED_FIELDS = frozenset({b"message-id", b"date", b"return-path", b"feedback-id"})

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FILE_NAME = re.compile(rb'name\*?\d*\*?\s*=\s*"?[^"\r\n;]*\.([A-Za-z0-9]+)', re.IGNORECASE)
_FIELD_END = re.compile(rb"\r?\n(?![ \t])")


def check(raw: bytes, destination: dict[str, list[str]], tags: list[tuple[str, str]]) -> Rejection | None:
    """Why SES does not take this message; None if it does."""
    fields = header_fields(raw)
    names = [name for name, _ in fields]
    single = SINGLE_FIELDS.union(PARSED_FIELDS)  # To and Cc: the next hop refuses them twice (RFC 5322 3.6)
    twice = next((name for name in names if name in single and names.count(name) > 1), None)
    recipients = [address for listed in destination.values() for address in listed]
    unparsed = (addresses.problem(value) for name, value in fields if name in PARSED_FIELDS)
    problem: str | None = None
    if len(raw) * 4 // 3 > MAX_BYTES_ENCODED:
        problem = "Message length is more than 41943040 bytes long."
    elif twice:
        problem = f"Duplicate header '{twice.decode('ascii', 'replace').title()}'."
    elif b"" in names:
        problem = "Empty header names are illegal."
    elif b"from" not in names:
        problem = "Missing required header 'From'."
    elif refused := next((each for each in unparsed if each), None):
        problem = f"{refused}."
    elif not recipients:
        problem = "Recipients were not specified."
    elif len(recipients) > MAX_RECIPIENTS:
        problem = f"Recipient count exceeds {MAX_RECIPIENTS}."
    elif not all(_is_address(address) for address in recipients):
        problem = "Local address contains control, whitespace or non-ASCII characters, or the domain is illegal."
    elif len(tags) > MAX_TAGS or not all(_TAG.fullmatch(name) and _TAG.fullmatch(value) for name, value in tags):
        problem = "Tag names and values may hold ASCII letters, digits, underscores and dashes only."
    elif max(map(len, raw.split(b"\n"))) >= MAX_LINE_OCTETS:
        problem = "A line of the message is longer than 1000 octets."
    if problem:
        return Rejection("BadRequestException", problem)
    if any(match[1].decode().lower() in REFUSED_EXTENSIONS for match in _FILE_NAME.finditer(_mime_headers(raw))):
        return Rejection("MessageRejected", "The message holds an attachment of a type that is not allowed.")
    return None


def header_fields(raw: bytes) -> list[tuple[bytes, bytes]]:
    """(name in lower case, value) of each field."""
    header = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    pairs = (field.partition(b":") for field in _FIELD_END.split(header.rstrip(b"\r\n")))
    return [(name.strip().lower(), value) for name, _, value in pairs]


def deliver(
    raw: bytes, message_id: str, region: str, at: float, from_address: str | None = None, mail_from: str | None = None
) -> bytes:
    """The message as its recipient gets it, with SES's own signature on top.

    `mail_from` is the identity's MAIL FROM domain; without it SES uses its own.
    """
    header, _, body = raw.partition(b"\r\n\r\n")
    kept = []
    for field in _FIELD_END.split(header):
        name = field.partition(b":")[0].strip().lower()
        if name == b"from" and from_address:
            kept.append(b"From: " + from_address.encode())
        elif name not in REPLACED_FIELDS and not name.startswith(b"x-ses-"):
            kept.append(field)
    own = (
        f"Message-ID: <{message_id}@{region}.amazonses.com>",
        f"Date: {formatdate(at)}",
        f"Feedback-ID: ::1.{region}.fake:AmazonSES",
        f"X-SES-Outgoing: {formatdate(at)}-192.0.2.1",
    )
    message = b"\r\n".join([*kept, *(field.encode() for field in own)]) + b"\r\n\r\n" + body
    signed = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"feedback-id"]
    signature = dkim.sign(
        message,
        SES_SELECTOR.encode(),
        SES_DOMAIN.encode(),
        ses_key(),
        canonicalize=(b"relaxed", b"simple"),
        include_headers=signed,
    )
    return_path = f"Return-Path: <{message_id}@{mail_from or f'{region}.amazonses.com'}>\r\n".encode()
    return return_path + bytes(signature) + message


@cache
def ses_key() -> bytes:
    """The private key of the fake's own d=amazonses.com."""
    return generate()


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(at and local and "." in domain) and text.isascii() and not re.search(r"[\x00-\x20<>,;]", text)


def _mime_headers(raw: bytes) -> bytes:
    """The header sections of the message and its parts; cheap to leave out where there is no attachment."""
    blocks = re.split(rb"\r?\n--", raw) if b"\n--" in raw else [raw]
    return b"\r\n".join(re.split(rb"\r?\n\r?\n", block, maxsplit=1)[0] for block in blocks)
