"""Header sections compared. What may differ is spelled out here: the policy under test does not judge itself."""

import re
from collections.abc import Iterable, Iterator
from email.utils import parsedate_tz

from tests.fidelity import decoding, recipients
from tests.fidelity.reading import Field, Part, read

DROPPED = re.compile(
    r"sender|resent-sender|mail-reply-to|mail-followup-to|errors-to|bounces-to|return-path|(resent-)?bcc|x-notify-.*|x-ses-.*|dkim-signature|domainkey-signature|arc-.*"
    r"|authentication-results|content-length"
)
REWRITTEN = ("from", "reply-to")
DESCRIBING = ("content-type", "content-transfer-encoding", "content-md5", "mime-version")  # judged with the parts
_ID = re.compile(rb"<[^<>]+>")
IDENTIFYING = frozenset(
    """message-id in-reply-to references content-id content-location received list-unsubscribe list-post list-help
    list-subscribe list-owner list-archive archived-at date content-language content-base auto-submitted""".split()  # noqa: SIM905
)
ADDRESSES = frozenset(
    """from reply-to to cc resent-from resent-to resent-cc disposition-notification-to return-receipt-to""".split()  # noqa: SIM905
)
MAILBOXES = (*ADDRESSES, "sender", "list-id")
FORWARDED = ("message/rfc822", "message/global")
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
    charsets = _charsets(old)
    if any(
        _is_no_date(each, charsets) for each in old.all("date")[:1]
    ):  # then ours stands on top, as where it is missing
        before, after = ([each for each in fields if each.name != "date"] for fields in (before, after))
    yield from _in_order(before, _without_added(old, after), own, charsets)
    head = old.raw.removesuffix(old.body)
    said = {decoding.spoken(b":" + line, charsets) for line in head.split(b"\r\n")}
    for each in new.all(UNREADABLE):
        if each.raw.partition(b": ")[2] not in head and decoding.spoken(each.raw, charsets) not in said:
            yield f"a line that is no field became {each.raw!r}"


def _is_no_date(each: Field, charsets: list[str]) -> bool:
    return bool(decoding.RAW.search(each.raw)) and parsedate_tz(decoding.spoken(each.raw, charsets)) is None


def raw_octets(root: Part) -> Iterator[str]:
    """Fields that are not printable ASCII, in the message, its parts and the messages in it, unless they are signed."""
    for part in root.walk():
        for each in part.fields:
            if decoding.RAW.search(each.raw):
                yield f"field {each.name} has octets that are no printable ASCII"
        if part.type in FORWARDED:
            yield from raw_octets(read(part.body))


def compare_parts(old: Part, new: Part) -> Iterator[str]:
    """The fields of a body part, where nothing is dropped: another encoding and charset at most."""
    before, after = ([each for each in part.fields if each.name not in DESCRIBING] for part in (old, new))
    yield from _in_order(before, after, b"", _charsets(old))


def compare_forwarded(old: Part, new: Part) -> Iterator[str]:
    """A message in the message: all fields say the same, all else is the same octet for octet."""
    yield from _in_order(list(old.fields), list(new.fields), b"", _charsets(old))
    if len(old.children) != len(new.children) or old.around != new.around or old.type != new.type:
        yield f"the structure of a {old.type} in a message changed"
    elif not old.children and old.type not in FORWARDED and old.body != new.body:
        yield f"the content of a {old.type} in a message changed"
    elif old.type in FORWARDED:
        yield from compare_forwarded(read(old.body), read(new.body))
    for inner, after in zip(old.children, new.children, strict=False):
        yield from compare_forwarded(inner, after)


def compare_types(old: Part, new: Part, *, charset: bool) -> Iterator[str]:
    """Content-Type; `charset`: whether that parameter may be another."""
    if old.type != new.type:
        yield f"{old.type} became {new.type}"
        return
    charsets = _charsets(old)
    before, after = (_parameters(part, charsets) for part in (old, new))
    if not before.get("boundary", "").isascii() and after.get("boundary", "").isascii():
        del before["boundary"], after["boundary"]  # no field can hold it; that the parts are found says the rest
    if charset:
        before.pop("charset", None)
        after.pop("charset", None)
    if before != after:
        yield f"the parameters of {old.type} changed: {before} {after}"


def _parameters(part: Part, charsets: list[str]) -> dict[str, str]:
    """Of Content-Type, without the type."""
    found = decoding.parameters(part.all("content-type")[0].raw, charsets) if part.all("content-type") else {}
    return {name: value for name, value in list(found.items())[1:] if name}


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


def _charsets(part: Part) -> list[str]:
    return list(dict.fromkeys(each.charset for each in part.walk()))


def _in_order(before: list[Field], after: list[Field], own: bytes, charsets: list[str]) -> Iterator[str]:
    rest = list(after)
    for each in before:
        if not rest:
            yield f"field {each.name} is gone"
        elif _same(each, rest[0], own, charsets):
            rest.pop(0)
        elif any(_same(each, other, own, charsets) for other in rest):
            yield f"field {each.name} moved, or one was added before it: {rest[0].name}"
            return
        else:
            yield f"field {each.name} changed or is gone"
            rest = rest[1:] if rest[0].name == each.name else rest
    if rest:
        yield f"fields were added: {', '.join(each.name for each in rest)}"


def _same(old: Field, new: Field, own: bytes, charsets: list[str]) -> bool:
    raw = _BLANK_LINE.sub(b"", _SPACE_BEFORE_COLON.sub(rb"\1:", old.raw))
    if raw == _SPACE_BEFORE_COLON.sub(rb"\1:", new.raw):
        return True
    if old.name != new.name:
        return False
    if not decoding.RAW.search(new.raw) and (decoding.RAW.search(old.raw) or _has_long_word(old.raw)):
        return _says_the_same(old, new, own, charsets)
    if old.name == "references" and own and _unfolded(new.raw).removesuffix(own) == _unfolded(raw).rstrip() + b" ":
        return True
    folded = max(map(len, raw.split(b"\r\n"))) > 998
    return folded and _unfolded(raw) == _unfolded(new.raw)


def _says_the_same(old: Field, new: Field, own: bytes, charsets: list[str]) -> bool:
    """A field that could not be sent as it was: another form of the same text, as its kind has it."""
    if old.name in ("content-type", "content-disposition"):
        return decoding.parameters(old.raw, charsets) == decoding.parameters(new.raw, charsets)
    if old.name in MAILBOXES and decoding.mailboxes(old.raw, charsets) == decoding.mailboxes(new.raw, charsets):
        return True
    read = decoding.identified if old.name in IDENTIFYING else decoding.spoken
    before, after = read(old.raw, charsets), read(new.raw, charsets)
    return before == after or (old.name == "references" and before == after.removesuffix(own.decode()).rstrip())


def _has_long_word(raw: bytes) -> bool:
    """One that no fold makes fit, or an encoded word in a line that has to be folded, which no fold may cut."""
    lines = raw.split(b"\r\n")
    return max(map(len, lines)) > 998 and (max(map(len, raw.split())) > 900 or b"=?" in raw)


def _unfolded(raw: bytes) -> bytes:
    """Without the line ends of its folds (RFC 5322 2.2.3)."""
    return raw.replace(b"\r\n", b"")
