import pytest

from messages.message import Language
from messages.picture import Picture
from messages.variant import BUILT_IN, BrandType, Variant, VariantError, checked, contrast
from tests.fakes.pictures import gif

LOGO = Picture.parse(gif(3, 1))
FIELDS = {
    "name": "Parks", "brand_type": BrandType.CUSTOM_LOGO, "colour": None, "text": None,
    "alt_text_en": None, "alt_text_fr": None, "logo": LOGO,
}  # fmt: skip
BAND = BrandType.CUSTOM_LOGO_WITH_BACKGROUND_COLOUR


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": " \r\n"}, "name has 1 to 255"),
        ({"name": "default"}, "not a built-in one's"),
        ({"name": "n" * 256}, "name has 1 to 255"),
        ({"text": "t" * 201}, "at most 200 characters"),
        ({"logo": None}, "custom_logo needs a logo"),
        ({"logo": None, "text": "t", "brand_type": BrandType.BOTH_FRENCH}, "both_french needs a logo"),
        ({"brand_type": BrandType.FIP_ENGLISH}, "fip_english has neither logo nor text"),
        ({"brand_type": BrandType.NO_BRANDING, "logo": None, "text": "t"}, "no_branding has neither"),
        ({"colour": "red"}, "written as #rrggbb"),
        ({"colour": "#12345"}, "written as #rrggbb"),
        ({"colour": "#777777", "brand_type": BAND}, "has a contrast of 4.48:1; take a darker colour"),
        ({"colour": "#ffff00", "brand_type": BAND}, "has a contrast of 1.07:1"),
    ],
)
def test_unusable_fields_are_refused_and_the_reason_said(changes, reason):
    with pytest.raises(VariantError, match=reason):
        checked(**FIELDS | changes)


def test_colour_matters_only_behind_white_text():
    assert checked(**FIELDS | {"colour": "#FFFF00"})["colour"] == "#ffff00"
    assert checked(**FIELDS | {"colour": "#767676", "brand_type": BAND})["colour"] == "#767676"


def test_text_stands_in_for_a_logo():
    assert checked(**FIELDS | {"logo": None, "text": " Parks\tAgency "})["text"] == "Parks Agency"


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#0000ff", "#0000ff", 1)]
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert round(contrast(one, other), 2) == round(contrast(other, one), 2) == ratio


@pytest.mark.parametrize(
    ("variant", "language", "signature", "languages"),
    [
        ("default", "en", "en fr", "en"),
        ("default", "fr", "fr en", "fr"),
        ("default", "both", "en fr", "en fr"),
        ("fip_english", "fr", "en fr", "fr"),
        ("fip_french", "en", "fr en", "en"),
        ("fip_french", "both", "fr en", "fr en"),
    ],
)
def test_order_of_the_signature_is_the_variant_s_else_the_language_s(variant, language, signature, languages):
    found = BUILT_IN[variant]
    assert found.signature(Language(language)) == tuple(signature.split())
    assert found.languages(Language(language)) == tuple(languages.split())


def test_logo_without_words_of_its_own_says_the_name():
    variant = Variant("x", 1, None, "Parks", BrandType.CUSTOM_LOGO, alt_text_fr="Parcs")
    assert [variant.alt_text(code) for code in ("en", "fr")] == ["Parcs", "Parcs"]
    assert BUILT_IN["none"].alt_text("fr") == "none"
