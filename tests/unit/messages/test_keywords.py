import pytest

from messages.keywords import Keyword, keyword_of

# AWS's required opt-out keywords, and HELP.
REQUIRED = ("ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE")


@pytest.mark.parametrize("text", [*REQUIRED, *map(str.lower, REQUIRED), *map(str.title, REQUIRED)])
def test_what_aws_takes_stops(text):
    assert keyword_of(text) is Keyword.STOP


@pytest.mark.parametrize(
    "text",
    [
        "ARRÊT",
        "Arrêt.",
        "arre\u0302t!",
        "arrêter",
        "Arrêtez svp",
        "« STOP »",
        "“Stop”",
        " stop \n",
        "STOP!!!",
        "S.T.O.P.",
        "S T O P",
        "Stop stop STOP",
        "STOP 🛑",
        "stop all",
        "opt out",
        "Please stop",
        "Stop, thank you",
        "STOP s\u2019il vous plaît",
        "STOP\nSent from my phone",
        "STOP\r\nEnvoyé de mon iPhone",
        "désabonner",
        "Me désabonner",
        "DÉSINSCRIPTION",
        "Annuler",
        "FIN",
    ],
)
def test_either_language_however_written_stops(text):
    assert keyword_of(text) is Keyword.STOP


@pytest.mark.parametrize(
    "text", ["START", "unstop", "Commencer", "DÉBUT", "debut", "débuter", "réabonnement", "opt in"]
)
def test_either_language_begins_again(text):
    assert keyword_of(text) is Keyword.START


@pytest.mark.parametrize("text", ["HELP", "help?", "AIDE", "Aide svp", "info", "INFO!"])
def test_either_language_asks_for_help(text):
    assert keyword_of(text) is Keyword.HELP


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "🛑",
        "YES",
        "oui",
        "no",
        "Stop sending me this",
        "Stop by at noon?",
        "Cancel my appointment on Tuesday",
        "Annulez mon rendez-vous",
        "Help me find the office",
        "The end",
        "Ne pas arrêter",
        "don't stop",
        "info@example.ca",
        "Please",
        "merci",
        "stop" * 3,
        "stop " * 100_000,
        "Thanks\nSTOP",
    ],
)
def test_other_texts_are_answers_to_the_service(text):
    assert keyword_of(text) is None
