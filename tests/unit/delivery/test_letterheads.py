"""How brandings look, and whose artwork they show."""

import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from config.settings import SettingsError
from delivery.letterheads import MAX_ENTRIES, Letterheads
from messages.message import Language
from messages.picture import MAX_OCTETS, Picture
from messages.variant import BUILT_IN, BrandType, Variant
from tests.fakes.pictures import gif, png

LOGO = Picture.parse(gif(600, 200))


def custom(kind: BrandType, **values: object) -> Variant:
    return Variant(uuid4(), 1, None, 'Parks "&"', kind, **values)  # type: ignore[arg-type]


def test_artwork_of_the_operator_stands_in_and_the_old_one_is_still_served(tmp_path: Path) -> None:
    (tmp_path / "wordmark.png").write_bytes(png(246, 110))
    (tmp_path / "README.txt").write_text("not shown")
    (tmp_path / "._wordmark.png").write_bytes(b"what macOS puts beside a file")
    own, theirs = Letterheads(), Letterheads(tmp_path)
    replaced = Picture.parse(png(246, 110))
    footers = [heads.render(BUILT_IN["default"], "s", Language.EN).footer_html for heads in (own, theirs)]
    assert [replaced.name in footer for footer in footers] == [False, True]
    assert theirs.pictures == own.pictures | {replaced.name: replaced}
    assert (own.replaced, theirs.replaced) == ([], ["wordmark.png"])


@pytest.mark.parametrize(("octets", "reason"), [(b"<svg/>", "a PNG"), (gif(1, 1).ljust(MAX_OCTETS + 1), "at most")])
def test_artwork_that_cannot_be_shown_is_said_with_its_file(tmp_path: Path, octets: bytes, reason: str) -> None:
    (tmp_path / "wordmark.png").write_bytes(octets)
    with pytest.raises(SettingsError, match=rf"NOTIFY_RELAY_BRANDING__DIR, wordmark.png: .*{reason}"):
        Letterheads(tmp_path)


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NOTIFY_RELAY_BRANDING__DIR cannot be read: No such file"):
        Letterheads(tmp_path / "none")


def test_pictures_are_links_or_travel_with_the_message() -> None:
    linked = Letterheads(base_url="https://api.example.ca/branding/").render(BUILT_IN["default"], "s", Language.EN)
    carried = Letterheads(base_url=None).render(BUILT_IN["default"], "s", Language.EN)
    assert linked.images == ()
    assert [each.name for each in carried.images] == re.findall(
        r'src="https://api.example.ca/branding/([^"]*)"', linked.header_html + linked.footer_html
    )
    assert re.findall(r'src="cid:(\w+\.png)@message"', carried.header_html + carried.footer_html) == [
        each.name for each in carried.images
    ]


@pytest.mark.parametrize(
    ("variant", "size"),
    [
        (custom(BrandType.CUSTOM_LOGO, logo=LOGO), (280, 93)),
        (custom(BrandType.CUSTOM_LOGO, logo=LOGO, text="t"), (81, 27)),
        (custom(BrandType.CUSTOM_LOGO_WITH_BACKGROUND_COLOUR, logo=LOGO), (162, 54)),
        (custom(BrandType.BOTH_ENGLISH, logo=Picture.parse(gif(100, 100))), (108, 108)),
    ],
)
def test_logo_has_the_height_of_its_kind_and_fits_a_narrow_window(variant: Variant, size: tuple[int, int]) -> None:
    header = Letterheads().render(variant, "s", Language.EN).header_html
    assert f'alt="Parks &#34;&amp;&#34;" lang="en" width="{size[0]}" height="{size[1]}" border="0"' in header


def test_every_table_is_layout_and_every_picture_has_words_and_a_size() -> None:
    heads = Letterheads()
    variants = [*BUILT_IN.values(), custom(BrandType.BOTH_FRENCH, logo=LOGO), custom(BrandType.CUSTOM_LOGO, text="t")]
    for rendered in (heads.render(variant, "s" * 128, language) for variant in variants for language in Language):
        markup = rendered.header_html + rendered.footer_html
        assert all('role="presentation"' in tag for tag in re.findall(r"<table[^>]*>", markup))
        assert all(
            re.search(r' alt="[^"]+" lang="..".* width="\d+" height="\d+"', tag)
            for tag in re.findall(r"<img[^>]*>", markup)
        )
        lines = "\r\n".join((markup, rendered.footer_text)).split("\r\n")
        assert max(map(len, lines)) <= 900
        assert not any(line.startswith("-- ") for line in lines)


def test_government_of_canada_is_named_by_its_own_brandings_only() -> None:
    rendered = Letterheads().render(custom(BrandType.CUSTOM_LOGO, logo=LOGO), "Passports", Language.BOTH)
    assert "Canada" not in rendered.header_html + rendered.footer_html + rendered.footer_text
    assert "Sent by Passports.</div>" in rendered.footer_html
    assert rendered.footer_text.endswith("Sent by Passports\r\nEnvoyé par Passports")


@pytest.mark.parametrize("base_url", ["https://api.example.ca/branding/", None])
def test_brandings_of_many_services_take_little_memory(base_url: str | None) -> None:
    """Each reading of a branding has its logo anew, which may have 100 KB, and its base64 with it."""
    heads = Letterheads(base_url=base_url)
    octets = png(300, 100).ljust(MAX_OCTETS)
    tracemalloc.start()
    for number in range(MAX_ENTRIES + 100):
        logo = Picture.parse(octets[:-4] + number.to_bytes(4, "big"))
        branding = heads.render(custom(BrandType.BOTH_ENGLISH, logo=logo), f"Service {number}", Language.BOTH)
        assert (logo in branding.images) is (base_url is None)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20_000 * MAX_ENTRIES


def test_new_version_is_shown_at_once() -> None:
    heads, first = Letterheads(), custom(BrandType.CUSTOM_LOGO, text="one")
    for version in (1, 2):
        shown = heads.render(replace(first, version=version, text=f"text {version}"), "s", Language.EN)
        assert f"text {version}" in shown.header_html
