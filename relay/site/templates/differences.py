"""What differs between two texts, line by line, as people read it. Knows nothing of templates."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

_CONTEXT = 2
_MAX_LINES = 1_000  # of each; lines that repeat often are no anchors, so that it stays quick


class Kind(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"
    GAP = "gap"  # lines that are the same are left out here


@dataclass(frozen=True, slots=True)
class Line:
    kind: Kind
    text: str = ""


def differences(before: str, after: str) -> tuple[Line, ...] | None:
    """The lines that differ, with those around them; none where nothing does. None: too long to compare."""
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > _MAX_LINES:
        return None
    groups = SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT)
    return tuple(line for number, group in enumerate(groups) for line in _lines(group, old, new, number))


def _lines(group: list[tuple[str, int, int, int, int]], old: list[str], new: list[str], number: int) -> Iterator[Line]:
    if number:
        yield Line(Kind.GAP)
    for tag, begin, end, new_begin, new_end in group:
        if tag == "equal":
            yield from (Line(Kind.SAME, text) for text in old[begin:end])
            continue
        yield from (Line(Kind.REMOVED, text) for text in old[begin:end])
        yield from (Line(Kind.ADDED, text) for text in new[new_begin:new_end])
