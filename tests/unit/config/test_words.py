"""Everything that people read is in the catalogue, in French that fits where it is said.

A text is the first argument of `Text` or of an error made from one, a `Reply`'s text, cause and cure, a constant of a
module of texts, what Typer is told to show, and what the OpenAPI document says. What is missing is named by the test,
ready for the catalogue.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from string import Formatter
from uuid import UUID

import pytest
from babel.messages.pofile import read_po
from jinja2 import nodes

from auth.audit import Entry
from auth.domains.records import Record
from auth.principal import Key, Service
from config.settings import OF_SETTING
from config.words import Words, catalogue, negotiate
from delivery.queue.base import Waits
from messages import reply
from messages.message import Language, Message
from messages.reply import Reply, Voice
from messages.text import Text, to_ascii
from messages.variant import Variant
from relay.cli.domains import Row
from relay.cli.refusals import SAID
from relay.site.layout import environment
from tests.harness.documented import described
from tests.harness.headings import HEADINGS
from tests.harness.sampled import sampled

ROOT = Path(__file__).parents[3]
PACKAGES = ("messages", "auth", "config", "delivery", "relay")
MODULES_OF_TEXTS = ("auth/errors.py", "auth/people/passwords.py", "config/problems.py", "messages/email/headers.py")
MODULES_OF_TEXTS += (
    "relay/actions/errors.py",
    "relay/cli/refusals.py",
    "relay/cli/smtp/texts.py",
    "relay/cli/texts.py",
    "relay/cli/usage.py",
)

# The same in both languages: names, values to type, and words that French shares.
SAME = frozenset({"#RRGGBB", "CIDR", "ID", "SERVICE", "TLS"})
SAME |= {"action", "contact", "dkim", "dmarc", "spf", "{said}; {remark}", "{field} {reason}"}
SAME |= {"Actions", "Administration", "Code", "Documentation", "Guide", "Message", "Message-ID", "Messages", "Pages"}
SAME |= {"Menu", "ORGANISATION", "Organisation", "Port", "SMTP", "Service", "Type", "URL", "Version", "Versions"}
SAME |= {"Version {number}", "null"}
SAME |= {"OPTION", "description", "extensions", "id", "logo", "secrets", "service", "type", "url", "version"}

# What may stand in a reply, as long as it gets.
LONG = {
    "allowed": "x" * 85,
    "field": "X-Notify-Scheduled-For",
    "channel": "email",
    "suffix": "vsmacros",
    "client_ip": "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "hours": "96",
    "lifts_at": "2030-12-31T23:59:59Z",
    "lane": "priority",
    "limit": "26214400",
    "line": "26214400",
    "names": "name, address, date of birth, reference",
    "octets": "26214400",
    "lines": "131072",
    "max_octets": "262144",
    "max_lines": "5000",
    "marks": "262144",
    "parameter": "X" * 40,
    "parts": "10",
    "protocol": "HTTP",
    "recipients": "1000",
    "texts": "1000",
    "role": Text("envelope sender"),
    "seconds": "86400",
    "service_id": UUID(int=2**128 - 1),
    "template_id": UUID(int=2**128 - 1),
    "value": "x" * 64,
    "verb": "EHLO",
    "wanted": "email",
    "words": "priority, normal, bulk",
}
JSON_ONLY = frozenset({"entries", "findings", "held", "lanes", "messages", "records", "usage"})  # names of lists
REASONS = frozenset({"expected", "reason", "usage"})  # are texts themselves


@cache
def parsed() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node


@cache
def makers() -> frozenset[str]:
    """`Text`, and the errors that are made from one."""
    found, before = {"Text", "TextError"}, 0
    while len(found) > before:
        before = len(found)
        for tree in parsed().values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and found.intersection(map(ast.unparse, node.bases)):
                    found.add(node.name)
    return frozenset(found)


def texts_of(path: Path) -> set[str]:
    """The texts that stand where they are used."""
    found: list[ast.expr] = []
    for name, call in calls(parsed()[path]):
        if name in makers():
            found += call.args[:1]
        elif name == "Reply":
            found += [*call.args[2:3], *(each.value for each in call.keywords if each.arg in ("cause", "cure"))]
        elif name == "Rule":
            found += call.args[2:3]
        elif "cli" in path.parts:
            found += [each.value for each in call.keywords if each.arg in ("help", "metavar")]
    values = [each.value for each in found if isinstance(each, ast.Constant)]
    return {value for value in values if isinstance(value, str) and value}


def constants(path: Path) -> Iterator[str]:
    """Every constant of a module of texts: a text, a tuple of them, or a table with texts as its values."""
    for node in parsed()[path].body:
        if isinstance(node, ast.Assign):
            value = node.value
            each = value.values if isinstance(value, ast.Dict) else getattr(value, "elts", [value])
            yield from (one.value for one in each if isinstance(one, ast.Constant) and isinstance(one.value, str))


@cache
def sources() -> frozenset[str]:
    found = {text for path in parsed() for text in texts_of(path)}
    return frozenset(
        found.union(
            *(constants(ROOT / name) for name in MODULES_OF_TEXTS), HEADINGS, described(), {OF_SETTING}, of_pages()
        )
    )


def of_pages() -> set[str]:
    """What the web site's templates say: the first argument of each `_()`, which is a constant."""
    found = set()
    for path in (ROOT / "relay/site").rglob("*.html"):
        tree = environment(Language.EN, str).parse(path.read_text(), filename=str(path))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_":
                assert isinstance(call.args[0], nodes.Const), f"{path}:{call.lineno}"
                found.add(str(call.args[0].value))
    return found


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_text_is_in_the_catalogue() -> None:
    missing = sources() - catalogue().keys() - SAME

    entries = [f'msgid {json.dumps(each, ensure_ascii=False)}\nmsgstr ""\n' for each in sorted(missing)]
    assert not missing, "\n".join(["not in config/locale/fr:", *entries])


