"""Recipients' fields that were written anew, judged: they had to be, and name the same mailboxes in the same words."""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header

import idna

from tests.fakes.addresses import mailboxes, problem
from tests.fidelity.reading import Field, Part

ONE = ("to", "cc")
NAMES = (*ONE, "resent-to", "resent-cc", "resent-from", "disposition-notification-to", "return-receipt-to")
NOBODY = b"undisclosed-recipients:;"

_ENCODED = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=(?:[ \t]+(?==\?))?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"(?!@)|\((?:[^()\\]|\\.)*\)')
_LOOSE = re.compile(r"""[^\s<>,;:"()\\@]+@[^\s<>,;:"()\\@]+""")
_GLUED = re.compile(r'(?:["()<>\\][^\s<>,;:"()\\@]+@|[^\s<>,;:"()\\@]+["()\\]@)')
_FULL_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CARRIED = re.compile(r'"[^"]*"\s*<[^<>]*>')  # a name goes with the address that no mail can carry
_NAME = re.compile(r"([^<>;:@]*)<[^<>@]+@[^<>@]+\.[^<>@]+>")
_LONG = 320  # characters; from there on a name may have been cut


def compare(old: Part, new: Part) -> Iterator[str]:
    """What is wrong with those whose octets are others now."""
    for name in changed(old, new):
        before, after = old.all(name), new.all(name)
        values = [_text(each) for each in before]
        if len(before) == 1 and problem(before[0].value) is None:
            yield f"field {name} changed, though nothing was wrong with it"
        if after and (len(after) > 1 or problem(after[0].value)):
            yield f"field {name} is none that every reader reads"
        elif not after or after[0].value == NOBODY:
            if any(_usable(each) for each in values) or (name == "to" and not after):
                yield f"field {name} names nobody any more"
        else:
            yield from _mailboxes(name, values, after[0])


def changed(old: Part, new: Part) -> list[str]:
    """Names of fields that were written anew; of those that may stand once, the first counts."""
    found = []
    for name in NAMES:
        before, after = (_octets(part.all(name)) for part in (old, new))
        if before != after and not (name not in ONE and before[:1] == after):
            found.append(name)
    return found


def _mailboxes(name: str, values: list[str], field: Field) -> Iterator[str]:
    now = {each.lower() for each in mailboxes(field.value)}
    before = set().union(*map(_usable, values))
    if lost := before - now:
        yield f"field {name} lost {len(lost)} mailboxes"
    everything = " ".join(values).lower()
    if any(not _stood_there(each, everything) for each in now - before):
        yield f"field {name} names somebody else"
    said, says = (_words(" ".join(each)) for each in (values, [_text(field)]))
    if says - said - _words(" ".join(now)):
        yield f"field {name} says other words"
    if "(" not in everything and len(everything) < _LONG:
        values = [_CARRIED.sub(lambda found: found[0] if _usable(found[0]) else "", value) for value in values]
        names = {word for value in values for each in _NAME.findall(value) for word in _words(each)}
        if names - says:
            yield f"field {name} says less"


def _stood_there(address: str, text: str) -> bool:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain}" in text or f"{local}@{idna.decode(domain)}" in text


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", _decoded(text)))


def _usable(value: str) -> set[str]:
    """Addresses at sight that mail can carry, outside names and comments, that touch no quote or bracket within."""
    bare = _QUOTED.sub(" \0 ", _ENCODED.sub(" ", value)) if not _GLUED.search(value) else ""
    found = set()
    for each in _LOOSE.findall(bare):
        local, _, domain = each.removesuffix(".").lower().partition("@")
        try:
            domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            continue
        fits = local.isascii() and not re.search(r"\A\.|\.\.|\.\Z|=\?|[\[\]\0-\x1f\x7f]", local)
        if fits and _FULL_DOMAIN.fullmatch(domain) and len(local) + len(domain) < 254:
            found.add(f"{local}@{domain}")
    return found


def _text(field: Field) -> str:
    try:
        return field.value.decode()
    except UnicodeDecodeError:
        return field.value.decode("cp1252", "replace")


def _decoded(text: str) -> str:
    def word(found: re.Match[str]) -> str:
        try:
            return str(make_header(decode_header(found[0].strip())))
        except (LookupError, ValueError, HeaderParseError):
            return found[0]

    return re.sub(r"[\0-\x1f\x7f]", "", re.sub(r"(?:=\?[^?\s]+\?[bBqQ]\?[^?]*\?=[ \t]*)+", word, text)).lower()


def _octets(fields: list[Field]) -> list[bytes]:
    """Unfolded, and without the lines of blanks that go from every field."""
    folds = re.compile(rb"\r\n(?:[ \t]+(?=\r\n|\Z)|(?=[ \t]))")
    return [folds.sub(b"", each.raw.partition(b":")[2]).strip() for each in fields]
