import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.message import Channel
from messages.template import (
    MAX_FILLED_LINES,
    MAX_FILLED_OCTETS,
    Template,
    TooLong,
    fill_body,
    fill_subject,
    missing,
)
from messages.values import sanitised_content
from tests.harness.sampled import sampled

SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=40)
VALUES = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
TEXTS = st.lists(
    st.sampled_from(["((", "))", "(", "((a))", "((b??", "[", "](", ")", "??", "x", "\n", " ", "\0", "\ud800"])
    | st.text(max_size=4),
    max_size=30,
).map("".join)


def template(body: str = "", subject: str | None = "s") -> Template:
    return Template(UUID(int=1), 1, UUID(int=2), Channel.EMAIL, "Letter", subject, body, False, False, 0.0, None)


def body(text: str, *sanitised: str, **personalisation: object) -> str:
    return fill_body(template(text), personalisation, sanitised)


def subject(text: str, *sanitised: str, **personalisation: object) -> str:
    return fill_subject(template(subject=text), personalisation, sanitised)


def test_placeholders_come_in_order_once_and_as_first_written():
    text = "((First name)) ((b)) ((first_name)) ((FIRST-NAME??yes)) (((c))) ((two\nlines))"
    assert template(text).placeholders == ("First name", "b", "c", "two\nlines")
    assert template("((b)) ((a))", "((a))").placeholders == ("a", "b")


@pytest.mark.parametrize("text", ["(())", "(( ))", "((_-))", "((??text))", "((open", "(( (", "()", "))(("])
def test_what_names_nothing_is_text(text):
    assert template(text).placeholders == ()
    assert body(text) == text


@pytest.mark.parametrize("key", ["name", "NAME", "na me", "n_a-m e", " Name "])
def test_names_are_compared_without_case_and_separators(key):
    assert fill_body(template("Hello ((Na_me))."), {key: "Anne"}) == "Hello Anne."


def test_names_with_accents_are_the_same_in_both_unicode_forms():
    assert fill_body(template("((pre\u0301nom))"), {"pr\u00e9nom": "Zo\u00e9"}) == "Zo\u00e9"


@pytest.mark.parametrize(
    "value", ["yes", "Y", "TRUE", "t", "1", 1, True, "include", "show", "oui", "Vrai", "inclure", "afficher"]
)
def test_conditional_text_is_kept_for_words_that_mean_yes(value):
    assert body("a((x??b??c))d", x=value) == "ab??cd"


@pytest.mark.parametrize("value", ["no", "", "non", 0, False, "2", "anything"])
def test_conditional_text_goes_for_anything_else(value):
    assert body("a((x??b))c", x=value) == "ac"


def test_conditional_may_hold_a_link():
    assert body("((x??see [here](https://a.ca/)))", x="yes") == "see [here](https://a.ca/)"


def test_lists_become_bullets_in_the_body_and_a_sentence_in_the_subject():
    assert body("You need:((list))", list=["a", " ", "b\n\n# c", 3]) == "You need:\n\n* a\n* b # c\n* 3"
    assert subject("You need ((list))", list=["a", "b", "c"]) == "You need a, b and c"
    assert subject("You need ((list))", list=["a"]) == "You need a"


@pytest.mark.parametrize(("value", "text"), [(7, "7"), (7.5, "7.5"), (0, "0"), ("", ""), (True, "True")])
def test_numbers_and_empty_text_are_values(value, text):
    assert missing(template("((x))"), {"x": value}) == ()
    assert body("((x))", x=value) == text


@pytest.mark.parametrize("value", [None, [], [" ", ""], [None], {"file": "aGk="}])
def test_null_empty_lists_and_objects_are_missing(value):
    assert missing(template("((X y)) ((z))"), {"x_y": value, "z": 1, "unused": 2}) == ("X y",)
    assert body("((x))", x=value) == "((x))"


def test_third_bracket_is_a_character():
    assert body("(((x)))", x=1) == "(1)"


def test_values_are_not_read_for_placeholders():
    assert body("((a))((b))", a="((b))", b="((a))") == "((b))((a))"


def test_subject_is_one_line_with_typographic_quotes():
    text = 'It\'s "here" - ((x)) ,  now'
    assert subject(text, x="a\r\nBcc: b@c.ca\u2028d\0") == "It\u2019s \u201chere\u201d \u2013 a Bcc: b@c.cad, now"
    assert subject("from o'neil@x.ca") == "from o'neil@x.ca"
    assert len(subject("((x))", x="a" * 5000)) == 998


def test_value_does_not_end_the_address_of_a_link():
    filled = body("[pay](((url))) [x](https://a.ca/?q=((q))&b)", url=" https://a.ca/(1) <b>", q="1) [e](https://e.ca")
    assert filled == "[pay](https://a.ca/%281%29%20%3Cb%3E) [x](https://a.ca/?q=1%29%20[e]%28https://e.ca&b)"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("[a](https://a.ca/?a=(b)&c=((x)))", "[a](https://a.ca/?a=(b)&c=1%29%3E%20[e]%28https://e.ca)"),
        ("[a](https://a.ca/(((x))))", "[a](https://a.ca/(1%29%3E%20[e]%28https://e.ca))"),
        ("[a]( ((x)))", "[a]( 1%29%3E%20[e]%28https://e.ca)"),
        ("[a](<https://a.ca/b c/((x))>)", "[a](<https://a.ca/b c/1%29%3E%20[e]%28https://e.ca>)"),
    ],
)
def test_value_does_not_end_the_address_of_a_link_however_it_is_written(text, filled):
    assert body(text, x="1)> [e](https://e.ca") == filled