def test_nothing_in_the_catalogue_is_obsolete() -> None:
    assert catalogue().keys() - sources() == set()
    assert SAME & catalogue().keys() == set()


def test_nothing_in_the_catalogue_is_fuzzy_or_empty() -> None:
    with (ROOT / "config/locale/fr/LC_MESSAGES/notify-relay.po").open("rb") as file:
        assert [entry.id for entry in read_po(file) if (entry.fuzzy and entry.id) or not entry.string] == []


def test_french_is_not_the_english() -> None:
    assert [source for source, text in catalogue().items() if source == text] == []


def test_both_languages_name_the_same_values() -> None:
    assert {source: text for source, text in catalogue().items() if named(source) != named(text)} == {}


def test_french_is_written_as_french_is() -> None:
    """As in Canada: a no-break space before a colon and within guillemets, none before a semicolon or a question."""
    for text in catalogue().values():
        assert not re.search(r" [:%»]|« |[ \u00a0\u202f][;?]|[^\W\d_][ \u00a0\u202f]!", text.replace("\n", "")), text
        assert not re.search(r"(courri\w+|comme) indésirable", text), text  # pourriel, as in Termium


def test_french_can_be_said_in_ascii() -> None:
    assert [text for text in catalogue().values() if to_ascii(text).count("?") != text.count("?")] == []


def test_settings_say_what_is_wrong_with_a_text() -> None:
    """A ValueError's words would not be translated."""
    for name in ("config/settings.py", "config/setting_values.py"):
        assert "raise ValueError(" not in (ROOT / name).read_text()


def test_a_refusal_names_a_command_or_an_option_only_where_commands_are_typed() -> None:
    """What the command line adds stands in its own table; a web site says the same without it."""
    rooms = [ROOT / name for name in ("auth", "delivery/library", "delivery/callbacks", "relay/actions")]
    elsewhere = {text for path in parsed() for text in texts_of(path) if {*rooms} & {*path.parents}}
    elsewhere |= {*constants(ROOT / "auth/errors.py"), *constants(ROOT / "relay/actions/errors.py")}
    naming = re.compile(r"--[a-z]|notify-relay |`[a-z]+ [a-z]+`")

    assert len(elsewhere) > 50
    assert {text for text in elsewhere if naming.search(text)} == set()
    assert SAID.keys() <= elsewhere
    assert [text for text in SAID.values() if not naming.search(text) and "revoke" not in text] == []


# -- Replies -------------------------------------------------------------------------------------------------------


@cache
def reasons() -> tuple[Text, ...]:
    paths = [path for path in parsed() if path.parts[-2:-1] == ("messages",) or "smtp" in path.parts]
    found = {text for path in (*paths, ROOT / "relay/accept.py") for text in texts_of(path)}
    found -= {text for each in reply.catalogue().values() for text in (each.text, each.cause, each.cure)}
    return tuple(Text(source, LONG) for source in found if named(source) <= LONG.keys())


