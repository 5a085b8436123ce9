"""The header section (RFC 5322 2.2) as byte offsets into the message, and edits by splicing.

Nothing is ever written back from a parsed form: what no edit names keeps its bytes. Knows nothing of policy or MIME.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from messages import reply
from messages.reply import Refused
from messages.text import Text

MAX_FIELDS = 10_000  # mail that went everywhere has a few hundred; each costs us microseconds and hundreds of octets
MAX_HEADER_BYTES = 1 << 20  # a mail with thousands of addresses in To needs 100 KB; more is an attack on our time

_LONG_OCTETS = 990  # less than any line that is too long
CONTROLS = bytes(each for each in (*range(32), 127) if each not in b"\t\r\n")  # some readers end lines at some of them
UNPLAIN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]")  # no printable ASCII
UNREADABLE = b"X-Unreadable: "  # what a line that is no field stands behind

# A bare CR or LF also ends a line here, as it does in many readers: no field can hide behind one.
_EOL = rb"(?:\r++\n?|\n)"
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*:[^\r\n]*+(?:" + _EOL + rb"[ \t][^\r\n]*+)*+(?:" + _EOL + rb"|\Z)")
_FOLDED_NAME = re.compile(rb"[!-9;-~]++[ \t]*+[\r\n][ \t\r\n]*+(?<=[ \t]):")
_ODD = (b" :", b"\t:", b" \r\n", b"\t\r\n")  # a blank before a colon, or at a line's end
_BLANK_FOLD = re.compile(rb"\r\n[ \t]++(?=\r\n)")
_EMPTY_LINE = re.compile(_EOL)
_LINE = re.compile(rb"[^\r\n]*+(?:" + _EOL + rb"|\Z)")
_FOLD = re.compile(rb"[\r\n]+(?=[ \t])")


class Edit(NamedTuple):
    """The bytes from `start` to `end` become `new`."""

    start: int
    end: int
    new: bytes


class Field(NamedTuple):
    """One header field: its name in lower case and where it stands, with its line end. No name: a garbage line."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, repr=False)
class HeaderSection:
    """The fields of one header section; `end` is where the body starts, behind the empty line."""

    data: bytes
    fields: tuple[Field, ...]
    fields_end: int
    end: int
    by_name: Mapping[str, Sequence[Field]]  # each is asked for a dozen of them

    @classmethod
    def parse(cls, data: bytes) -> "HeaderSection":
        """The header section of a whole message. Raises Refused when no field can be found.

        A garbage line among the fields does not end the section; one behind the last field starts the body.
        """
        fields, at, end = _scan(data, 0, len(data), of_part=False)
        last = max((i for i, field in enumerate(fields) if field.name), default=-1)
        if last < 0:
            raise Refused(reply.NO_HEADER_SECTION, reason=Text("it has no header field"))
        if last + 1 < len(fields):
            at = end = fields[last].end
        return cls._of(data, fields[: last + 1], at, end)

    @classmethod
    def parse_part(cls, data: bytes, start: int, stop: int) -> "HeaderSection":
        """The header section of a body part, which may be empty and ends before a line that is no field.

        Its fields are those that say something of a part (RFC 2045 3), and those that may have to be written anew.
        """
        return cls._of(data, *_scan(data, start, stop, of_part=True))

    @classmethod
    def _of(cls, data: bytes, fields: list[Field], fields_end: int, end: int) -> "HeaderSection":
        by_name: dict[str, list[Field]] = {}
        for field in fields:
            by_name.setdefault(field.name, []).append(field)
        return cls(data, tuple(fields), fields_end, end, by_name)

    @property
    def separated(self) -> bool:
        """Whether the empty line stands between fields and body."""
        return self.end > self.fields_end

    def first(self, name: str) -> str | None:
        """The value of the first field of that name, unfolded and stripped."""
        return next(iter(self._values(name)), None)

    def all(self, name: str) -> list[str]:
        """The values of all fields of that name, unfolded and stripped, from the top."""
        return list(self._values(name))

    def named(self, name: str) -> Sequence[Field]:
        return self.by_name.get(name.lower(), ())

    def raw(self, field: Field) -> bytes:
        """What stands behind the colon: unfolded and stripped."""
        return _FOLD.sub(b"", self.data[field.start : field.end].partition(b":")[2]).strip(b" \t\r\n")

    def _values(self, name: str) -> Iterable[str]:
        return (decode(self.raw(field)) for field in self.named(name))


