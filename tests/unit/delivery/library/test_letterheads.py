"""How brandings look, and whose artwork they show."""

import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError

from config.settings import Branding as Settings
from config.settings import SettingsError
from delivery.library import letterheads
from delivery.library.letterheads import MAX_ENTRIES, Letterheads
from messages.message import Language
from messages.picture import MAX_OCTETS, Picture
from messages.variant import BUILT_IN, BrandType, Variant
from tests.fakes.pictures import gif, png
from tests.harness.sampled import sampled

LOGO = Picture.parse(gif(600, 200))
ARTWORK = Path(__file__).parents[3] / "data/branding/artwork"


def custom(kind: BrandType, **values: object) -> Variant:
    return Variant(uuid4(), 1, None, 'Parks "&"', kind, **values)  # type: ignore[arg-type]


SIGNED = [variant for variant in BUILT_IN.values() if variant.signed]


def test_package_has_no_picture_and_says_the_government_in_words() -> None:
    heads = Letterheads(base_url=None)
    assert heads.pictures == {}
    assert heads.missing == ["signature-en.png", "signature-fr.png", "wordmark.png"]
    for variant in SIGNED:
        for language in Language:
            rendered = heads.render(variant, "s", language)
            assert rendered.images == ()
            for block in (rendered.header_html, rendered.footer_html):
                assert "<img" not in block
                names = re.findall(r'<span lang="(..)"[^>]*>([^<]+)</span>', block)
                order = variant.signature(language)
                marks = {"en": "Government of Canada", "fr": "Gouvernement du Canada"}
                assert names == [(code, marks[code]) for code in order]


@pytest.mark.parametrize("file", ["signature-en.png", "signature-fr.png", "wordmark.png"])
def test_each_picture_of_the_operator_is_shown_alone(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(png(246, 110))
    (tmp_path / "README.txt").write_text("not shown")
    (tmp_path / "kept for old mail.png").write_bytes(png(10, 10))
    (tmp_path / "._wordmark.png").write_bytes(b"what macOS puts beside a file")
    heads = Letterheads(tmp_path, base_url=None)
    picture = Picture.parse(png(246, 110))
    assert heads.pictures.keys() == {picture.name, Picture.parse(png(10, 10)).name}
    assert file not in heads.missing
    assert len(heads.missing) == 2
    for variant, shown in (("fip_english", "signature-fr.png"), ("fip_french", "signature-en.png")):
        rendered = heads.render(BUILT_IN[variant], "s", Language.EN)
        assert rendered.images == (() if file == shown else (picture,))
        where = rendered.footer_html if file == "wordmark.png" else rendered.header_html
        assert (picture.name in where) is (file != shown)
        assert ("<span lang" in rendered.header_html) is (picture.name not in rendered.header_html)


@pytest.mark.parametrize(
    ("names", "english", "french"),
    [
        ("Nunavut", "Nunavut", "Nunavut"),
        (
            " City of  A & B /Ville de <A>",
            "City of A &amp; B /, Ville de &lt;A&gt;",
            "Ville de &lt;A&gt; /, City of A &amp; B",
        ),
    ],
)
def test_another_government_changes_the_words_by_one_setting(names: str, english: str, french: str) -> None:
    heads = Letterheads(names=Settings(government=names).names)
    for variant, shown in (("fip_english", english), ("fip_french", french)):
        rendered = heads.render(BUILT_IN[variant], "s", Language.BOTH)
        for block in (rendered.header_html, rendered.footer_html):
            (spans,) = re.findall(r"font-weight:bold;\">(<span.*?</span>)</(?:td|div)>", block)
            assert ", ".join(re.sub("<[^>]+>", "", each) for each in re.split("(?<=/span>) (?=<span)", spans)) == shown
        assert "Canada" not in rendered.header_html + rendered.footer_html + rendered.footer_text
    assert rendered.footer_text.split("\r\n")[1] == (
        "Nunavut" if names == "Nunavut" else "Ville de <A> / City of A & B"
    )


@pytest.mark.parametrize("names", ["", " / ", "a / b / c", "a/", "x" * 101])
def test_government_without_a_name_is_refused(names: str) -> None:
    with pytest.raises(ValidationError, match="write its name in English / in French"):
        Settings(government=names)


@pytest.mark.parametrize(("octets", "reason"), [(b"<svg/>", "a PNG"), (gif(1, 1).ljust(MAX_OCTETS + 1), "at most")])
def test_artwork_that_cannot_be_shown_is_said_with_its_file(tmp_path: Path, octets: bytes, reason: str) -> None:
    (tmp_path / "wordmark.png").write_bytes(octets)
    with pytest.raises(SettingsError, match=rf"NOTIFY_RELAY_BRANDING__DIR, wordmark.png: .*{reason}"):
        Letterheads(tmp_path)


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NOTIFY_RELAY_BRANDING__DIR cannot be read: No such file"):
        Letterheads(tmp_path / "none")


def test_pictures_are_links_or_travel_with_the_message() -> None:
    linked = Letterheads(ARTWORK, base_url="https://api.example.ca/branding/").render(
        BUILT_IN["default"], "s", Language.EN
    )
    carried = Letterheads(ARTWORK, base_url=None).render(BUILT_IN["default"], "s", Language.EN)
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
    heads = Letterheads(names={"en": "g" * 100, "fr": "h" * 100}), Letterheads(ARTWORK)
    variants = [*BUILT_IN.values(), custom(BrandType.BOTH_FRENCH, logo=LOGO), custom(BrandType.CUSTOM_LOGO, text="t")]
    every = ((each, variant, language) for each in heads for variant in variants for language in Language)
    for rendered in (each.render(variant, "s" * 128, language) for each, variant, language in every):
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


@pytest.mark.parametrize("base_url", sampled(["https://api.example.ca/branding/", None], lambda at: at == 1))
def test_brandings_of_many_services_take_little_memory(base_url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reading of a branding has its logo anew, which may have 100 KB, and its base64 with it."""
    entries = MAX_ENTRIES // 8  # the bar is for each
    monkeypatch.setattr(letterheads, "MAX_ENTRIES", entries)
    heads = Letterheads(base_url=base_url)
    octets = png(300, 100).ljust(MAX_OCTETS)
    tracemalloc.start()
    for number in range(entries + 100):
        logo = Picture.parse(octets[:-4] + number.to_bytes(4, "big"))
        branding = heads.render(custom(BrandType.BOTH_ENGLISH, logo=logo), f"Service {number}", Language.BOTH)
        assert (logo in branding.images) is (base_url is None)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20_000 * entries


def test_new_version_is_shown_at_once() -> None:
    heads, first = Letterheads(), custom(BrandType.CUSTOM_LOGO, text="one")
    for version in (1, 2):
        shown = heads.render(replace(first, version=version, text=f"text {version}"), "s", Language.EN)
        assert f"text {version}" in shown.header_html


def test_rules_of_a_letter_for_span_and_div_reach_no_words_of_ours() -> None:
    """What a product's style sheet says of all of a kind would make them small or faint."""
    rendered = Letterheads().render(BUILT_IN["default"], "s", Language.BOTH)
    inline = re.findall(r"<(?:span|div)\b[^>]*>(?=[^<\s])", rendered.header_html + rendered.footer_html)
    assert len(inline) == 6
    assert [each for each in inline if "font-size:" not in each or "color:" not in each] == []
