"""The corpus of real, odd messages, which is kept beside this repository, and the messages of our own."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from messages import reply
from messages.reply import Reply
from tests.fidelity.checking import bodies
from tests.fidelity.preparing import arrived
from tests.fidelity.reading import read

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared/corpus"
DOCUMENTED = {"attachment-type"}  # reasons to refuse that docs/fidelity.md names, beside those of the corpus index

FOLDER = Path(__file__).parents[1] / "data/messages"
OWN = {path.stem: arrived(path.read_bytes()) for path in sorted(FOLDER.glob("*.eml"))}
REFUSED: dict[str, Reply] = {
    "attachment-refused-in-forward": reply.ATTACHMENT_TYPE,
    "attachment-refused-type": reply.ATTACHMENT_TYPE,
    "header-none": reply.NO_HEADER_SECTION,
    "signed-8bit": reply.EIGHT_BIT_SIGNED,
    "signed-long-line": reply.LONG_LINE,
}
SENT = [name for name in OWN if name not in REFUSED]


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    content: bytes
    may_reject: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """Whether it has an unsigned text or HTML body."""
        return bool(bodies(read(self.content), alternative=True))


@cache
def entries() -> tuple[Entry, ...]:
    rows = [json.loads(line) for line in (CORPUS / "index.jsonl").read_text().splitlines()]
    names = [f"{row['source']}/{row['id']}" for row in rows]
    return tuple(
        Entry(name, arrived((CORPUS / f"{name}.eml").read_bytes()), tuple(row["may_reject"]))
        for name, row in zip(names, rows, strict=True)
    )
