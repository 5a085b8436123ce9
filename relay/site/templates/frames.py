"""A message as its reader would see it, as a document of its own for an iframe: nothing in it runs, loads or is sent.

Its links open in a new tab; its policy is its own, since mail has its styles in its elements.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from auth.principal import Service
from messages.message import Channel, Language
from messages.reply import Refused
from messages.samples import samples
from messages.template import Template
from messages.text import Text
from relay.actions import letter_preview, text_preview
from relay.actions.letter_preview import Letter
from relay.site import layout
from relay.site.refusals import said
from relay.site.visits import Visit

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
# As mail readers do that make a light letter dark: all colours turned around, pictures back again.
_DARK = (
    "<style>html{background:#fff;filter:invert(1) hue-rotate(180deg)}img{filter:invert(1) hue-rotate(180deg)}</style>"
)
_BODY = re.compile(r"<body[^>]*>")


class Part(StrEnum):
    """Which part of an email is shown."""

    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Look:
    """How an email is looked at. `language` is that of the branding."""

    language: Language
    part: Part = Part.HTML
    is_dark: bool = False

    @classmethod
    def of(cls, asked: Mapping[str, str], service: Service) -> "Look":
        """What a form or a query says; what it says wrongly is as if it said nothing."""
        language, part = asked.get("brand", ""), asked.get("part", "")
        return cls(
            Language(language) if language in {*Language} else service.language,
            Part(part) if part in {*Part} else Part.HTML,
            asked.get("dark", "") == "yes",
        )


def sample_values(template: Template, visit: Visit, look: Look) -> dict[str, str]:
    """In the language of the letter; where it has both, in that of the page."""
    language = visit.language if look.language is Language.BOTH else look.language
    return samples(template.placeholders, language, template.conditions)


async def frame(visit: Visit, template: Template, values: dict[str, str], look: Look) -> Response:
    """The document. What a door would refuse is said in it."""
    try:
        if template.channel is Channel.SMS:
            found = text_preview.of_template(template, values, visit.the_service)
            refused = said(found.refused) if found.refused else None
            signs = [(each, _codes(each.text)) for each in found.cost.signs] if found.cost else []
            return document(visit, "templates/frame_sms.html", text=found, refused=refused, signs=signs)
        letter = await letter_preview.look(template, values, visit.the_service, look.language, visit.site.brandings)
    except Refused as refused:
        return problem(visit, said(refused))
    if look.part is Part.TEXT:
        return document(visit, "templates/frame_text.html", letter=letter)
    return _answer(_letter(visit, letter, look))


def problem(visit: Visit, text: Text) -> Response:
    """In place of a message that cannot be made."""
    return document(visit, "templates/frame_problem.html", problem=text)


def document(visit: Visit, template: str, **values: object) -> Response:
    site = visit.site
    return _answer(layout.render(template, visit.language, site.words.translator(visit.language), **values))


def _letter(visit: Visit, letter: Letter, look: Look) -> str:
    head = Markup('<base target="_blank">') + (Markup(_DARK) if look.is_dark else "")  # noqa: S704 - our own
    page = letter.html.replace("</head>", f"{head}</head>", 1)
    words = visit.site.words.translator(visit.language)
    above = layout.render("templates/frame_head.html", visit.language, words, letter=letter)
    return _BODY.sub(lambda found: found[0] + above, page, count=1)


def _codes(sign: str) -> str:
    """What it is in Unicode: some look like the plain sign that they are not."""
    return " ".join(f"U+{ord(character):04X}" for character in sign)


def _answer(html: str) -> Response:
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})
