import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.sms.alphabet import Encoding, encoding_of
from messages.sms.cleaning import cleaned, prefixed


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  hello \r\n world \r", "hello\nworld"),
        ("one\r\n\r\n\r\n\r\ntwo", "one\n\ntwo"),
        ("one\u2028two\u2029three\x85four\vfive\fsix", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("a\tb", "a b"),
        ("Hello , world . Bye", "Hello, world. Bye"),
        ("costs .50", "costs .50"),
        ("bell\x07 escape\x1b nul\0 del\x7f", "bell escape nul del"),
        ("soft\u00adhyphen, zero\u200bwidth\ufeff", "softhyphen, zerowidth"),
        ("half \ud83d", "half"),
        ("e\u0301te\u0301", "été"),
        ("c\u0327a", "ça"),
        ("\u2126", "Ω"),
        ("a\u00a0b", "a\u00a0b"),  # the downgrade's to change
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("ᐃᓄᒃᑎᑐᑦ ł ŵ Привет", "ᐃᓄᒃᑎᑐᑦ ł ŵ Привет"),  # no ? for what is outside an alphabet
        (" \n\t ", ""),
        ("\u200b", ""),
    ],
)
def test_text_is_cleaned(text, clean):
    assert cleaned(text) == clean


@given(st.text())
def test_clean_text_can_be_sent_and_stays_as_it_is(text):
    once = cleaned(text)
    once.encode()
    assert cleaned(once) == once


@given(st.text(alphabet="aé \n'€"))
def test_cleaning_puts_no_text_in_ucs2(text):
    assert encoding_of(cleaned(text)) is Encoding.GSM


def test_long_runs_take_time_in_proportion():
    for run in (" ", "\n", "\t", " \n", "\r", " ,", "e\u0301"):
        cleaned(run * 100_000 + "x")


def test_prefix_names_the_sender():
    assert prefixed("Your file is ready", "Passport Office") == "Passport Office: Your file is ready"
    assert prefixed("Your file is ready", "") == "Your file is ready"
