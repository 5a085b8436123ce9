"""The DMARC policy that a receiver finds for a domain, and whether mail of ours aligns with it (RFC 9989)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from auth.domains.resolvers import Ask, Missing, Unknown
from messages.text import Text

_LABELS = 7  # RFC 9989 4.10: left of a name of more than eight, so that nobody asks more than eight times
_RECORD = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")  # RFC 9989 4.8: of the two, the value has a case
_NEARLY = re.compile(r"\s*v\s*=\s*dmarc", re.IGNORECASE)
_TAG = re.compile(r"([A-Za-z]+)[ \t]*=(.*)", re.DOTALL)
_REPORTS_TO = re.compile(r"(?:^|,)\s*[a-z][a-z0-9+.-]*:[^\s,]+", re.IGNORECASE)  # a URI of the list in rua=
_POLICIES = ("none", "quarantine", "reject")
_KNOWN = {"v", "p", "sp", "np", "t", "psd", "adkim", "aspf", "fo", "rua", "ruf"}
GONE = ("pct", "rf", "ri")  # RFC 9989 C.5.2: of its predecessor


@dataclass(frozen=True, slots=True)
class Policy:
    """What the record of `found_at` asks of receivers, for one domain: its own, its organization's or a registry's.

    `tag` says it, None where none does; those in `ignored` count for nothing.
    """

    found_at: str
    policy: str
    tag: str | None = "p"  # of a record above the domain sp, too, or np where the domain does not exist
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: str = "u"
    testing: bool = False
    ignored: tuple[str, ...] = ()

    @property
    def applied(self) -> str:
        """RFC 9989 4.7, t: one level below what is asked for, while it is tried."""
        return _POLICIES[max(_POLICIES.index(self.policy) - 1, 0)] if self.testing else self.policy


@dataclass(frozen=True, slots=True)
class Search:
    """`policy` is None where there is none that counts; `problem` is what receivers throw away, and stands `at`."""

    policy: Policy | None = None
    problem: Text | None = None
    at: str | None = None
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


@dataclass(frozen=True, slots=True)
class _Record:
    """What stands at one name. `tags` is None where nothing there is a record that counts."""

    name: str
    tags: Mapping[str, str] | None = None
    problem: Text | None = None
    ignored: tuple[str, ...] = ()

    @property
    def psd(self) -> str:
        return psd if self.tags and (psd := self.tags.get("psd", "").lower()) in ("y", "n") else "u"


class _Unanswered(Exception):  # noqa: N818
    """A resolver did not say."""


async def evaluate(ask: Ask, header_from: str, *, signing_domain: str | None, mail_from: str | None) -> Alignment:
    """DMARC for mail from the domain `header_from`, where the signature and SPF themselves pass."""
    tree = _Tree(ask)
    search = await _find(tree, header_from)
    policy = search.policy or Policy(header_from, "none")
    return Alignment(
        search,
        dkim=await _aligned(tree, header_from, signing_domain, strict=policy.strict_dkim),
        spf=await _aligned(tree, header_from, mail_from, strict=policy.strict_spf),
    )


async def find(ask: Ask, domain: str) -> Search:
    """The policy for a domain: its own record, else its organization's, else its registry's (RFC 9989 4.10.1)."""
    return await _find(_Tree(ask), domain)


async def _aligned(tree: "_Tree", header_from: str, other: str | None, *, strict: bool) -> bool:
    """RFC 9989 4.4: the same domain, or in relaxed mode of the same organization.

    What no resolver told does not align. Without a policy, as it would be with one that `header_from` publishes.
    """
    if other is None or header_from == other or strict:
        return header_from == other
    try:
        walks = [await tree.walk(each) for each in (header_from, other)]
    except _Unanswered:
        return False
    if not any(record.tags for walk in walks for record in walk):
        return other.endswith(f".{header_from}")
    return _organization(walks[0]) == _organization(walks[1])


# -- The tree ------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Tree:
    """The records above and at some names, each asked about once."""

    ask: Ask
    seen: dict[str, _Record] = field(default_factory=dict)

    async def walk(self, domain: str) -> list[_Record]:
        """What stands at the domain and above it, up to one that says whose the names below it are (RFC 9989 4.10)."""
        found = []
        for name in _names(domain):
            found.append(await self.at(name))
            if found[-1].psd != "u":
                break
        return found

    async def at(self, name: str) -> _Record:
        if name not in self.seen:
            answer = await self.ask(f"_dmarc.{name}", "TXT")
            if isinstance(answer, Unknown):
                raise _Unanswered
            self.seen[name] = _record(name, () if isinstance(answer, Missing) else answer.values)
        return self.seen[name]

    async def exists(self, name: str) -> bool:
        """RFC 9989 3.2.13: whether there is the name, or one below it."""
        answer = await self.ask(name, "TXT")
        if isinstance(answer, Unknown):
            raise _Unanswered
        return not (isinstance(answer, Missing) and answer.no_such_name)


def _names(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    yield domain
    for length in range(min(len(labels) - 1, _LABELS), 0, -1):
        yield ".".join(labels[-length:])


def _organization(walk: list[_Record]) -> str:
    """The organizational domain of where the walk began (RFC 9989 4.10.2)."""
    start, found = walk[0].name, [record for record in walk if record.tags is not None]
    if not found:
        return start
    last = found[-1]  # the walk ended at a psd=y or n, and what has the fewest labels stands last
    if last.psd == "y" and last.name != start:
        return ".".join(start.split(".")[-last.name.count(".") - 2 :])
    return last.name


async def _find(tree: _Tree, domain: str) -> Search:
    try:
        own = await tree.at(domain)
        if own.tags is not None:
            return _judge(own, "p")
        walk = await tree.walk(domain)
        unusable = next((record for record in walk if record.problem), _Record(domain))
        above = _above(walk)
        if above is None:
            return Search(problem=unusable.problem, at=unusable.name)
        search = _judge(above, *await _asked(tree, domain, above))
    except _Unanswered:
        return Search(unanswered=True)
    return replace(search, problem=own.problem, at=own.name) if own.problem else search


def _above(walk: list[_Record]) -> _Record | None:
    """The record of the organization, else the registry's."""
    found, organization = [record for record in walk if record.tags is not None], _organization(walk)
    return next((record for record in found if record.name == organization), found[-1] if found else None)


