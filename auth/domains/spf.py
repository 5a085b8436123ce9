"""Whether SPF lets Amazon SES send for a domain, within what a receiver looks up (RFC 7208).

The record is followed as `check_host()` does, but for the address: SES's are in the record that it publishes itself.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_network

from auth.domains.resolvers import Ask, Found, Missing, Unknown
from messages.text import Text

SES = "amazonses.com"
MAX_LOOKUPS, MAX_VOID_LOOKUPS, MAX_EXCHANGERS = 10, 2, 10  # RFC 7208 4.6.4

_TERM = re.compile(
    r"([+?~-]?)(include|a|mx|ptr|exists|ip4|ip6|all)(?::(.+?))?((?:/(\d{1,3}))?(?://(\d{1,3}))?)",
    re.IGNORECASE | re.ASCII,
)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
_QUESTIONS = {"a": "A", "exists": "A", "mx": "MX"}


class SpfError(Exception):
    """Why a receiver comes to no verdict, or to one that is not pass."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


class Unanswered(Exception):  # noqa: N818
    """A resolver did not say."""


class NoRecord(Exception):  # noqa: N818
    """The domain has no SPF record."""


@dataclass(slots=True)
class _Walk:
    ask: Ask
    lookups: int = 0
    voids: int = 0


@dataclass(frozen=True, slots=True)
class _Term:
    kind: str
    target: str  # empty: the domain of the record
    is_pass: bool


async def problem(ask: Ask, domain: str) -> Text | None:
    """What is wrong with the SPF record of a domain that SES sends for. Raises NoRecord or Unanswered."""
    walk = _Walk(ask)
    try:
        record = await _record(walk, domain)
        if record is None:
            raise NoRecord
        passes = await _follow(walk, domain, record)
    except SpfError as error:
        return error.text
    if not passes:
        return Text("it does not include {host}: SES may not send for the domain", {"host": SES})
    return None


async def _record(walk: _Walk, domain: str) -> str | None:
    """The one SPF record of a domain."""
    answer = await walk.ask(domain, "TXT")
    if isinstance(answer, Unknown):
        raise Unanswered
    values = answer.values if isinstance(answer, Found) else ()
    found = [each for each in values if each.lower() == "v=spf1" or each.lower().startswith("v=spf1 ")]
    if len(found) > 1:  # RFC 7208 4.5: permerror
        raise SpfError(
            Text("{domain} has {count} SPF records: make one of them", {"domain": domain, "count": len(found)})
        )
    return found[0] if found else None


async def _follow(walk: _Walk, domain: str, record: str) -> bool | None:
    """Whether mail from SES gets pass; None: nothing of the record matches it."""
    terms, redirect = _parse(record)
    for term in terms:
        if term.kind == "all":
            return False
        if term.kind == "include":
            if await _include(walk, term.target):
                return term.is_pass  # nobody looks at what stands behind it
        elif term.kind not in ("ip4", "ip6"):
            await _look_up(walk, term.kind, term.target or domain)
    return await _include(walk, redirect) if redirect else None


async def _include(walk: _Walk, target: str) -> bool | None:
    _count(walk)
    if "%" in target:  # a macro needs the sender of a message
        return None
    record = await _record(walk, target)
    if record is None:  # RFC 7208 5.2, 6.1: permerror
        raise SpfError(Text("{domain}, which it names, has no SPF record", {"domain": target}))
    return await _follow(walk, target, record) or target == SES


async def _look_up(walk: _Walk, kind: str, target: str) -> None:
    _count(walk)
    if "%" in target or kind == "ptr":
        return
    answer = await walk.ask(target, _QUESTIONS[kind])
    if isinstance(answer, Unknown):
        raise Unanswered
    if isinstance(answer, Missing):
        _count_void(walk)
    elif kind == "mx" and len(answer.values) > MAX_EXCHANGERS:
        values = {"domain": target, "limit": MAX_EXCHANGERS}
        raise SpfError(Text("{domain} has more than {limit} mail exchangers, and it counts for nothing", values))


# -- Terms ---------------------------------------------------------------------------------------------------------
def _parse(record: str) -> tuple[list[_Term], str]:
    """The mechanisms, and where it redirects to. An error anywhere counts before the first look-up (RFC 7208 4.6)."""
    mechanisms, modifiers = [], {"redirect": "", "exp": ""}
    for term in record.split(" ")[1:]:
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            mechanisms += [_mechanism(term)] if term else []
        elif (name := modifier[1].lower()) in modifiers:
            if modifiers[name]:  # RFC 7208 6
                raise SpfError(Text("{name}= stands there twice: leave one", {"name": name}))
            modifiers[name] = modifier[2].lower().rstrip(".")
            if not modifiers[name]:
                raise _no_term(term)
    return mechanisms, modifiers["redirect"]


def _mechanism(term: str) -> _Term:
    found = _TERM.fullmatch(term)
    if found is None or not _is_whole(found):
        raise _no_term(term)
    kind, is_pass = found[2].lower(), found[1] in ("", "+")
    if kind == "all" and is_pass:
        raise SpfError(Text("+all lets everybody send for the domain: use ~all"))
    return _Term(kind, (found[3] or "").lower().rstrip("."), is_pass)


def _is_whole(found: re.Match[str]) -> bool:
    """Whether it has what its kind needs, and nothing else (RFC 7208 12)."""
    kind, target, length = found[2].lower(), found[3] or "", found[4]
    if kind in ("ip4", "ip6"):
        return "/" not in target and _is_network(f"{target}{length}", 4 if kind == "ip4" else 6)
    if kind in ("a", "mx"):
        return int(found[5] or 0) <= 32 and int(found[6] or 0) <= 128
    return not length and (kind == "ptr" or bool(target) == (kind != "all"))


def _is_network(text: str, version: int) -> bool:
    try:
        return ip_network(text, strict=False).version == version
    except ValueError:
        return False


def _no_term(term: str) -> SpfError:
    return SpfError(Text("{term} is no term of an SPF record", {"term": term}))


# -- Limits --------------------------------------------------------------------------------------------------------
def _count(walk: _Walk) -> None:
    walk.lookups += 1
    if walk.lookups > MAX_LOOKUPS:
        raise SpfError(Text("it takes more than {limit} look-ups, and counts for nothing", {"limit": MAX_LOOKUPS}))


def _count_void(walk: _Walk) -> None:
    walk.voids += 1
    if walk.voids > MAX_VOID_LOOKUPS:
        raise SpfError(
            Text(
                "more than {limit} of its look-ups find nothing, and it counts for nothing", {"limit": MAX_VOID_LOOKUPS}
            )
        )
