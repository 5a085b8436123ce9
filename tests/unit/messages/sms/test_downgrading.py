import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.sms.alphabet import Encoding, encoding_of
from messages.sms.downgrading import REPLACEMENTS, Change, downgraded
from messages.sms.parts import size


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("L’école est à 5 min – merci…", "L'école est à 5 min - merci..."),
        ("Répondez « OUI » ou «\u00a0NON\u00a0»\u202f!", 'Répondez "OUI" ou "NON" !'),
        ("“Yes” or ‘no’ — now", "\"Yes\" or 'no' - now"),
        ("14\u00a0h\u202f30\u2009s", "14 h 30 s"),
        ("l`eau, l\u00b4eau, d\u02bcune", "l'eau, l'eau, d'une"),
        ("2\u1d49 étage, 1\u1d49\u02b3", "2e étage, 1er"),
        ("con\ufb01rmé", "confirmé"),
        ("rendez\u2011vous", "rendez-vous"),
    ],
)
def test_typography_is_written_in_gsm(text, plain):
    changed = downgraded(text)
    assert changed.text == plain
    assert changed.changes
    assert size(changed.text).encoding is Encoding.GSM


@pytest.mark.parametrize(
    "text",
    [
        "Plain text at 5 €",
        "Prêt… l’août",  # ê and û stay, so nothing would be gained
        "reçu",
        "20 °C – ½",
        "ᐃᓄᒃᑎᑐᑦ – ᓄᓇᕗᑦ",
        "tānisi’s",
        "👍 c’est fait",
        "cœur",
    ],
)
def test_text_that_stays_in_its_alphabet_is_left_as_written(text):
    changed = downgraded(text)
    assert changed.text == text
    assert changed.changes == ()


def test_changes_are_told_once_each():
    assert downgraded("l’eau, l’air… « oui »").changes == (
        Change("’", "'", 2),
        Change("…", "...", 1),
        Change("« ", '"', 1),
        Change(" »", '"', 1),
    )


def test_only_what_gsm_lacks_is_replaced_and_by_what_it_has():
    for old, new in REPLACEMENTS.items():
        assert encoding_of(old) is Encoding.UCS2, ascii(old)
        assert encoding_of(new) is Encoding.GSM, ascii(old)


@given(st.text(alphabet=[*REPLACEMENTS, "a", "é", "€", " ", "ê", "😀"]))
def test_downgrade_never_takes_more_parts(text):
    changed = downgraded(text)
    assert size(changed.text).parts <= size(text).parts
    assert bool(changed.changes) == (changed.text != text)
    assert downgraded(changed.text).text == changed.text
