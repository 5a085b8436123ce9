"""Pages as HTML: the templates beside the handlers, in the words of one language, every value escaped."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from messages.message import Language
from messages.text import Text, Translate
from relay import dates
from relay.site import assets, language

FOLDER = Path(__file__).parent
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "frame-src 'self'",
    )
)
_LANGUAGES = {"en": "English", "fr": "Français"}  # each on its own terms
_WRITTEN: tuple[Callable[..., str], ...] = (
    language.number,
    language.percent,
    dates.day,
    dates.moment,
    dates.clock,
    dates.short_day,
    dates.month,
    dates.zone_name,
)  # filters, in the page's language


@cache
def environment(spoken: Language, translate: Translate) -> Environment:
    """In templates `_("… {name}", name=…)` is a text, `say(text)` says one that code made."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for each in _WRITTEN:
        made.filters[each.__name__] = partial(each, language=spoken)
    made.filters["iso"] = dates.iso
    made.globals |= {
        "_": partial(worded, translate),
        "say": saying(translate),
        "asset": assets.url,
        "language": spoken.value,
        "languages": _LANGUAGES,
    }
    return made


def render(template: str, spoken: Language, translate: Translate, /, **values: object) -> str:
    """A whole page as HTML."""
    return environment(spoken, translate).get_template(template).render(values)


def worded(translate: Translate, source: str, /, **values: object) -> Markup:
    """A text with its values escaped, but for those that are markup of ours: a link within a sentence."""
    found = escape(translate(source))
    return found.format(**values) if values else found


def saying(translate: Translate) -> Callable[[Any], str]:
    def say(text: Text | str) -> str:
        return text.render(translate) if isinstance(text, Text) else text

    return say
