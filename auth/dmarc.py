"""The DMARC policy that a receiver finds for a domain, and whether mail of ours aligns with it (RFC 7489)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auth.resolvers import Ask, Missing, Unknown
from messages.text import Text

_MAX_STEPS = 8  # names that are asked about, as the successor of RFC 7489 bounds it
_PERCENT = re.compile(r"100|0?[0-9]{1,2}")
_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the record of `found_at` asks of receivers, for one domain: its own or a subdomain's."""

    found_at: str
    policy: str  # p, or sp where the record is a parent's
    strict_dkim: bool
    strict_spf: bool
    percent: int


@dataclass(frozen=True, slots=True)
class Search:
    """`policy` is None where there is none that counts; `problem` says why where a record is there."""

    policy: Policy | None = None
    problem: Text | None = None
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the identifiers of a message stand to its header From; `passes` what a receiver makes of it.

    `passes` is None where no policy is found: DMARC then says nothing.
    """

    search: Search
    dkim: bool
    spf: bool

    @property
    def passes(self) -> bool | None:
        return None if self.search.policy is None else self.dkim or self.spf


async def evaluate(ask: Ask, header_from: str, *, signing_domain: str | None, mail_from: str | None) -> Alignment:
    """DMARC for mail from the domain `header_from`, where the signature and SPF themselves pass."""
    search = await find(ask, header_from)
    strict_dkim, strict_spf = (search.policy.strict_dkim, search.policy.strict_spf) if search.policy else (False, False)
    return Alignment(
        search,
        dkim=signing_domain is not None and aligned(header_from, signing_domain, strict=strict_dkim),
        spf=mail_from is not None and aligned(header_from, mail_from, strict=strict_spf),
    )


def aligned(header_from: str, other: str, *, strict: bool) -> bool:
    """RFC 7489 3.1: the same domain, or in relaxed mode one below the other.

    Two that stand side by side below a third align only where no registry of names is between them; that is not known
    here, and such mail is not ours.
    """
    return header_from == other or (
        not strict and (other.endswith(f".{header_from}") or header_from.endswith(f".{other}"))
    )


async def find(ask: Ask, domain: str) -> Search:
    """The policy for a domain: its own record, else that of the nearest parent that has one (RFC 7489 6.6.3)."""
    for name in _names(domain):
        answer = await ask(f"_dmarc.{name}", "TXT")
        if isinstance(answer, Unknown):
            return Search(unanswered=True)
        values = () if isinstance(answer, Missing) else answer.values
        found = [each for each in values if each.partition(";")[0].replace(" ", "") == "v=DMARC1"]
        if len(found) > 1:
            problem = Text(
                "{domain} has {count} DMARC records: make one of them", {"domain": name, "count": len(found)}
            )
            return Search(problem=problem)
        if found:
            return _read(name, domain, found[0])
    return Search()


def _names(domain: str) -> Iterator[str]:
    """The domain and its parents, but for the top-level domain."""
    labels = domain.split(".")
    yield domain
    for length in range(min(len(labels), _MAX_STEPS) - 1, 1, -1):
        yield ".".join(labels[-length:])


def _read(found_at: str, domain: str, record: str) -> Search:
    tags: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in record.split(";"))):
        name, equals, value = part.partition("=")
        if not equals:
            return Search(problem=Text("{part} is no tag of a DMARC record", {"part": part}))
        tags.setdefault(name.strip().lower(), value.strip().lower())
    policy = tags.get("p", "")
    if found_at != domain:
        policy = tags.get("sp", policy)
    if policy not in _POLICIES:
        return Search(problem=Text("p= is to be none, quarantine or reject: set it"))
    percent = tags.get("pct", "100")
    if not _PERCENT.fullmatch(percent):
        return Search(problem=Text("pct= is no number up to 100: take it off"))
    return Search(Policy(found_at, policy, tags.get("adkim") == "s", tags.get("aspf") == "s", int(percent)))
