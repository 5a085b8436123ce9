"""What a branding looks like: variants of messages/variant.py in the templates of config/branding, with their pictures.

Knows nothing of databases: which variant a message has, delivery/library/brandings.py says.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import DictLoader, Environment, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from config.settings import OF_SETTING, PREFIX, Http, SettingsError
from config.settings import Branding as Settings
from messages.email import inline
from messages.email.branding import Branding
from messages.email.page import MARK, Page
from messages.message import Language
from messages.picture import MAX_OCTETS, Picture, PictureError
from messages.text import clean
from messages.variant import DEFAULT_COLOUR, BrandType, Variant

PATH = "branding/"  # below the public URL, where doors serve pictures

_FILES = {"en": "signature-en.png", "fr": "signature-fr.png", "wordmark": "wordmark.png"}
_SIGNATURE_ROOM, _WORDMARK_ROOM = (286, 55), (123, 55)
_LOGO_WIDTH = 280  # what a window of 320 pixels has room for
_ENDS = (".png", ".jpg", ".jpeg", ".gif")
_MAX_FILES = 100
MAX_ENTRIES = 512  # of some 10 KB each


class _Image(NamedTuple):
    """A picture as a template shows it; `ink` and `ground` are the colours of its words where it is not loaded."""

    src: str
    alt: str
    width: int
    height: int
    ink: str = DEFAULT_COLOUR
    ground: str = "#ffffff"


class Letterheads:
    """Templates, and artwork as it was when constructed. Raises SettingsError for artwork that cannot be shown.

    `folder` holds the government's artwork; what is not there is said in words, with its `names` by language.
    `base_url` is where pictures are served, and ends with a slash; None: each message carries them.
    """

    def __init__(
        self,
        folder: Path | None = None,
        base_url: str | None = f"{Http().public_url}{PATH}",
        names: Mapping[str, str] = Settings().names,
    ) -> None:
        self._templates = templates()
        self._base_url = base_url
        self._names = names
        self._artwork = dict(_pictures(folder) if folder else ())
        self.missing = sorted(set(_FILES.values()) - self._artwork.keys())
        # Those of other file names are still shown by old mail.
        self.pictures = {picture.name: picture for picture in self._artwork.values()}
        self._rendered: OrderedDict[tuple[str, int, str, str], Branding] = OrderedDict()

    def render(self, variant: Variant, service_name: str, language: Language) -> Branding:
        # A version never changes. The logo is in neither key nor value: it may have 100 KB.
        key = str(variant.id), variant.version, service_name, language.value
        found = self._rendered.pop(key, None)
        if found is None:
            found = self._render(variant, clean(service_name), language)
        self._rendered[key] = found
        while len(self._rendered) > MAX_ENTRIES:
            self._rendered.popitem(last=False)
        return found if self._base_url else replace(found, images=self._images(variant, language))

    def embedded(self, variant: Variant, service_name: str, language: Language) -> Branding:
        """As `render`, with its pictures within the HTML: for a document that asks nobody for anything."""
        found = self.render(variant, service_name, language)
        header, footer = found.header_html, found.footer_html
        for picture in self._images(variant, language):
            src = self._src(picture)
            header, footer = (each.replace(src, inline.data_url(picture)) for each in (header, footer))
        return replace(found, header_html=header, footer_html=footer, images=())

    def _images(self, variant: Variant, language: Language) -> tuple[Picture, ...]:
        """What its HTML shows, in that order."""
        first = variant.signature(language)[0]
        signed = map(self._artwork.get, (_FILES[first], _FILES["wordmark"]) if variant.signed else ())
        return tuple(picture for picture in (*signed, variant.logo) if picture)

    def _render(self, variant: Variant, service: str, language: Language) -> Branding:
        languages = variant.languages(language)
        page = Page.parse(self._template("page.html", languages=languages, mark=MARK))
        if variant.brand_type is BrandType.NO_BRANDING:
            return Branding("", "", "", page)
        order = variant.signature(language)
        values: dict[str, Any] = {
            "service": service,
            "languages": languages,
            "order": order,
            "signed": variant.signed,
            "names": self._names,
            "own": Markup(' lang="{}" dir="ltr"').format(languages[0]),
            "signature": self._mark(variant, order[0], languages[0], _SIGNATURE_ROOM),
            "wordmark": self._mark(variant, "wordmark", languages[0], _WORDMARK_ROOM),
            "logo": None,
            "band": variant.band,
            "colour": variant.colour or (DEFAULT_COLOUR if variant.band else None),
            "text": variant.text,
        }
        if variant.logo:
            colours = ("#ffffff", values["colour"]) if variant.band else (DEFAULT_COLOUR, "#ffffff")
            room = _LOGO_WIDTH, 27 if variant.text else 54 if variant.band else 108
            values["logo"] = self._image(variant.logo, variant.alt_text(languages[0]), room)._replace(
                ink=colours[0], ground=colours[1]
            )
        header, footer, text = (self._template(name, **values) for name in ("header.html", "footer.html", "footer.txt"))
        return Branding(header, footer, text, page)

    def _mark(self, variant: Variant, name: str, language: str, room: tuple[int, int]) -> _Image | None:
        picture = self._artwork.get(_FILES[name]) if variant.signed else None
        return self._image(picture, self._names[language], room) if picture else None

    def _image(self, picture: Picture, alt: str, room: tuple[int, int]) -> _Image:
        return _Image(self._src(picture), alt, *picture.fitted(*room))

    def _src(self, picture: Picture) -> str:
        return inline.url(picture) if self._base_url is None else self._base_url + picture.name

    def _template(self, name: str, **values: object) -> str:
        return self._templates[name].render(values).strip()


@cache
def templates() -> Mapping[str, Template]:
    """Those of config/branding by their names, compiled once in a process."""
    own = resources.files("config") / "branding"
    sources = {file.name: file.read_text("utf-8") for file in own.iterdir() if file.name.endswith(".j2")}
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        newline_sequence="\r\n",
    )
    return {name.removesuffix(".j2"): environment.get_template(name) for name in sources}


def _pictures(folder: Path) -> Iterator[tuple[str, Picture]]:
    """The pictures in a folder by their file names. Raises SettingsError."""
    name = f"{PREFIX}BRANDING__DIR"
    try:
        named = (file for file in folder.iterdir() if file.name.endswith(_ENDS))
        files = sorted((file for file in named if not file.name.startswith(".")), key=str)  # macOS: ._wordmark.png
        for file in files[:_MAX_FILES]:
            with file.open("rb") as opened:
                yield file.name, Picture.parse(opened.read(MAX_OCTETS + 1))
    except OSError as error:
        raise SettingsError("{name} cannot be read: {reason}", name=name, reason=error.strerror) from None
    except PictureError as error:
        raise SettingsError(OF_SETTING, name=f"{name}, {file.name}", problem=error.text) from None
