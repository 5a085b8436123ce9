from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.sms.alphabet import EXTENSION, Encoding
from messages.sms.parts import Cost, LengthError, Sign, check_characters, check_units, cost, size, split

PIECES = st.sampled_from(["a", "é", "\n", " ", "€", "[", "^", "ê", "ᐃ", "’", "😀", "\U0001f1e8", "\u200d", "\u0301"])
OF_GSM = st.sampled_from(["a", "é", "\n", " ", "€", "[", "^"])


def runs(pieces: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts long enough to have many parts, with pairs at all places."""
    run = st.tuples(pieces, st.integers(1, 160)).map(lambda each: each[0] * each[1])
    return st.lists(run, max_size=12).map("".join)


def units(text: str, encoding: Encoding) -> list[str]:
    """What must stay together, one string a character: as many letters as units."""
    if encoding is Encoding.GSM:
        return ["ee" if each in EXTENSION else "x" for each in text]
    return ["hl" if each > "\uffff" else "x" for each in text]


def fewest(text: str, encoding: Encoding) -> int:
    """The fewest parts that any way of cutting has, by looking at all of them: best[i] is that of the first i."""
    lengths = [len(each) for each in units(text, encoding)]
    if sum(lengths) <= encoding.alone:
        return 1
    best = [0] + [len(lengths)] * len(lengths)
    for end in range(1, len(lengths) + 1):
        room = encoding.joined
        for begin in range(end - 1, -1, -1):
            room -= lengths[begin]
            if room < 0:
                break
            best[end] = min(best[end], best[begin] + 1)
    return best[-1]


@given(runs(PIECES) | runs(OF_GSM))
def test_parts_are_the_text_and_none_holds_more_than_it_may(text):
    measured, parts = size(text), split(text)
    assert "".join(parts) == text
    assert len(parts) == measured.parts
    assert sum(map(len, units(text, measured.encoding))) == measured.units
    most = measured.encoding.alone if len(parts) == 1 else measured.encoding.joined
    for part in parts:
        assert sum(map(len, units(part, measured.encoding))) <= most
        assert not part or not ("\ud800" <= part[0] <= "\udfff" or "\ud800" <= part[-1] <= "\udfff")


@given(runs(PIECES) | runs(OF_GSM))
def test_no_way_of_cutting_takes_fewer_parts(text):
    measured = size(text)
    assert measured.parts == fewest(text, measured.encoding)


@given(runs(PIECES) | runs(OF_GSM))
def test_each_part_is_as_full_as_the_next_character_allows(text):
    measured, parts = size(text), split(text)
    for part, following in pairwise(parts):
        filled = sum(map(len, units(part, measured.encoding)))
        assert filled + len(units(following[0], measured.encoding)[0]) > measured.encoding.joined


@given(st.text())
def test_any_text_has_parts(text):
    assert len(split(text)) == size(text).parts


def test_cost_names_the_character_its_place_and_both_prices():
    text = "a" * 100 + "’" + "b" * 20
    assert cost(text) == Cost((Sign("’", 101, 1),), parts=2, parts_without=1)


def test_text_of_gsm_has_no_such_cost():
    assert cost("Votre demande a été reçue".replace("ç", "c")) is None


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("ça et ça", (Sign("ç", 1, 2),)),
        ("prêt, reçu", (Sign("ê", 3, 1), Sign("ç", 9, 1))),
        ("hi \U0001f468\u200d\U0001f469\u200d\U0001f467!", (Sign("\U0001f468\u200d\U0001f469\u200d\U0001f467", 4, 1),)),
        ("\U0001f1e8\U0001f1e6\U0001f1e8\U0001f1e6", (Sign("\U0001f1e8\U0001f1e6", 1, 2),)),
        ("ok \U0001f44d\U0001f3fd", (Sign("\U0001f44d\U0001f3fd", 4, 1),)),
        ("tap 1\ufe0f\u20e3", (Sign("1\ufe0f\u20e3", 5, 1),)),
        ("q\u0301", (Sign("q\u0301", 1, 1),)),
    ],
)
def test_signs_are_named_as_they_are_shown(text, signs):
    found = cost(text)
    assert found is not None
    assert found.signs == signs


def test_text_in_another_script_does_not_list_all_of_it():
    found = cost("".join(map(chr, range(0x1401, 0x1501))))
    assert found is not None
    assert len(found.signs) == 10
    assert found.parts_without == 1


def test_template_text_has_612_characters():
    check_characters("a" * 612)
    check_characters("ê" * 612)
    with pytest.raises(LengthError) as told:
        check_characters("a" * 615)
    assert told.value.excess == 3
    assert str(told.value) == "a text message has at most 612 characters; this one has 615, 3 too many"


@pytest.mark.parametrize(
    ("text", "excess"),
    [("a" * 1530, 0), ("a" * 1531, 1), ("€" * 765, 0), ("€" * 770, 10), ("ê" * 630, 0), ("ê" * 633, 3),
     ("😀" * 315, 0), ("😀" * 316, 2)],
)  # fmt: skip
def test_aws_takes_1530_septets_or_630_units(text, excess):
    if not excess:
        check_units(text)
        return
    with pytest.raises(LengthError) as told:
        check_units(text)
    assert told.value.excess == excess
    assert f"{excess} too many" in str(told.value)
