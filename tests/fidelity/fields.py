"""Header sections compared. What may differ is spelled out here: the policy under test does not judge itself."""

import re
from collections.abc import Iterable, Iterator

from tests.fidelity import recipients
from tests.fidelity.reading import Field, Part

DROPPED = re.compile(
    r"sender|resent-sender|mail-reply-to|mail-followup-to|errors-to|bounces-to|return-path|(resent-)?bcc|x-notify-.*|x-ses-.*|dkim-signature|domainkey-signature|arc-.*"
    r"|authentication-results|content-length"
)
REWRITTEN = ("from", "reply-to")
DESCRIBING = ("content-type", "content-transfer-encoding", "content-md5", "mime-version")  # judged with the parts
_ID = re.compile(rb"<[^<>]+>")
ADDED = ("date", "references")  # where they are missing
UNREADABLE = "x-unreadable"  # what a line that is no field stands behind
_BLANK_LINE = re.compile(rb"\r\n[ \t]+(?=\r\n|\Z)")
_SPACE_BEFORE_COLON = re.compile(rb"\A([!-9;-~]+)[ \t]+:")  # RFC 5322 4.5: obsolete, and not every reader takes it
# What SES takes once (its developer guide); the first one stays.
ONCE = frozenset(
    """accept-language acceptlanguage archived-at auto-submitted bounces-to comments content-alternative content-base
    content-class content-description content-disposition content-duration content-id content-language content-length
    content-location content-md5 content-transfer-encoding content-type date delivered-to
    disposition-notification-options disposition-notification-to dkim-signature domainkey-signature errors-to from
    importance in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe
    list-unsubscribe list-unsubscribe-post message-context message-id mime-version organization original-from
    original-message-id original-recipient original-subject precedence priority references reply-to return-path
    return-receipt-to sender sensitivity solicitation subject thread-index thread-topic user-agent vbr-info
    """.split()  # noqa: SIM905 - a list that is read, not edited
)


def compare_heads(old: Part, new: Part) -> Iterator[str]:
    """The fields of the whole message."""
    for name in ("bcc", "resent-bcc", "sender"):
        if new.all(name):
            yield f"there is a {name} field"
    if len(new.all("from")) != 1:
        yield f"there are {len(new.all('from'))} From fields"
    for name in (*ONCE, *recipients.ONE):
        if len(new.all(name)) > 1:
            yield f"{name} stands more than once"
    yield from recipients.compare(old, new)
    mended = set(recipients.changed(old, new))
    before, after = (list(_without(mended, _kept(part.fields), new)) for part in (old, new))
    own = next((found[0] for each in old.all("message-id")[:1] if (found := _ID.search(each.value))), b"")
    if not old.all("references") and new.all("references"):
        yield from _new_references(old, new.all("references")[0].value, own)
    yield from _in_order(before, _without_added(old, after), own)
    head = old.raw.removesuffix(old.body)
    for each in new.all(UNREADABLE):
        if each.raw.partition(b": ")[2] not in head:
            yield f"a line that is no field became {each.raw!r}"


def compare_parts(old: Part, new: Part) -> Iterator[str]:
    """The fields of a body part, where nothing is dropped: another encoding and charset at most."""
    before, after = ([each for each in part.fields if each.name not in DESCRIBING] for part in (old, new))
    yield from _in_order(before, after, b"")


def compare_types(old: Part, new: Part, *, charset: bool) -> Iterator[str]:
    """Content-Type; `charset`: whether that parameter may be another."""
    if old.type != new.type:
        yield f"{old.type} became {new.type}"
        return
    before, after = dict(old.parameters), dict(new.parameters)
    if charset:
        before.pop("charset", None)
        after.pop("charset", None)
    if before != after:
        yield f"the parameters of {old.type} changed: {before} {after}"


def _kept(fields: tuple[Field, ...]) -> Iterator[Field]:
    seen: set[str] = set()
    for each in fields:
        again = each.name in ONCE and each.name in seen
        seen.add(each.name)
        if not (again or DROPPED.fullmatch(each.name) or each.name in REWRITTEN or each.name in DESCRIBING):
            yield each


def _without(mended: set[str], fields: Iterable[Field], new: Part) -> Iterator[Field]:
    """With only the place of each that is judged elsewhere."""
    seen: set[str] = set()
    for each in fields:
        if each.name not in mended:
            yield each
        elif new.all(each.name) and not (each.name in recipients.ONE and each.name in seen):
            seen.add(each.name)
            yield Field(each.name, b"")


def _without_added(old: Part, after: list[Field]) -> list[Field]:
    """Without our own Received, which stands on top, and the fields that the message lacked."""
    if after and after[0].name == "received" and len(old.all("received")) < sum(e.name == "received" for e in after):
        after = after[1:]
    return [each for each in after if each.name not in (*ADDED, UNREADABLE) or old.all(each.name)]


def _new_references(old: Part, value: bytes, own: bytes) -> Iterator[str]:
    """References where there were none: what the message answers, and the message itself."""
    answered = b" ".join(each.value for each in old.all("in-reply-to")[:1])
    known = _ID.findall(answered)
    if not own or value.split() != list(dict.fromkeys([*known, own])):
        yield f"References was added, and says {value!r}"


def _in_order(before: list[Field], after: list[Field], own: bytes) -> Iterator[str]:
    rest = list(after)
    for each in before:
        if not rest:
            yield f"field {each.name} is gone"
        elif _same(each, rest[0], own):
            rest.pop(0)
        elif any(_same(each, other, own) for other in rest):
            yield f"field {each.name} moved, or one was added before it: {rest[0].name}"
            return
        else:
            yield f"field {each.name} changed or is gone"
            rest = rest[1:] if rest[0].name == each.name else rest
    if rest:
        yield f"fields were added: {', '.join(each.name for each in rest)}"


def _same(old: Field, new: Field, own: bytes) -> bool:
    raw = _BLANK_LINE.sub(b"", _SPACE_BEFORE_COLON.sub(rb"\1:", old.raw))
    if raw == _SPACE_BEFORE_COLON.sub(rb"\1:", new.raw):
        return True
    if old.name != new.name:
        return False
    if old.name == "references" and own and _unfolded(new.raw).removesuffix(own) == _unfolded(raw).rstrip() + b" ":
        return True
    folded = max(map(len, raw.split(b"\r\n"))) > 998
    return folded and _unfolded(raw) == _unfolded(new.raw)


def _unfolded(raw: bytes) -> bytes:
    """Without the line ends of its folds (RFC 5322 2.2.3)."""
    return raw.replace(b"\r\n", b"")
