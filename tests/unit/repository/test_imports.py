"""Who may know whom: an import that a contract of pyproject.toml forbids, planted, is seen by that contract."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.harness.sampled import sampled

HOUSE = Path(__file__).parents[3]
SETTINGS = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["importlinter"]
# By the contract's name: who imports what it must not.
PLANTED = {
    "one way: relay -> delivery -> auth -> config -> messages": ("config.settings", "auth.errors"),
    "inside relay: cli -> processes -> doors -> actions -> accept -> checks": ("relay.checks", "relay.accept"),
    "inside auth: domains know of the rest the errors only": ("auth.domains.spf", "auth.keys"),
    "inside messages: what every channel shares knows nothing of mail": ("messages.message", "messages.email.mime"),
    "inside delivery: who sends, hears and tells know nothing of each other": (
        "delivery.feedback.learner",
        "delivery.exit.worker",
    ),
    "no circles: neither of rooms nor of files": ("delivery.store.rows", "delivery.exit.worker"),
    "messages does no I/O, reads no clock, no settings, writes no log": ("messages.text", "time"),
    "what takes mail in uses of delivery what is named here only": ("relay.accept", "delivery.backoff"),
    "what takes mail in reaches neither who sends nor AWS, by whatever way": (
        "delivery.library.templates",
        "delivery.providers.ses",
    ),
    "AWS libraries only in the providers and in feedback": ("delivery.exit.worker", "botocore"),
    "what people change knows nothing of who asks": ("relay.actions.bans", "typer"),
    "the doors do not know each other": ("relay.http.client", "relay.smtp.session"),
    "the providers do not know each other": ("delivery.providers.ses", "delivery.providers.outbox"),
}


def test_every_contract_has_its_plant() -> None:
    assert [contract["name"] for contract in SETTINGS["contracts"]] == list(PLANTED)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of our code, where it may be spoilt."""
    copy = tmp_path_factory.mktemp("house")
    for package in SETTINGS["root_packages"]:
        shutil.copytree(HOUSE / package, copy / package, ignore=_all_but_code)
    shutil.copy(HOUSE / "pyproject.toml", copy)
    return copy


def _all_but_code(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not Path(folder, name).is_dir()]


def judged(house: Path) -> dict[str, str]:
    """What is said of each contract, by its name."""
    lint = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    printed = subprocess.run(lint, cwd=house, capture_output=True, text=True, check=False, timeout=60).stdout
    lines = printed.splitlines()
    return {
        name: line.removeprefix(name).split()[0] for name in PLANTED for line in lines if line.startswith(name + " ")
    }


def test_the_house_keeps_its_contracts(house: Path) -> None:
    assert judged(house) == dict.fromkeys(PLANTED, "KEPT")


# The sample is all of them at once; the whole has each alone, which nobody else's breaks.
@pytest.mark.parametrize(
    "contracts",
    sampled([list(PLANTED), *([each] for each in PLANTED)], lambda at: at == 0),
    ids=["all", *PLANTED],
)
def test_a_forbidden_import_breaks_the_contract(contracts: list[str], house: Path) -> None:
    modules = {each: house.joinpath(*PLANTED[each][0].split(".")).with_suffix(".py") for each in contracts}
    sound = {module: module.read_text() for module in modules.values()}
    try:
        for each, module in modules.items():
            module.write_text(f"{sound[module]}\nimport {PLANTED[each][1]}\n")
        found = judged(house)
        assert {each: found[each] for each in contracts} == dict.fromkeys(contracts, "BROKEN")
    finally:
        for module, text in sound.items():
            module.write_text(text)


def test_messages_knows_of_the_world_what_computes_only() -> None:
    """What a list of forbidden modules could miss."""
    import grimp

    graph = grimp.build_graph("messages", include_external_packages=True)
    found = {each for module in graph.modules for each in graph.find_modules_directly_imported_by(module)}
    assert {each for each in found if graph.is_module_squashed(each)} <= PURE


PURE = {
    *("base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime", "email", "encodings"),
    *(
        "enum",
        "functools",
        "hashlib",
        "html",
        "io",
        "itertools",
        "json",
        "re",
        "string",
        "typing",
        "unicodedata",
        "urllib",
    ),
    *("uuid", "cryptography", "idna", "phonenumbers"),
}
