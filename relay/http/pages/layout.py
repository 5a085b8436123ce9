"""What every page has around it: header, other language, contents, footer; and the one stylesheet.

No script, nothing of another host, and no style but the stylesheet's: the policy forbids all of it.
"""

import hashlib
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader

from messages.message import Language
from messages.text import Text, Translate

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_WORDS = {
    "skip": Text("Skip to the content"),
    "contents": Text("Contents"),
    "language": Text("Language"),
    "home": Text("Home"),
    "documentation": Text("Documentation"),
    "smtp": Text("SMTP replies"),
    "own": Text("Examples with your own ids"),
    "why": Text("Give a key of your service, and the examples below are shown with its own template and message."),
    "shown": Text("The examples below are shown with your service's own template and message, as far as it has any."),
    "key": Text("API key"),
    "hint": Text("It is checked, and neither kept nor shown again. The examples take it from the environment."),
    "show": Text("Show my ids"),
    "accepting": Text("This relay is accepting messages."),
    "trouble": Text("This relay cannot accept messages right now. Nothing is lost: programs try again by themselves."),
}
_ENVIRONMENT = Environment(
    loader=PackageLoader("relay.http", "pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@cache
def style() -> bytes:
    return resources.files("relay.http.pages").joinpath("style.css").read_bytes()


@cache
def style_name() -> str:
    """Made of its octets: what is named so never changes."""
    return f"style-{hashlib.sha256(style()).hexdigest()[:16]}.css"


def render(template: str, language: Language, translate: Translate, **values: object) -> str:
    """A whole page as HTML."""
    words = {name: text.render(translate) for name, text in _WORDS.items()}
    return _ENVIRONMENT.get_template(template).render(
        language=language.value, words=words, style=f"/{style_name()}", translate=translate, **values
    )
