"""Whether SPF lets Amazon SES send for a domain, within what a receiver looks up (RFC 7208).

The record is followed as `check_host()` does, but for the address: SES's are in the record that it publishes itself.
"""

import re
from dataclasses import dataclass

from auth.resolvers import Ask, Found, Missing, Unknown
from messages.text import Text

SES = "amazonses.com"
MAX_LOOKUPS, MAX_VOID_LOOKUPS = 10, 2  # RFC 7208 4.6.4

_TERM = re.compile(r"[+?~-]?(include|a|mx|ptr|exists|ip4|ip6|all)(?=[:/]|$)(?::([^/]*))?(/.*)?", re.IGNORECASE)
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
    includes_ses: bool = False


async def problem(ask: Ask, domain: str) -> Text | None:
    """What is wrong with the SPF record of a domain that SES sends for. Raises NoRecord or Unanswered."""
    walk = _Walk(ask)
    try:
        record = await _record(walk, domain)
        if record is None:
            raise NoRecord
        await _follow(walk, domain, record)
    except SpfError as error:
        return error.text
    if not walk.includes_ses:
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


async def _follow(walk: _Walk, domain: str, record: str) -> None:
    redirect = None
    for term in record.split()[1:]:
        if modifier := _MODIFIER.fullmatch(term):
            redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
            continue
        mechanism = _TERM.fullmatch(term)
        if mechanism is None:
            raise SpfError(Text("{term} is no term of an SPF record", {"term": term}))
        kind, target = mechanism[1].lower(), (mechanism[2] or domain).lower().rstrip(".")
        if kind == "all":
            if term[0] not in "?~-":
                raise SpfError(Text("+all lets everybody send for the domain: use ~all"))
            return  # what stands behind it is never looked at, redirect neither
        if kind == "include":
            await _include(walk, target)
        elif kind not in ("ip4", "ip6"):
            await _look_up(walk, kind, target)
    if redirect:
        await _include(walk, redirect.lower().rstrip("."))


async def _include(walk: _Walk, target: str) -> None:
    _count(walk)
    if target == SES:
        walk.includes_ses = True
    if "%" in target:  # a macro needs the sender of a message
        return
    record = await _record(walk, target)
    if record is None:  # RFC 7208 5.2, 6.1: permerror
        raise SpfError(Text("{domain}, which it names, has no SPF record", {"domain": target}))
    await _follow(walk, target, record)


async def _look_up(walk: _Walk, kind: str, target: str) -> None:
    _count(walk)
    if "%" in target or kind == "ptr":
        return
    answer = await walk.ask(target, _QUESTIONS[kind])
    if isinstance(answer, Unknown):
        raise Unanswered
    if isinstance(answer, Missing):
        _count_void(walk)


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
