import pytest

from messages.text import Text, TextError, to_ascii

FRENCH = {"{who} waits: {reason}": "{who} attend : {reason}", "too late": "trop tard"}


def french(source: str) -> str:
    return FRENCH.get(source, source)


def test_text_within_a_text_is_translated_with_it() -> None:
    text = Text("{who} waits: {reason}", {"who": "Ann", "reason": Text("too late")})

    assert text.render(french) == "Ann attend : trop tard"
    assert str(text) == "Ann waits: too late"


def test_value_is_neither_translated_nor_formatted_again() -> None:
    assert Text("{who} waits: {reason}", {"who": "too late", "reason": "{who}"}).render(french) == (
        "too late attend : {who}"
    )


def test_error_is_its_english_sentence_and_keeps_its_text() -> None:
    error = TextError("{who} waits: {reason}", who="Ann", reason=Text("too late"))

    assert str(error) == "Ann waits: too late"
    assert error.text.render(french) == "Ann attend : trop tard"


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("plain", "plain"),
        ("déjà reçu à l'hôte", "deja recu a l'hote"),
        ("cœur, ŒUVRE", "coeur, OEUVRE"),
        ("« clé »\u00a0: l\u2019été…", '" cle " : l\'ete...'),
        ("☃", "?"),
    ],
)
def test_ascii_loses_accents_only(text: str, ascii_text: str) -> None:
    assert to_ascii(text) == ascii_text
