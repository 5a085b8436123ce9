"""Who has a French locale is answered in French; what programs read stays as it is."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.relay import Relay

Make = Callable[..., Relay]
NO_SERVICE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def french(make_relay: Make) -> Make:
    def make(**settings: object) -> Relay:
        relay = make_relay(**settings)
        relay.environment.pop("LC_ALL")
        relay.environment["LANG"] = "fr_CA.UTF-8"
        return relay

    return make


def said(relay: Relay, *arguments: str, code: int) -> str:
    """On standard output or standard error, no-break spaces as plain ones."""
    done = relay.run(*arguments, check=False)
    assert done.returncode == code, done
    return (done.stdout + done.stderr).replace("\u00a0", " ")


def test_help_is_french(french: Make) -> None:
    page = said(french(), "--help", code=0)

    assert page.startswith("Utilisation : notify-relay [OPTIONS] COMMANDE")
    assert "Passerelle de relais SMTP" in page
    assert "Exécuter le relais sur cette machine" in page


def test_wrong_usage_is_told_in_french(french: Make) -> None:
    text = said(french(), "service", "create", code=2)

    assert "Utilisation : notify-relay service create [OPTIONS]\n" in text
    assert "Erreur : Il manque l'option '--name'.\n" in text


def test_refusals_are_french(french: Make) -> None:
    relay = french()

    assert said(relay, "service", "show", NO_SERVICE, code=1) == (
        f"notify-relay: il n'y a pas de service {NO_SERVICE}; voir : notify-relay service list\n"
    )
    assert said(relay, "service", "create", "--name", "S", "--email-from", "a..b", code=1) == (
        "notify-relay: la valeur de --email-from est inutilisable : "
        "un caractère ou un point devant le signe @ n'y est pas permis\n"
    )


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SMTP__LISTEN", "2587", "écrire hôte:port, par exemple 127.0.0.1:2587"),
        ("SMTP__MAX_RECIPIENTS", "0", "utiliser un nombre supérieur ou égal à 1"),
        ("SMTP__BARE_LF", "perhaps", "utiliser 'normalise' ou 'refuse'"),
        ("SECRET_KEY", "short", "un secret racine est constitué de 32 octets en base64"),
    ],
)
def test_setting_that_cannot_be_used_is_told_in_french(french: Make, name: str, value: str, problem: str) -> None:
    assert said(french(**{name: value}), "serve", code=1) == f"notify-relay: NOTIFY_RELAY_{name} : {problem}\n"


def test_port_in_use_is_told_in_french(french: Make, relay: Relay) -> None:
    address = f"127.0.0.1:{relay.port}"
    assert said(french(SMTP__LISTEN=address), "serve", code=1) == (
        f"notify-relay: NOTIFY_RELAY_SMTP__LISTEN : impossible d'écouter sur {address} : adresse déjà utilisée\n"
    )


def test_answers_have_french_headings_and_json_does_not_change(french: Make, make_relay: Make) -> None:
    relay = french()
    made = relay.create_service()
    text = said(relay, "service", "show", str(made["id"]), code=0)

    assert "image de marque" in text
    assert "en production" in text
    assert " non\n" in text
    assert set(made) == set(make_relay("english").create_service())


def test_check_is_french_and_its_json_is_not(french: Make) -> None:
    relay = french()
    relay.run("domain", "show")
    text = said(relay, "check", code=0)

    assert "base de données" in text
    assert "les deux secrets racines sont utilisables" in text
    assert {each["result"] for each in relay.json("check")["checks"]} == {"ok"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_CA.ISO-8859-1"}, "fr"),
        ({"LANG": "fry_NL.UTF-8"}, "en"),
        ({"LANG": "fr_CA.UTF-8", "LC_MESSAGES": "en_CA.UTF-8"}, "en"),
        ({"LANG": "en_CA.UTF-8", "LC_MESSAGES": "fr_CA.UTF-8"}, "fr"),
        ({"LC_ALL": "fr_FR.UTF-8", "LC_MESSAGES": "C", "LANG": "C"}, "fr"),
        ({"LC_ALL": "", "LANG": "fr_CA.UTF-8"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_language_is_of_the_first_locale_variable_that_is_set(
    make_relay: Make, variables: dict[str, str], language: str
) -> None:
    relay = make_relay()
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        relay.environment.pop(name, None)
    relay.environment.update(variables)

    assert said(relay, "db", "--help", code=0).startswith("Utilisation" if language == "fr" else "Usage")


def test_terminal_without_accents_is_no_reason_to_fail(french: Make) -> None:
    relay = french()
    relay.environment["PYTHONIOENCODING"] = "ascii"
    done = relay.run_afresh("service", "show", NO_SERVICE)

    assert done.returncode == 1
    assert done.stderr.startswith(f"notify-relay: il n'y a pas de service {NO_SERVICE}; voir")
    assert relay.run_afresh("--help").returncode == 0


def test_demo_sheet_and_service_are_french(french: Make) -> None:
    relay = french()
    relay.start("--demo", announced=" prêt")
    sheet = relay.listen()

    assert "mot de passe" in sheet
    services: Any = relay.json("service", "list")["services"]
    assert "Service de démonstration" in {service["name"] for service in services}  # the relay's own may come first
