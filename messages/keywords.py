"""The words by which people who got a text stop the next ones, begin them again, or ask for help.

English and French alike, whatever the language of the text that they answer. A keyword is the whole first line: AWS
looks at how a text begins, Twilio at texts of one word; but "Cancel my appointment on Tuesday" and "Stop by at noon?"
are answers to a service, and whoever wrote them has to get what it sends next. What is no keyword reaches the service
as it is. Knows nothing of who sends or hears.
"""

import re
from enum import StrEnum

from messages.text import to_ascii

MAX_LINE_CHARACTERS = 60  # of a first line that can be a keyword: the longest, courtesy, and marks around them


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


# AWS's required ones (ARRET to UNSUBSCRIBE), the carriers' STOPALL and REVOKE, and what people write in French. YES is
# not among those that begin again, though some take it: it answers questions. Nor is NO.
_WORDS = {
    Keyword.STOP: """
        arret cancel end opt-out optout quit remove stop td unsubscribe
        stopall stop-all revoke opt-out-all
        arreter arretez arrete arret-tout annuler desabonner desabonnement desabonnez me-desabonner
        se-desabonner desinscrire desinscription retirer fin
    """,
    Keyword.START: """
        start unstop optin opt-in resume subscribe
        commencer commencez debut debuter reprendre abonner abonnement reabonner reabonnement inscrire inscription
    """,
    Keyword.HELP: "help info information aide aidez renseignements",
}
_KEYWORDS = {word.replace("-", ""): keyword for keyword, words in _WORDS.items() for word in words.split()}
_COURTESY = re.compile(r"^(?:please|pls|svp)\b|\b(?:please|pls|thanks|thank you|svp|s il vous plait|merci)$")
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def keyword_of(text: str) -> Keyword | None:
    """Which keyword the text is; None for every other text. Case, accents, blanks and punctuation do not matter."""
    line = text.lstrip()[: MAX_LINE_CHARACTERS + 1].split("\n", 1)[0]
    if len(line) > MAX_LINE_CHARACTERS:
        return None
    words = _COURTESY.sub("", _NOT_LETTERS.sub(" ", to_ascii(line).lower()).strip()).split()
    return _KEYWORDS.get("".join(dict.fromkeys(words)))  # STOP STOP is STOP
