"""Values that stand for those of a message while its template is written: made up from the placeholders' names.

Nobody's data is in them: the domain is one that is kept for examples, the telephone number one of those kept for
fiction. Knows nothing of templates.
"""

from collections.abc import Iterable

from messages.message import Language
from messages.values import key_of

YES = {Language.EN: "yes", Language.FR: "oui"}

# By what the name holds, the first that fits: in English, in French.
_BY_NAME: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("email", "courriel", "mail"), "alex.tremblay@example.ca", "alex.tremblay@example.ca"),
    (("url", "link", "lien", "website", "site"), "https://www.example.ca/123", "https://www.example.ca/123"),
    (("phone", "telephone", "téléphone", "cell"), "613-555-0100", "613-555-0100"),
    (("firstname", "prénom", "prenom"), "Alex", "Alex"),
    (("lastname", "surname", "nomdefamille"), "Tremblay", "Tremblay"),
    (("datetime",), "March 31 at 9:00 a.m.", "31 mars à 9 h"),
    (("date", "day", "jour", "deadline", "échéance", "echeance"), "March 31, 2027", "31 mars 2027"),
    (("time", "heure", "hour"), "9:00 a.m.", "9 h"),
    (("month", "mois"), "March", "mars"),
    (("year", "année", "annee"), "2027", "2027"),
    (("amount", "montant", "price", "prix", "fee", "frais", "total"), "$125.00", "125,00\u00a0$"),
    (("code", "pin"), "482913", "482913"),
    (("postal",), "K1A 0B1", "K1A 0B1"),
    (("address", "adresse"), "123 Main Street", "123, rue Principale"),
    (("city", "ville"), "Ottawa", "Ottawa"),
    (("number", "numéro", "numero", "file", "dossier", "reference", "référence", "id"), "A-123456", "A-123456"),
    (("count", "nombre", "quantity"), "3", "3"),
    (("name", "nom"), "Alex Tremblay", "Alex Tremblay"),
)


def samples(names: Iterable[str], language: Language, conditions: Iterable[str] = ()) -> dict[str, str]:
    """A value for each name; for those of optional texts a yes. A name that says nothing stands for itself."""
    optional = {key_of(name) for name in conditions}
    return {name: YES[language] if key_of(name) in optional else _sample(name, language) for name in names}


def _sample(name: str, language: Language) -> str:
    key = key_of(name)
    for words, english, french in _BY_NAME:
        if any(word in key for word in words):
            return french if language is Language.FR else english
    return name