def test_value_does_not_end_the_text_of_a_link():
    assert body("[((t))](https://a.ca)", t="a](https://e.ca)\n\n[b") == "[a\\](https://e.ca) \\[b](https://a.ca)"


def test_line_ends_and_control_characters_of_values_are_ordinary():
    assert body("((x))", x="a\r\nb\rc\0\x1b\x85\ud800") == "a\nb\nc"


def test_named_values_are_sanitised_in_the_body():
    assert body("((a)) ((b))", "A", a="**x** [l](https://e.ca/p?q) ^", b="*y*") == "\\*\\*x\\*\\* \\[l\\]\\(\\) \\^ *y*"
    assert body("((a))", "a", a=["*x*", "www.e.ca"]) == "\n\n* \\*x\\*\n* www\\. e\\. ca"


def test_sanitised_values_have_no_backslashes_where_there_is_no_markdown():
    assert subject("((a))", "a", a="Anne-Marie e.ca https://e.ca/x") == "Anne-Marie e. ca"
    assert body("[l](((a)))", "a", a="x_y)") == "[l](x_y%29)"


@pytest.mark.parametrize(
    ("value", "sanitised"),
    [
        ("see example.ca", "see example\\. ca"),
        ("see www.example.ca.", "see www\\. example\\. ca\\."),
        ("see example.ca/path now", "see  now"),
        ("see https://example.ca/x", "see "),
        ("3.50 and 1.2.3", "3\\.50 and 1\\.2\\.3"),
        ("a.b@example.ca", "a\\.b@example\\.ca"),
        ("`*_(){}[]<>#+-!|", "\\`\\*\\_\\(\\)\\{\\}\\[\\]\\<\\>\\#\\+\\-\\!\\|"),
    ],
)
def test_sanitised_content_reports_what_changed(value, sanitised):
    assert sanitised_content({"Na-me": value, "other": "*"}, ["name"]) == {
        "Na-me": {"unsanitised": value, "sanitised": sanitised}
    }


def test_sanitised_content_leaves_out_what_did_not_change():
    assert sanitised_content({"a": "plain", "b": None, "c": ["x", "y"]}, ["a", "b", "c", "absent"]) == {}


def test_one_value_in_many_places_is_refused_before_it_fills_the_memory():
    with pytest.raises(TooLong) as refused:
        body("((x))" * 10_000, x="a" * 50_000)
    assert refused.value.octets == 500_000_000
    assert len(body("((x))", x="a" * MAX_FILLED_OCTETS)) == MAX_FILLED_OCTETS
    with pytest.raises(TooLong):
        body("((x))", x="\u00e9" * (MAX_FILLED_OCTETS // 2 + 1))


def test_a_text_of_very_many_lines_is_refused():
    assert body("x\n" * MAX_FILLED_LINES).count("\n") == MAX_FILLED_LINES
    with pytest.raises(TooLong) as refused:
        body("((x))", x=["item"] * (MAX_FILLED_LINES + 1))
    assert refused.value.lines > MAX_FILLED_LINES


PIECES = ["((", "(())", "((a", "((a))", "((a??", "[", "[((a))](", "](", " ", "'", "a", "a.", "))"]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_text_takes_time_in_proportion(piece):
    text = piece * (300_000 // len(piece))
    started = time.process_time()
    for fill in (body, subject):
        with pytest.raises(TooLong):
            fill(text, a="value")
    # Linear: a third of a second; quadratic: half an hour, or 4 seconds where memory alone is moved.
    assert time.process_time() - started < 2.5


@pytest.mark.parametrize("piece", sampled(PIECES, lambda at: at % 5 == 0))
def test_hostile_value_takes_time_in_proportion(piece):
    value = piece * (270_000 // len(piece))
    started = time.process_time()
    for fill in (body, subject):
        with pytest.raises(TooLong):
            fill("[((v))](((v))) ((v))", "v", v=value)
    assert time.process_time() - started < 6


@given(TEXTS, TEXTS, st.dictionaries(st.sampled_from(["a", "b", "A_"]) | st.text(max_size=4), VALUES, max_size=4))
def test_filling_never_fails_and_makes_one_clean_line_of_a_subject(text, title, personalisation):
    made = template(text, title)
    missing(made, personalisation)
    line = fill_subject(made, personalisation, ["a"])
    filled = fill_body(made, personalisation, ["a"])
    assert line.splitlines() in ([], [line])
    assert line == line.strip()
    filled.encode()
    assert not any(c < " " and c not in "\n\t" for c in filled)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=60))
def test_filled_body_contains_the_value_as_it_was_given(value):
    assert body("a ((x)) b", x=value) == f"a {value} b"


def test_conditions_are_names_that_only_show_a_text() -> None:
    made = template(subject="((late??Late: ))((name))", body="((Late??((days)) days late)) ((vip)) ((vip??thanks))")
    assert made.placeholders == ("late", "name", "days", "vip")
    assert made.conditions == ("late",)
