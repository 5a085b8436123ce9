"""Prints what the code itself knows best into the documents, between markers: `make docs`.

A test fails while a generated part is not what the code says.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from auth.domains.selectors import MOVES as KEY_MOVES
from auth.domains.selectors import Look, State
from config.words import Words
from delivery.terms import TERMS
from docs import clients_page
from messages.email.branding import Reason
from messages.email.headers import ADDED, POLICY
from messages.message import Language
from messages.status import FINAL, MOVES
from relay.http import documentation
from relay.http.application import application
from relay.http.pages import replies
from relay.http.pages.book import EXAMPLE_ROOT, Book
from relay.http.pages.examples import Ids
from relay.http.pages.markdown import demoted
from relay.http.pages.reference import statuses
from relay.metrics import DoorMetrics
from relay.processes.roles import OPS, PROCESSES, ROLES, Process, Role, Secret
from relay.site.keys.products import DOCUMENTED

FOLDER = Path(__file__).parent


def moves() -> str:
    """The table of legal moves as a Mermaid diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "  [*] --> created"]
    lines += [f"  {_state(status)} : {status}" for status in MOVES if "-" in status]
    lines += [f"  {_state(old)} --> {_state(new)}" for old, news in MOVES.items() for new in sorted(news)]
    lines += [f"  {_state(status)} --> [*]" for status in MOVES if status in FINAL]
    return "\n".join([*lines, "```"])


def _state(status: str) -> str:
    return status.replace("-", "_")  # Mermaid takes no hyphen in a state's id


def key_moves() -> str:
    """The table of a DKIM key's moves as a Mermaid diagram."""
    seen = {Look.RIGHT: "found twice, a TTL apart", Look.WRONG: "missing or wrong twice, 5 minutes apart"}
    lines = ["```mermaid", "stateDiagram-v2", f"  [*] --> {State.PENDING}"]
    lines += [f"  {old} --> {new} : {seen[look]}" for (old, look), new in KEY_MOVES.items()]
    return "\n".join([*lines, "```"])


def header_policy() -> str:
    """The header policy; neighbours that are treated alike, for the same reason, share a row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for rule in POLICY + ADDED:
        action = f"{rule.action}, first only" if rule.once else str(rule.action)
        rows.setdefault((action, rule.reason), []).append(f"`{rule.name}`")
    table = ["| field | what happens | why |", "|---|---|---|"]
    return "\n".join(
        table + [f"| {' '.join(names)} | {action} | {reason} |" for (action, reason), names in rows.items()]
    )


def unbranded() -> str:
    """Why a message goes out without a branding: all reasons there are."""
    rows = [f"| {reason} | {reason.sentence} |" for reason in Reason]
    return "\n".join(["| reason | why |", "|---|---|", *rows])


def roles() -> str:
    """What each `serve` runs, and what that listens on and needs; all of it for who names no role."""
    alone = [role for role in ROLES.values() if role.processes != PROCESSES]
    rows = [f"| `serve --role {role.name}` | {' | '.join(_role(role))} |" for role in alone]
    table = ["| role | processes (N: `PROCESSES`) | listens | needs |", "|---|---|---|---|"]
    return "\n".join([*table, *rows, "| `serve` | all of these | all of these | all of these |"])


def _role(role: Role) -> Iterator[str]:
    yield ", ".join(
        [*(f"{'one' if each.is_single else 'N'} `{each.name}`" for each in role.processes), f"`{OPS.name}`"]
    )
    yield ", ".join(f"`{port.name}`" for each in (*role.processes, OPS) for port in each.ports)
    yield ", ".join(["database", *(need for each in role.processes for need in _needs(each))])


def _needs(process: Process) -> Iterator[str]:
    for secret in process.secrets:
        yield f"AWS credentials ({process.actions})" if secret is Secret.AWS else f"`{secret.upper()}`"
    if process.has_certificates:
        yield "TLS key"
    if process.reaches:
        yield process.reaches


def listeners() -> str:
    """Where processes listen, and when."""
    ports = [port for process in (*PROCESSES, OPS) for port in process.ports]
    rows = [
        f"| `{port.name}` | `{port.setting}` | {f'where `{port.wanted_by}` is set' if port.wanted_by else 'always'} "
        f"| {'yes' if port.is_passed else 'no'} |"
        for port in ports
    ]
    return "\n".join(["| listener | address | open | passed by a service manager |", "|---|---|---|---|", *rows])


def terms() -> str:
    """How long each table's rows are kept."""
    rows = [f"| `{table}` | {term.of} | {term.kept} |" for table, term in sorted(TERMS.items())]
    return "\n".join(["| table | of a person it holds | kept |", "|---|---|---|", *rows])


