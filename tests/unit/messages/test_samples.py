"""Sample values: by a placeholder's name, in the reader's language, and never somebody's."""

import pytest

from messages.message import Language
from messages.samples import samples


@pytest.mark.parametrize(
    ("name", "english", "french"),
    [
        ("name", "Alex Tremblay", "Alex Tremblay"),
        ("First name", "Alex", "Alex"),
        ("prénom", "Alex", "Alex"),
        ("application date", "March 31, 2027", "31 mars 2027"),
        ("Montant", "$125.00", "125,00\u00a0$"),
        ("e-mail address", "alex.tremblay@example.ca", "alex.tremblay@example.ca"),
        ("numéro de dossier", "A-123456", "A-123456"),
        ("whatsoever", "whatsoever", "whatsoever"),
    ],
)
def test_a_value_is_made_of_the_name(name: str, english: str, french: str) -> None:
    assert samples([name], Language.EN) == {name: english}
    assert samples([name], Language.FR) == {name: french}


def test_optional_texts_are_shown() -> None:
    assert samples(["late", "name"], Language.EN, ["late"]) == {"late": "yes", "name": "Alex Tremblay"}
    assert samples(["late"], Language.FR, ["Late"]) == {"late": "oui"}
