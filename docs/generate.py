"""Prints what the code itself knows best into the documents, between markers: `make docs`.

A test fails while a generated part is not what the code says.
"""

import re
from collections.abc import Callable
from pathlib import Path

from messages import reply
from messages.headers import POLICY
from messages.reply import Reply
from messages.status import FINAL, MOVES

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


def header_policy() -> str:
    """The header policy; neighbours that are treated alike, for the same reason, share a row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for rule in POLICY:
        action = f"{rule.action}, first only" if rule.once else str(rule.action)
        rows.setdefault((action, rule.reason), []).append(f"`{rule.name}`")
    table = ["| field | what happens | why |", "|---|---|---|"]
    return "\n".join(
        table + [f"| {' '.join(names)} | {action} | {reason} |" for (action, reason), names in rows.items()]
    )


def replies() -> str:
    """Every refusal, with what a mail client makes of it."""
    found = [value for value in vars(reply).values() if isinstance(value, Reply) and value.code >= 400]
    table = ["| reply | text | the client |", "|---|---|---|"]
    for each in sorted(found, key=lambda each: (each.code, each.enhanced, each.text)):
        reaction = "tries again later" if each.temporary else "gives up, and tells its user"
        table.append(f"| {each.code} {each.enhanced} | {each.text} | {reaction} |")
    return "\n".join(table)


PARTS: dict[str, Callable[[], str]] = {"moves": moves, "header policy": header_policy, "replies": replies}

_PART = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renew(text: str) -> str:
    """The document with its generated parts as the code is now. Raises KeyError for a part nobody generates."""
    return _PART.sub(lambda part: part[1] + PARTS[part[2]]() + "\n" + part[3], text)


def main() -> None:
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(renew(path.read_text()))


if __name__ == "__main__":
    main()