def smtp_replies(language: Language) -> str:
    """Every refusal under its slug, in one language."""
    translate = Words.load().translator(language)
    colon = "\u00a0:" if language is Language.FR else ":"
    lines: list[str] = []
    for heading, found in replies.refusals():
        lines += [f"## {heading.render(translate)}", ""]
        for each in found:
            lines += [f"### {each.slug}", "", f"`{each.code} {each.enhanced} {replies.said(each, translate)}`", ""]
            lines += [f"- {replies.CAUSE.render(translate)}{colon} {translate(each.cause)}"]
            lines += [f"- {replies.CURE.render(translate)}{colon} {translate(each.cure)}", ""]
    return "\n".join(lines[:-1])


def api(language: Language) -> str:
    """The chapters of /docs, then every call, with links to what stands on this page or beside it."""
    words = Words.load()
    document = documentation.openapi(_application(words), f"{EXAMPLE_ROOT}/")
    translate = words.translator(language)
    book = Book(document, language, translate)
    ids = Ids(f"{EXAMPLE_ROOT}/")
    suffix = ".fr" if language is Language.FR else ""

    def linked(found: re.Match[str]) -> str:
        name, _, anchor = found[1].partition("#")
        own = name.removesuffix(".md")
        if own not in book.names:
            return f"]({own}{suffix}.md)"
        return f"](#{anchor or _github_anchor(book.title(own))})"

    lines: list[str] = []
    for group in book.groups():
        lines += [f"## {group.title}", ""]
        for entry in group.entries:
            read, call = book.read(entry.name, ids), book.call(entry.name)
            failing = "" if call is None else statuses(call, translate)  # what to do stands in a chapter, once
            text = demoted("\n".join((read.start, read.examples, read.answer, failing)), 2)
            lines += [re.sub(r"\]\(([\w-]+\.md(?:#[\w-]+)?)\)", linked, text).strip(), ""]
    return "\n".join(lines[:-1])


def _application(words: Words) -> Any:
    """The HTTP door without the parts that serve it: enough to know its calls."""
    parts: dict[str, Any] = dict.fromkeys(inspect.signature(application).parameters)
    return application(
        **{**parts, "public_url": f"{EXAMPLE_ROOT}/", "words": words, "metrics": DoorMetrics(CollectorRegistry())}
    )


def _github_anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")


PARTS: dict[str, Callable[[], str]] = {
    "moves": moves,
    "key moves": key_moves,
    "header policy": header_policy,
    "unbranded": unbranded,
    "roles": roles,
    "listeners": listeners,
    "terms": terms,
    "smtp replies": partial(smtp_replies, Language.EN),
    "smtp replies in french": partial(smtp_replies, Language.FR),
    "more products": partial(clients_page.section, Language.EN),
    "more products in french": partial(clients_page.section, Language.FR),
    "api": partial(api, Language.EN),
    "api in french": partial(api, Language.FR),
}

_PART = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renew(text: str) -> str:
    """The document with its generated parts as the code is now. Raises KeyError for a part nobody generates."""
    return _PART.sub(lambda part: part[1] + PARTS[part[2]]() + "\n" + part[3], text)


def main() -> None:
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(renew(path.read_text()))
    DOCUMENTED.write_text(clients_page.documented(FOLDER))


if __name__ == "__main__":
    main()
