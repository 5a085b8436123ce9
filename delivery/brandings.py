"""The branding variants of config/branding, rendered for a service: what messages/branding.py inserts.

Each variant is three templates: NAME.header.html.j2, NAME.footer.html.j2 and NAME.footer.txt.j2.
"""

from functools import lru_cache
from importlib import resources

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape

from messages.branding import Branding
from messages.message import Language
from messages.words import clean

NONE = "none"
_LANGUAGES = {Language.EN: ("en",), Language.FR: ("fr",), Language.BOTH: ("en", "fr")}


class Brandings:
    """All variants, read once from the package's own files when constructed."""

    def __init__(self) -> None:
        folder = resources.files("config") / "branding"
        sources = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".j2")}
        self.names = frozenset(name.split(".")[0] for name in sources)
        self._templates = Environment(
            loader=DictLoader(sources),
            autoescape=select_autoescape(enabled_extensions=("html.j2",)),
            undefined=StrictUndefined,
            newline_sequence="\r\n",
        )
        self._cached = lru_cache(maxsize=4096)(self._render)

    def get(self, name: str, service_name: str, language: Language) -> Branding | None:
        """The branding of a service; None for "none". Raises KeyError for a name that is not in `names`."""
        return None if name == NONE else self._cached(name, clean(service_name), language)

    def _render(self, name: str, service: str, language: Language) -> Branding:
        if name not in self.names:
            raise KeyError(name)
        spoken = _LANGUAGES[language]
        values = {
            "service": service,
            "spoken": spoken,
            # The signature carries both official languages; the service's own comes first.
            "languages": ("fr", "en") if spoken[0] == "fr" else ("en", "fr"),
        }
        header, footer, text = (
            self._templates.get_template(f"{name}.{piece}.j2").render(values).strip()
            for piece in ("header.html", "footer.html", "footer.txt")
        )
        return Branding(header, footer, text, lang=spoken[0] if len(spoken) == 1 else None)
