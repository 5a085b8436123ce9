"""Variants of branding as data: which marks stand above and below a message, and in which order.

The names are those of the Notify API's brand types. Knows nothing of HTML, files or stores.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from messages.message import Language
from messages.picture import Picture
from messages.text import TextError, clean

MAX_NAME_CHARACTERS = 255
MAX_TEXT_CHARACTERS = 200
DEFAULT_COLOUR = "#0b0c0c"
MIN_CONTRAST = 4.5  # WCAG 2.2, 1.4.3

_COLOUR = re.compile(r"#[0-9a-f]{6}")


class BrandType(StrEnum):
    FIP_ENGLISH = "fip_english"
    FIP_FRENCH = "fip_french"
    BOTH_ENGLISH = "both_english"
    BOTH_FRENCH = "both_french"
    CUSTOM_LOGO = "custom_logo"
    CUSTOM_LOGO_WITH_BACKGROUND_COLOUR = "custom_logo_with_background_colour"
    NO_BRANDING = "no_branding"

    @property
    def signed(self) -> bool:
        """Whether the signature of the Government of Canada stands above, and its wordmark below."""
        return self.value.startswith(("fip_", "both_"))

    @property
    def takes_logo(self) -> bool:
        return self.value.startswith(("both_", "custom_"))

    @property
    def band(self) -> bool:
        """Whether logo and text stand on a band in the brand's colour."""
        return self is BrandType.CUSTOM_LOGO_WITH_BACKGROUND_COLOUR


class VariantError(TextError):
    """Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One version of a branding. `service_id` is None where every service may use it; times are in seconds."""

    id: UUID | str  # text: built in
    version: int
    service_id: UUID | None
    name: str
    brand_type: BrandType | None  # None: the signature, in the order of the message's language
    colour: str | None = None
    text: str | None = None
    alt_text_en: str | None = None
    alt_text_fr: str | None = None
    logo: Picture | None = None
    created_at: float | None = None
    updated_at: float | None = None
    archived: bool = False

    @property
    def signed(self) -> bool:
        return self.brand_type is None or self.brand_type.signed

    @property
    def band(self) -> bool:
        return self.brand_type is not None and self.brand_type.band

    def languages(self, language: Language) -> tuple[str, ...]:
        """In which languages it speaks to the readers of a message, the first one first."""
        if language is not Language.BOTH:
            return (language.value,)
        return ("fr", "en") if self._order == "fr" else ("en", "fr")

    def signature(self, language: Language) -> tuple[str, str]:
        """Both official languages, in the order of the signature."""
        first = self._order or self.languages(language)[0]
        return ("fr", "en") if first == "fr" else ("en", "fr")

    @property
    def _order(self) -> str | None:
        """The language that comes first whatever the message's is."""
        if not self.brand_type or not self.brand_type.signed:
            return None
        return "fr" if self.brand_type.value.endswith("_french") else "en"

    def alt_text(self, language: str) -> str:
        """What the logo says to those who do not see it."""
        own, other = (self.alt_text_fr, self.alt_text_en) if language == "fr" else (self.alt_text_en, self.alt_text_fr)
        return own or other or self.name


BUILT_IN = {
    variant.id: variant
    for variant in (
        Variant("default", 1, None, "default", None),
        Variant("fip_english", 1, None, "fip_english", BrandType.FIP_ENGLISH),
        Variant("fip_french", 1, None, "fip_french", BrandType.FIP_FRENCH),
        Variant("none", 1, None, "none", BrandType.NO_BRANDING),
    )
}


def checked(
    *,
    name: str,
    brand_type: BrandType,
    colour: str | None,
    text: str | None,
    alt_text_en: str | None,
    alt_text_fr: str | None,
    logo: Picture | None,
) -> dict[str, str | None]:
    """The texts as they are kept; empty ones as None. Raises VariantError."""
    name = clean(name)
    texts = {"text": text, "alt_text_en": alt_text_en, "alt_text_fr": alt_text_fr}
    kept = {field: clean(value or "") or None for field, value in texts.items()}
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or name in BUILT_IN:
        raise VariantError("a branding's name has 1 to {limit} characters, and is not a built-in one's",
                           limit=MAX_NAME_CHARACTERS)  # fmt: skip
    if any(len(value or "") > MAX_TEXT_CHARACTERS for value in kept.values()):
        raise VariantError("the texts of a branding have at most {limit} characters", limit=MAX_TEXT_CHARACTERS)
    if brand_type.takes_logo and logo is None and not (brand_type.value.startswith("custom_") and kept["text"]):
        raise VariantError("a branding of type {type} needs a logo", type=brand_type.value)
    if not brand_type.takes_logo and (logo is not None or kept["text"]):
        raise VariantError("a branding of type {type} has neither logo nor text", type=brand_type.value)
    return {"name": name, **kept, "colour": _checked_colour(colour, brand_type)}


def _checked_colour(colour: str | None, brand_type: BrandType) -> str | None:
    colour = (colour or "").strip().lower() or None
    if colour is not None and not _COLOUR.fullmatch(colour):
        raise VariantError("a colour is written as #rrggbb, as in #26374a")
    if colour is not None and brand_type.band and (found := contrast(colour, "#ffffff")) < MIN_CONTRAST:
        raise VariantError(
            "white text on {colour} has a contrast of {found}:1; take a darker colour, which reaches {limit}:1",
            colour=colour,
            found=f"{found:.2f}",
            limit=MIN_CONTRAST,
        )
    return colour


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
