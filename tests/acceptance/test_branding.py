"""What branded mail looks like to people who see little or nothing: WCAG 2.2 AA, as EN 301 549 asks of documents.

Every branding where CI runs the whole set, else one of each kind, in every language and by every door: in one run of
Debian's Chromium (tests/harness/branded.py).
"""

import fcntl
import json
import os
from typing import Any

import pytest

from messages.message import Language
from messages.variant import BUILT_IN, BrandType
from tests.conftest import skip_or_fail
from tests.harness import branded
from tests.harness.branded import Letter
from tests.harness.sampled import IS_WHOLE, sampled

NONE = "none"
LETTERS = list(branded.letters())
SAMPLE = {"custom_logo-text"}
SEEN = LETTERS if IS_WHOLE else [each for each in LETTERS if each.variant in SAMPLE]
BAD = Letter(
    "bad",
    Language.EN,
    "wrapped",
    """<!DOCTYPE html><html lang="en"><title>t</title><body style="color:#999999"><img src="data:," width="900">
    <p style="width:700px;font-size:16px;line-height:20px">
    faint, wide, and too close when it is large</p></body></html>""",
)


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if problem := branded.missing():
        skip_or_fail(f"BRANDINGS NOT LOOKED AT: {problem}")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return branded.look_at([*SEEN, BAD])
    kept = tmp_path_factory.getbasetemp().parent / f"brandings-{run}.json"
    with kept.open("a+") as file:  # one process of the run looks, the others wait for it
        fcntl.flock(file, fcntl.LOCK_EX)
        if not kept.stat().st_size:
            kept.write_text(json.dumps(branded.look_at([*SEEN, BAD])))
        found: dict[str, Any] = json.loads(kept.read_text())
    return found


def test_every_variant_language_and_door_is_looked_at() -> None:
    kinds = {variant.brand_type for variant in branded.variants().values()}
    assert kinds == {None, *BrandType}
    assert set(BUILT_IN) <= set(branded.variants())
    branded_ones = {(each.variant, each.language, each.door) for each in LETTERS if each.variant != NONE}
    assert len(branded_ones) == (len(branded.variants()) - 1) * len(Language) * len(branded.DOORS)


def test_axe_finds_nothing(reports: dict[str, Any]) -> None:
    assert {each.name: found for each in SEEN if (found := reports[each.name]["axe"])} == {}


@pytest.mark.parametrize("state", ["narrow", "large", "dark"])
def test_nothing_is_clipped_or_faint(state: str, reports: dict[str, Any]) -> None:
    """At 320 pixels, with text of 200 %, and where dark mode is forced upon it."""
    found = {each.name: reports[each.name][state] for each in SEEN}
    assert {name: each for name, each in found.items() if each["clipped"] or each["faint"]} == {}
    assert all(each["lowest"] > 1 for each in found.values())


def test_a_bad_letter_is_found_out(reports: dict[str, Any]) -> None:
    """What is asked of the others can be failed."""
    report = reports[BAD.name]
    assert {each.partition(":")[0] for each in report["axe"]} >= {"image-alt", "color-contrast"}
    assert "the page scrolls sideways" in report["narrow"]["clipped"]
    assert len(report["narrow"]["faint"]) == 1
    assert any(each.startswith("lines overlap: faint") for each in report["large"]["clipped"])


VARIANTS = list(branded.variants())
BRANDED = [each for each in LETTERS if each.variant != NONE]


@pytest.mark.parametrize("variant", sampled(VARIANTS, lambda at: VARIANTS[at] in SAMPLE))
def test_accessibility_tree_is_the_golden_one(variant: str, reports: dict[str, Any]) -> None:
    """`make branding` writes the file anew; read it before it is committed."""
    assert branded.trees(variant, LETTERS, reports) == branded.golden(variant).read_text()


@pytest.mark.parametrize(
    "letter", sampled(BRANDED, lambda at: BRANDED[at].variant in SAMPLE), ids=lambda each: each.name
)
def test_screen_readers_hear_the_marks_the_content_and_the_footer_in_this_order(
    letter: Letter, reports: dict[str, Any]
) -> None:
    tree = reports[letter.name]["tree"]
    first = (
        "fr" if letter.language is Language.FR or (letter.language == "both" and "french" in letter.variant) else "en"
    )
    sender = tree.index(f'StaticText "{branded.SERVICES[letter.language]}" [{first}]')
    content = next(at for at, line in enumerate(tree) if line.startswith(("heading", "paragraph")))
    footer = max(at for at, line in enumerate(tree) if '"Sent by' in line or '"Envoyé par' in line)
    assert sender < content < footer
    marks = {"en": "Government of Canada", "fr": "Gouvernement du Canada"}
    if letter.variant.startswith(("default", "fip_", "both_")):
        names = {f'StaticText "{marks[code]}" [{code}]' for code in marks}
        assert names <= set(tree[content:footer])
        if letter.variant.endswith(branded.ARTWORK):
            assert tree[0] == tree[-1] == f'image "{marks[first]}" [{first}]'
        else:
            assert names <= set(tree[:sender])
            assert not any("image" in line and "Canada" in line for line in tree)
    assert {line[line.rindex("[") :] for line in tree if "image" in line} <= {f"[{first}]"}