@cache
def saying_most() -> tuple[Voice, Text]:
    """The voice that says all twice and names a page, and the longest reason."""
    voice = Words.load("https://api.notification.example.ca/smtp").voice(Language.BOTH)
    longest = max(reasons(), key=lambda each: sum(len(each.render(translate)) for translate in voice.languages))
    return voice, longest


REPLIES = [name for name, value in vars(reply).items() if isinstance(value, Reply)]


@pytest.mark.parametrize("name", sampled(REPLIES, lambda at: at % 3 == 0))
def test_reply_in_both_languages_is_one_line_of_512_octets_with_the_longest_values(name: str) -> None:
    answer, (voice, longest) = getattr(reply, name), saying_most()
    unknown = named(answer.text) - LONG.keys() - REASONS
    assert not unknown, f"say in LONG how long these get: {unknown}"

    line = answer.format(voice, **LONG, **dict.fromkeys(REASONS, longest), group_id=UUID(int=2**128 - 1))

    assert len(line) < 510, "it was cut"
    assert line.isascii()
    assert "?" not in line


def test_reply_is_english_then_french_without_accents() -> None:
    words = Words.load()
    refused = reply.Refused(reply.TEAM_KEY_RECIPIENT, service_id="S")

    assert refused.line(words.voice(Language.EN)) == refused.line() == str(refused)
    assert refused.line(words.voice(Language.FR)).startswith("550 5.7.1 une cle d'equipe n'envoie qu'a la liste")
    english, _, other = refused.line(words.voice(Language.BOTH)).partition(" / ")
    assert (english, f"550 5.7.1 {other}") == (refused.line(), refused.line(words.voice(Language.FR)))


def test_reason_within_a_reply_is_translated_with_it() -> None:
    refused = reply.Refused(reply.BAD_SENDER, reason=Text("no @ sign"))

    assert refused.line(Words.load().voice(Language.BOTH)) == (
        "553 5.1.7 malformed sender address: no @ sign / adresse de l'expediteur mal formee : aucun signe @"
    )


@pytest.mark.parametrize("language", Language)
def test_reply_to_an_accepted_message_begins_with_its_group_in_every_language(language: Language) -> None:
    line = reply.QUEUED.format(Words.load().voice(language), group_id="018f", recipients=2)

    assert line.startswith("250 2.0.0 018f ")
    assert line.count("018f") == 1
    assert line.startswith("250 2.0.0 018f queued for 2 recipients") == (language is not Language.FR)


# -- What the command prints ---------------------------------------------------------------------------------------


def test_names_of_printed_fields_are_texts() -> None:
    kinds = (Service, Key, Row, Record, Waits, Message, Variant, Entry)
    printed = {field.name for kind in kinds for field in fields(kind)}
    for path in (ROOT / "relay/cli").glob("*.py"):
        if path.stem not in ("__init__", "serve", "texts", "usage"):
            printed.update(field_names(parsed()[path]))

    assert printed - set(HEADINGS) - JSON_ONLY == set()


def field_names(tree: ast.Module) -> Iterator[str]:
    """Columns are tuples of names; a row is a dict, shown at once or joined to another one."""
    for node in ast.walk(tree):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Tuple):
            found = [*node.elts]
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.BitOr):
            right = node.right if isinstance(node, ast.BinOp) else node.value
            found = [*right.keys] if isinstance(right, ast.Dict) else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "show" and isinstance(node.args[0], ast.Dict):
            found = [*node.args[0].keys]
        names = [each.value for each in found if isinstance(each, ast.Constant)]
        if len(names) == len(found):
            yield from (name for name in names if isinstance(name, str))


# -- The catalogue and its readers ---------------------------------------------------------------------------------


def test_unknown_text_stays_english() -> None:
    words = Words({"yes": "oui"})

    assert [words.translator(language)("yes") for language in (Language.EN, Language.FR)] == ["yes", "oui"]
    assert words.translator(Language.FR)("perhaps") == "perhaps"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en-CA,en;q=0.9,fr;q=0.8", "en"),
        ("en;q=0.5, fr;q=0.7", "fr"),
        ("fr, en", "fr"),
        ("en, fr", "en"),
        ("de, fr;q=0.1", "fr"),
        ("de", "en"),
        ("*", "en"),
        ("en;q=0, *;q=0.5", "fr"),
        ("fr;q=0", "en"),
        ("fr;q=many, en;q=0.1", "en"),
        ("fra, fro", "en"),
        (";;,=,q=1;;", "en"),
        ("de," * 5000 + "fr", "en"),
    ],
)
def test_accept_language_chooses_by_quality_then_by_order(header: str | None, language: str) -> None:
    assert negotiate(header) == language
