"""Which official languages a text speaks, and which of its readers would get nothing in theirs."""

import pytest

from messages.message import Language
from messages.speaking import lacking, spoken

EN, FR = Language.EN, Language.FR
ENGLISH = "Dear ((name)),\n\nYour passport is ready. Please bring this letter with you."
FRENCH = "Bonjour ((prénom)),\n\nVotre passeport est prêt. Veuillez apporter cette lettre."


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        (ENGLISH, {EN}),
        (FRENCH, {FR}),
        (f"{ENGLISH}\n\n---\n\n{FRENCH}", {EN, FR}),
        ("[[en]]\nPassport\n[[/en]]\n[[fr]]\nPasseport\n[[/fr]]", {EN, FR}),
        ("[[fr]]\nPasseport\n[[/fr]]", {FR}),
        ("((code))", set()),
        ("Your code: ((code))", {EN}),
        ("Votre code : ((code))", {FR}),
        ("((the and of your)) https://example.ca/the/and", set()),
        (ENGLISH * 10 + " Service de Passeport de la Ville", {EN}),
        ("L\u2019heure d\u2019ouverture", {FR}),
    ],
)
def test_a_text_tells_its_languages(text: str, languages: set[Language]) -> None:
    assert spoken(text) == languages


def test_the_half_that_is_not_there_is_named() -> None:
    assert lacking(ENGLISH, Language.BOTH) == (FR,)
    assert lacking(FRENCH, Language.BOTH) == (EN,)
    assert lacking(ENGLISH, FR) == (FR,)
    assert lacking(f"{ENGLISH}\n{FRENCH}", Language.BOTH) == lacking(ENGLISH, EN) == lacking("((code))", FR) == ()