async def _asked(tree: _Tree, domain: str, above: _Record) -> tuple[str, ...]:
    """The tags that speak of a domain below that of the record."""
    is_of_no_name = "np" in (above.tags or {}) and not await tree.exists(domain)
    return ("np",) if is_of_no_name else ("sp", "p")


# -- One record ----------------------------------------------------------------------------------------------------
def _record(name: str, values: tuple[str, ...]) -> _Record:
    """The one DMARC record among the TXT records of a name. Two count as none (RFC 9989 4.10, step 2)."""
    found = [each for each in values if _RECORD.match(each[:1].lower() + each[1:])]
    if len(found) > 1:
        many = {"domain": name, "count": len(found)}
        return _Record(name, problem=Text("{domain} has {count} DMARC records: make one of them", many))
    if found:
        return _parse(name, found[0])
    if any(map(_NEARLY.match, values)):
        return _Record(name, problem=Text("the record of {domain} is to begin with v=DMARC1;", {"domain": name}))
    return _Record(name)


def _parse(name: str, record: str) -> _Record:
    """RFC 9989 4.8: what is no tag, or one that nobody knows, is passed over. RFC 6376 3.2: none stands twice."""
    tags: dict[str, str] = {}
    ignored = []
    for part in filter(None, (part.strip() for part in record.split(";"))):
        tag = _TAG.fullmatch(part)
        key = tag[1].lower() if tag else part
        if tag is None or key not in _KNOWN:
            ignored.append(key)
        elif key in tags:
            return _Record(name, problem=Text("{name}= stands there twice: leave one", {"name": key}))
        else:
            tags[key] = tag[2].strip()
    return _Record(name, tags, ignored=tuple(ignored))


def _judge(record: _Record, *asked: str) -> Search:
    """What the record asks for; the first of the tags `asked` that it has says it."""
    assert record.tags is not None
    tags = {name: value.lower() for name, value in record.tags.items()}
    wrong = next((name for name in ("p", "sp", "np") if name in tags and tags[name] not in _POLICIES), None)
    tag = next((name for name in asked if name in tags), None)
    policy = Policy(
        record.name,
        "none" if wrong or tag is None else tags[tag],  # RFC 9989 4.7: none where nothing says otherwise
        tag,
        strict_dkim=tags.get("adkim") == "s",
        strict_spf=tags.get("aspf") == "s",
        psd=record.psd,
        testing=tags.get("t") == "y",
        ignored=record.ignored,
    )
    if wrong is None:
        return Search(policy, at=record.name)
    # RFC 9989 4.10.1: where reports are asked for it is none, and where not nobody applies the record.
    problem = Text("{name}= is to be none, quarantine or reject: set it", {"name": wrong})
    return Search(policy if _REPORTS_TO.search(tags.get("rua", "")) else None, problem, record.name)
