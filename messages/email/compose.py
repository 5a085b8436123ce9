"""A whole MIME message (RFC 5322, 2045, 2046) made of a template: built at the exit, from the recipe that is stored.

The same recipe, template and id give the same bytes each time: a message that is tried twice is one message.
Knows nothing of where recipes, templates or brandings are kept.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any
from uuid import UUID

from messages import markdown
from messages.address import Address
from messages.email import branding as brandings
from messages.email import mime
from messages.email.branding import Branding, Untouched
from messages.email.content import splice
from messages.email.encoded_words import fold, unstructured
from messages.email.mailboxes import Mailbox
from messages.email.rewrite import MAX_NAME_CHARACTERS
from messages.message import Language
from messages.recipient import Recipient
from messages.template import Template, fill_body, fill_subject
from messages.text import clean

MAX_URL_CHARACTERS = 900  # stands unfolded on one line of the header section, which holds 998

_HTTPS_URL = re.compile(r"https://[A-Za-z0-9\[][!#-;=?-\[\]_a-z~]*", re.ASCII)


class RecipeError(ValueError):
    """What is stored is no recipe."""


@dataclass(frozen=True, slots=True, repr=False)
class Recipe:
    """What a message is made of besides its template and its branding.

    `branding_version` is None for a built-in branding.
    `service_name` stands in From and in the branding; `created_at` is in seconds since the epoch and becomes Date.
    """

    service_name: str
    sender: Address
    reply_to: str | None
    branding: str
    language: Language
    created_at: float
    personalisation: Mapping[str, Any] = field(default_factory=dict)
    sanitise_content_for: tuple[str, ...] = ()
    one_click_unsubscribe_url: str | None = None
    branding_version: int | None = None

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "service_name": self.service_name,
                "sender": str(self.sender),
                "reply_to": self.reply_to,
                "branding": self.branding,
                "branding_version": self.branding_version,
                "language": self.language,
                "created_at": self.created_at,
                "personalisation": dict(self.personalisation),
                "sanitise_content_for": list(self.sanitise_content_for),
                "one_click_unsubscribe_url": self.one_click_unsubscribe_url,
            },
            separators=(",", ":"),
        ).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> "Recipe":
        """Raises RecipeError."""
        try:
            stored = json.loads(data)
            version = stored.get("branding_version")  # of an earlier release: there were none
            return cls(
                service_name=str(stored["service_name"]),
                sender=Address.parse(stored["sender"]),
                reply_to=stored["reply_to"],
                branding=str(stored["branding"]),
                branding_version=None if version is None else int(version),
                language=Language(stored["language"]),
                created_at=float(stored["created_at"]),
                personalisation=dict(stored["personalisation"]),
                sanitise_content_for=tuple(map(str, stored["sanitise_content_for"])),
                one_click_unsubscribe_url=stored["one_click_unsubscribe_url"],
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise RecipeError("not a recipe") from None


def compose(recipe: Recipe, template: Template, branding: Branding, recipient: Recipient, message_id: UUID) -> bytes:
    """The message for one recipient, but for a signature. Raises template.TooLong."""
    subject = fill_subject(template, recipe.personalisation, recipe.sanitise_content_for)
    body = markdown.render(fill_body(template, recipe.personalisation, recipe.sanitise_content_for))
    language = None if recipe.language is Language.BOTH else recipe.language.value
    # What stands first in the body is what inboxes show beside the subject: the text, not the branding.
    preheader = _preheader(body.preheader)
    branding = replace(branding, header_html=f"{preheader}\r\n{branding.header_html}") if branding else branding
    opening, closing = branding.page.around(title=subject, utf8=True, above="" if branding else preheader)
    document = "".join((opening, body.html.replace("\n", "\r\n"), closing))
    boundary = f"=_{message_id.hex}"  # nobody knows the id before the values are given, so no value holds it
    content = _header_section(recipe, subject, language, recipient, message_id)
    content += _alternatives(boundary, body.text.replace("\n", "\r\n"), document)
    return _branded(content, branding, boundary) if branding else content


def message_id_field(message_id: UUID, domain: str) -> str:
    """The Message-ID of a message made of a template, by which it is found, too."""
    return f"<{message_id}@{domain}>"


def is_one_click_url(text: str) -> bool:
    """Whether it can stand in List-Unsubscribe for one click: an https URL (RFC 8058 3.1) that breaks no field."""
    return len(text) <= MAX_URL_CHARACTERS and bool(_HTTPS_URL.fullmatch(text))


def _header_section(
    recipe: Recipe, subject: str, language: str | None, recipient: Recipient, message_id: UUID
) -> bytes:
    name = clean(recipe.service_name)[:MAX_NAME_CHARACTERS]
    date = format_datetime(datetime.fromtimestamp(int(recipe.created_at), UTC))
    fields = [
        fold("From", Mailbox(name, recipe.sender).pieces()),
        fold("To", [str(recipient)]),
        fold("Subject", unstructured(subject)),
        fold("Date", [date]),
        fold("Message-ID", [message_id_field(message_id, recipe.sender.domain)]),
    ]
    if recipe.reply_to:
        fields.append(fold("Reply-To", [clean(recipe.reply_to)]))
    if language:
        fields.append(fold("Content-Language", [language]))
    if recipe.one_click_unsubscribe_url and is_one_click_url(recipe.one_click_unsubscribe_url):
        fields.append(fold("List-Unsubscribe", [f"<{recipe.one_click_unsubscribe_url}>"]))
        fields.append(fold("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"]))
    return b"".join((*fields, b"MIME-Version: 1.0\r\n"))


def _alternatives(boundary: str, text: str, document: str) -> bytes:
    """The last is the richest (RFC 2046 5.1.4)."""
    pieces = [f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode()]
    for kind, content in (("plain", text), ("html", document)):
        encoded, encoding = mime.encode(content.encode(), "")
        fields = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        pieces += (f"--{boundary}\r\n{fields}".encode(), encoded, b"\r\n")
    return b"".join((*pieces, f"--{boundary}--\r\n".encode()))


def _preheader(text: str) -> str:
    style = "display:none;max-height:0;overflow:hidden;font-size:1px;line-height:1px;color:#ffffff;"
    return f'<span style="{style}">{escape(text, quote=False)}</span>' if text else ""


def _branded(content: bytes, branding: Branding, boundary: str) -> bytes:
    root = mime.parse(content)
    try:
        return splice(content, brandings.brand(root, branding, boundary, ours=True))
    except Untouched:
        return content
