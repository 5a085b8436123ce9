"""Two messages compared, part by part: received and sent. Every difference that was not announced is damage."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.fidelity import fields, wording
from tests.fidelity.reading import Part, read

UNSENDABLE = re.compile(rb"[^\n]{998}(?!\r?\n)|\0")
_PGP = re.compile(rb"(?m)^-----BEGIN PGP (?:SIGNED )?MESSAGE-----")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`damage` as short sentences; of the alternatives that people read, how many, and how many show the mark."""

    damage: tuple[str, ...]
    alternatives: int
    branded: int


def judge(received: bytes, sent: bytes, mark: str = "") -> Verdict:
    """`mark` is a text that each branding shows, the service's name; "": there is no branding."""
    old, new = read(received), read(sent)
    found = [*_octets(sent), *fields.raw_octets(new), *fields.compare_heads(old, new)]
    comparison = Comparison(mark, {id(each.part): each.above + each.below for each in _shown(old, alternative=True)})
    found += comparison.compare(old, new, root=True)
    found += _references(old, new)
    shown = [mark != "" and wording.shows(each, mark) for each in bodies(new, alternative=True)]
    return Verdict(tuple(found), len(shown), sum(shown))


def bodies(part: Part, *, alternative: bool = False) -> list[Part]:
    """The text and HTML leaves with which mail programs begin the message; none where that is signed or encrypted.

    What has a file name is a file, except where it is one of several alternatives.
    """
    return [each.part for each in _shown(part, alternative=alternative) if each.above]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A leaf, and whether the message begins `above` and ends `below` it."""

    part: Part
    above: bool = True
    below: bool = True


def _shown(part: Part, *, alternative: bool = False) -> list[_Shown]:
    if part.disposition == "attachment" or (part.filename and not alternative):
        return []
    if part.type in ("text/plain", "text/html"):
        if part.encoding.startswith("x-") and "uu" not in part.encoding:
            return []  # RFC 2045 6.4: application/octet-stream to readers that do not know it
        return [] if _PGP.search(part.content) else [_Shown(part)]
    if part.type == "multipart/alternative":
        return [each for child in part.children for each in _shown(child, alternative=True)]
    if part.type == "multipart/related":
        start = part.parameters.get("start", "").strip("<> ")
        named = (child for child in part.children if start and child.cid == start)
        shown = (child for child in part.children if child.disposition != "attachment")
        root = next(named, None) or next(shown, None)
        return _shown(root, alternative=True) if root else []
    blank: list[_Shown] = []
    for number, child in enumerate(part.children):
        if child.sealed:
            break
        if found := _shown(child):
            if any(each.part.type != "text/plain" or each.part.content.strip() for each in found):
                return _continued(found, part.children[number + 1 :])
            blank = blank or found
    return blank


def _continued(found: list[_Shown], rest: tuple[Part, ...]) -> list[_Shown]:
    """HTML behind a text or HTML is read as more of it."""
    more = [each for each in rest if each.type == "text/html" and _shown(each)]
    if len(found) > 1 or not more:
        return found
    middle = [_Shown(each, above=False, below=False) for each in more[:-1]]
    return [replace(found[0], below=False), *middle, _Shown(more[-1], above=False)]


@dataclass(frozen=True, slots=True)
class Comparison:
    mark: str
    displayed: dict[int, int]  # at how many places each leaf shows the mark

    def compare(self, old: Part, new: Part, *, root: bool = False) -> Iterator[str]:
        """One part. In the whole message, `root`, the fields that describe the body may have moved into it."""
        if old.type != new.type and id(old) in self.displayed and self.mark:
            yield from self._wrapped(old, new, root=root)
            return
        if not root:
            yield from fields.compare_parts(old, new)
        charset = id(old) in self.displayed and old.content != new.content
        yield from fields.compare_types(old, new, charset=charset)
        if old.type in fields.FORWARDED and old.body != new.body:
            yield from fields.compare_forwarded(read(old.body), read(new.body))
        elif old.sealed or old.type.startswith("message/"):
            if old.body != new.body or (not root and old.raw != new.raw):
                yield f"{old.type} is not octet for octet the same"
        elif old.children:
            yield from self._children(old, new)
        else:
            yield from self._leaf(old, new)

    def _wrapped(self, old: Part, new: Part, *, root: bool) -> Iterator[str]:
        """A displayed leaf now stands in an alternative, with HTML beside it, or in a related, with images."""
        kinds = [child.type for child in new.children]
        if not root:
            rest = [each for each in new.fields if each.name not in fields.DESCRIBING]
            if any(each not in old.fields for each in rest):
                yield "the part around a leaf has fields of its own"
        if new.type == "multipart/alternative" and old.type == "text/plain" and len(kinds) == 2:
            yield from self._leaf(old, new.children[0])
            yield from fields.compare_types(old, new.children[0], charset=True)
            yield from self._twin(old, new.children[1])
        elif new.type == "multipart/related" and kinds[:1] == [old.type]:
            yield from self._leaf(old, new.children[0])
            yield from fields.compare_types(old, new.children[0], charset=True)
            yield from _images(new.children[1:])
        else:
            yield f"{old.type} became {new.type} of {kinds}"

    def _twin(self, text: Part, twin: Part) -> Iterator[str]:
        if twin.type == "multipart/related" and twin.children:
            yield from _images(twin.children[1:])
            twin = twin.children[0]
        if twin.type != "text/html":
            yield f"beside the text stands {twin.type}"
        else:
            yield from wording.twin(text, twin, self.mark, self.displayed[id(text)])

    def _children(self, old: Part, new: Part) -> Iterator[str]:
        carried = tuple(b"" if each and _is_unsendable(each) else each for each in old.around)
        if new.around not in (old.around, carried):
            yield f"what stands around the parts of {old.type} changed"
        rest = list(new.children)
        if old.type == "multipart/related" and self.mark:
            known = {child.cid for child in old.children}
            rest = [child for child in rest if child.cid in known or not _is_image(child)]
        for number, child in enumerate(old.children):
            if not rest:
                yield f"part {child.type} is gone"
                continue
            yield from self.compare(child, rest.pop(0))
            if rest and old.type == "multipart/alternative" and self._gained(old, number, rest[0], new):
                yield from self._twin(child, rest.pop(0))
        if rest:
            yield f"parts were added: {[each.type for each in rest]}"

    def _gained(self, old: Part, number: int, other: Part, new: Part) -> bool:
        """Whether an alternative that had text only has HTML now, behind its text."""
        child = old.children[number]
        more = len(new.children) == len(old.children) + 1
        has_html = any(each.type == "text/html" for inner in old.children for each in inner.walk())
        return bool(self.mark) and more and id(child) in self.displayed and child.type == "text/plain" and not has_html

    def _leaf(self, old: Part, new: Part) -> Iterator[str]:
        if old.body == new.body and old.encoding == new.encoding:
            return
        if old.type.startswith("multipart/"):
            yield f"{old.type} without parts changed"
        elif not wording.same(old, new):
            if id(old) in self.displayed and self.mark and old.type in ("text/plain", "text/html"):
                yield from wording.branded(old, new, self.mark, self.displayed[id(old)])
            else:
                yield f"the content of {old.type} {old.filename or ''} changed"


def _images(parts: tuple[Part, ...] | list[Part]) -> Iterator[str]:
    for each in parts:
        if not _is_image(each):
            yield f"{each.type} was added to a related"


def _is_unsendable(around: bytes) -> bool:
    return not around.isascii() or b"\0" in around or max(map(len, around.split(b"\r\n"))) > 998


def _is_image(part: Part) -> bool:
    """As a branding brings them: shown in the HTML, no file to keep."""
    return part.type.startswith("image/") and bool(part.cid) and part.disposition != "attachment"


def _references(old: Part, new: Part) -> Iterator[str]:
    """Every cid: that led to an image still leads to the same one; those of the branding lead to one."""
    before, after = _images_by_cid(old), _images_by_cid(new)
    sent = {cid for part in new.walk() for cid in wording.cids(part)}
    asked = {cid for part in old.walk() for cid in wording.cids(part)}
    for cid in asked & before.keys():
        if cid not in sent or after.get(cid) != before[cid]:
            yield f"cid:{cid} leads elsewhere"
    for cid in sent - asked:
        if cid not in after:
            yield f"cid:{cid} of the branding leads nowhere"


def _images_by_cid(root: Part) -> dict[str, bytes]:
    return {part.cid: part.content for part in root.walk() if part.cid and not part.children}


def _octets(sent: bytes) -> Iterator[str]:
    if UNSENDABLE.search(sent):
        yield "a line is over 998 octets, or has a NUL"
    if not sent.endswith(b"\r\n"):
        yield "no line end at the end"
    if bare := _BARE.search(sent):
        yield f"a bare CR or LF at {bare.start()}: {sent[max(0, bare.start() - 20) : bare.end() + 20]!r}"
