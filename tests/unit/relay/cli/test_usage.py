"""Help pages and errors of usage in French: Typer's own sentences are recognised, whatever its version says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from config.words import Words
from messages.message import Language
from relay.cli import build, usage
from relay.cli.output import speak

ENGLISH = re.compile(
    r"Usage:|Options:|Commands:|Arguments:|Show this|\[default|required|<str>|<int|COMMAND |Error:|Try '"
)


def pages(command: Any, parent: Any, name: str) -> Iterator[tuple[str, str]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield context.command_path, context.get_help()
    for each, inner in getattr(command, "commands", {}).items():
        yield from pages(inner, context, each)


@pytest.fixture
def french() -> Iterator[Any]:
    """The command, speaking French."""
    command = get_command(build())
    speak(Words.load().translator(Language.FR))
    usage.translate(command)
    yield command
    speak(str)


def said(capsys: pytest.CaptureFixture[str], command: Any, *arguments: str) -> str:
    """What a wrong command line is answered."""
    with pytest.raises(typer.TyperException) as told:
        command.main(list(arguments), prog_name="notify-relay", standalone_mode=False)
    usage.show(told.value)
    assert told.value.exit_code == 2
    return capsys.readouterr().err


def test_every_help_page_is_french_to_its_last_word(french: Any) -> None:
    both = zip(pages(get_command(build()), None, "notify-relay"), pages(french, None, "notify-relay"), strict=True)

    for (path, before), (_, after) in both:
        assert not ENGLISH.search(after), after
        helps = [set(re.findall(r"^  [^ <>-][^<>\n]*$", page, re.MULTILINE)) for page in (before, after)]
        assert not helps[0] & helps[1], path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("service", "create"), "Erreur : Il manque l'option '--name'."),
        (("service", "create", "--name"), "Erreur : L'option '--name' exige une valeur."),
        (("service", "create", "--nam", "x"), "Erreur : L'option --nam n'existe pas (options possibles : --name"),
        (("key", "rotate"), "Erreur : Il manque l'argument 'CLÉ'."),
        (("key", "crate"), "Erreur : La commande 'crate' n'existe pas. Vouliez-vous dire 'create'"),
        (("rummage",), "Erreur : La commande 'rummage' n'existe pas."),
        (("serve", "now"), "Erreur : Il y a des arguments en trop (now)"),
        (("serve", "--demo=3"), "Erreur : L'option '--demo' ne prend pas de valeur."),
        (("serve", "--processes", "0"), "'--processes' : utiliser un nombre supérieur ou égal à 1"),
        (("serve", "--processes", "two"), "'--processes' : utiliser un nombre entier valide"),
        (("serve", "--role", "cook"), "--role : utiliser l'une des valeurs suivantes : all, "),
        (("message", "find", "--since", "now"), "'--since' : 'now' ne correspond à aucun des formats '%Y-%m-%d', "),
        (("message", "show", "this"), "utiliser un identifiant, comme 123e4567-"),
        (("service", "update", "--language", "de"), "'de' n'est pas l'une des valeurs possibles : 'en', 'fr', 'both'."),
    ],
)
def test_wrong_usage_is_told_in_french(
    capsys: pytest.CaptureFixture[str], french: Any, arguments: tuple[str, ...], words: str
) -> None:
    text = said(capsys, french, *arguments)

    assert words in text.replace("\u00a0", " ")
    assert not ENGLISH.search(text)


def test_group_without_a_command_answers_with_its_page(capsys: pytest.CaptureFixture[str], french: Any) -> None:
    text = said(capsys, french, "service")

    assert text.startswith("Utilisation\u00a0: notify-relay service")
    assert "Erreur" not in text