def decode(raw: bytes) -> str:
    """Header bytes as text: UTF-8 (RFC 6532), else ISO 8859-1, which old products write and which never fails."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def legible(header: HeaderSection) -> list[Edit]:
    """The edits after which every reader finds the same fields, and the body behind them.

    A line that is no field becomes one of its own: some readers end the header section there, others pass it over, and
    verifiers of signatures give up; a line of blanks within a field goes for the same reason. A field whose name is
    folded away from its colon goes, since readers that unfold first would see what others did not. The empty line
    behind the fields (RFC 5322 2.1) is put where it is missing.
    """
    data = header.data
    edits: list[Edit] = []
    before, gone = "x", False
    for field in header.fields if _is_odd(header) else ():
        goes_on = not (field.name or before) and data[field.start] in b" \t"
        gone = not field.name and ((goes_on and gone) or _is_hidden(header, field))
        if gone:
            edits.append(Edit(field.start, field.end, b""))
        elif field.name:
            edits += _legible(header, field)
        elif not goes_on:
            edits.append(Edit(field.start, field.start, UNREADABLE))
        before = field.name
    # A bare CR that stands for the line end would let strict readers take body lines for fields.
    finished = data.endswith(b"\n", 0, header.fields_end)
    line_ends = b"\r\n" if finished else b"\r\n\r\n"
    if data[header.fields_end : header.end] != line_ends:
        edits.append(Edit(header.fields_end, header.end, line_ends))
    return edits


def _is_odd(header: HeaderSection) -> bool:
    """Whether something of it needs a look: seen at once, which saves most messages the look at each field."""
    section = header.data[: header.fields_end]
    return "" in header.by_name or any(odd in section for odd in _ODD)


def _is_hidden(header: HeaderSection, field: Field) -> bool:
    """The separator of a mail store, or a name that is folded away from its colon."""
    separator = field.start == 0 and header.data.startswith(b"From ")
    return separator or bool(_FOLDED_NAME.match(header.data, field.start, header.fields_end))


def _legible(header: HeaderSection, field: Field) -> Iterator[Edit]:
    name_end = field.start + len(field.name)
    colon = header.data.index(b":", name_end)
    if colon > name_end:  # RFC 5322 4.5.8: obsolete, and not every verifier knows it
        yield Edit(name_end, colon, b"")
    for blank in _BLANK_FOLD.finditer(header.data, colon, field.end):
        yield Edit(*blank.span(), b"")


def splice(data: bytes, edits: Iterable[Edit]) -> bytes:
    """`data` with all edits made; edits of one place apply in the order given. They may not overlap."""
    pieces: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=_place):
        assert at <= edit.start <= edit.end, "edits overlap"
        pieces += (data[at : edit.start], edit.new)
        at = edit.end
    return b"".join((*pieces, data[at:]))


def compose(first: Iterable[Edit], second: Iterable[Edit], between: bytes) -> list[Edit]:
    """The edits that do at once what `first` does and then `second`, on what `first` made: `between`."""
    second = sorted(second, key=_place)
    places, shifts = [], [0]  # of the first edits: where each one's new bytes start, and how far they move what follows
    for edit in sorted(first, key=_place):
        places.append((edit.start + shifts[-1], edit.start + shifts[-1] + len(edit.new)))
        shifts.append(shifts[-1] + len(edit.new) - edit.end + edit.start)
    composed = []
    for start, end in _joined([*places, *map(_place, second)]):
        inside = second[bisect_left(second, (start,)) : bisect_right(second, (end, end + 1))]
        new = splice(between[start:end], (Edit(at - start, to - start, new) for at, to, new in inside))
        before = start - shifts[bisect_left(places, (start,))]
        composed.append(Edit(before, end - shifts[bisect_right(places, (end, end + 1))], new))
    return composed


def origin(at: int, edits: Iterable[Edit]) -> int:
    """Where the byte stood, before the edits were made, that now stands at `at`."""
    for edit in sorted(edits, key=_place):
        if at < edit.start:
            break
        at = max(edit.start, at - len(edit.new) + edit.end - edit.start)
    return at


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _joined(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places in order, those that touch as one."""
    joined: tuple[int, int] | None = None
    for start, end in sorted(places):
        if joined is not None and start <= joined[1]:
            joined = joined[0], max(joined[1], end)
            continue
        if joined is not None:
            yield joined
        joined = start, end
    if joined is not None:
        yield joined


def _scan(data: bytes, start: int, stop: int, *, of_part: bool) -> tuple[list[Field], int, int]:
    """Fields, where they end, and where the body starts."""
    fields: list[Field] = []
    at = start
    while at < stop:
        if at - start > MAX_HEADER_BYTES or len(fields) > MAX_FIELDS:
            limits = {"octets": MAX_HEADER_BYTES, "fields": MAX_FIELDS}
            raise Refused(
                reply.NO_HEADER_SECTION, reason=Text("it has over {octets} octets or {fields} fields", limits)
            )
        if field := _FIELD.match(data, at, stop):
            # RFC 5322 4.5 lets white space stand before the colon: `Bcc :` is a Bcc field.
            name, end = field[1].lower(), field.end()
            counts = not of_part or name.startswith(b"content-") or end - at > _LONG_OCTETS
            if counts or UNPLAIN.search(data, at, end):
                fields.append(Field(name.decode("ascii"), at, end))
            at = end
            continue
        if empty := _EMPTY_LINE.match(data, at, stop):
            return fields, at, empty.end()
        garbage = _LINE.match(data, at, stop)
        if of_part or garbage is None:
            break
        fields.append(Field("", at, garbage.end()))
        at = garbage.end()
    return fields, at, at
