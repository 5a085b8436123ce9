"""What resolvers have of a domain's records, judged one by one: found, missing or wrong, and what to do."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from auth.domains import dmarc, records, spf
from auth.domains.dkim_keys import Key
from auth.domains.names import Domain
from auth.domains.resolvers import Ask, Found, Missing, Resolver, Unknown, ask_all
from auth.domains.selectors import Look, State
from messages.text import Text


class Result(StrEnum):
    FOUND = "found"
    MISSING = "missing"
    WRONG = "wrong"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Finding:
    """One record as one resolver has it, or as all have it. `needed`: without it the domain cannot be used."""

    purpose: str
    name: str
    type: str
    result: Result = Result.FOUND
    advice: Text | None = None
    resolver: str | None = None  # None: all say the same
    needed: bool = True

    def wrong(self, problem: Text | None) -> "Finding":
        return self if problem is None else replace(self, result=Result.WRONG, advice=problem)

    def noted(self, remark: Text) -> "Finding":
        return replace(self, advice=remark)

    def not_there(self, answer: Missing | Unknown, cure: Text) -> "Finding":
        if isinstance(answer, Unknown):
            return replace(self, result=Result.UNANSWERED, advice=UNANSWERED)
        return replace(self, result=Result.MISSING, advice=cure)


UNANSWERED = Text("the resolver did not answer: try again, or look at NOTIFY_RELAY_DNS__RESOLVERS")
PUBLISH = Text("publish it exactly as domain show prints it")
PUBLISH_NEXT = Text("publish it exactly as domain show prints it: it takes over when it was found twice")
LEAVE_PREVIOUS = Text("mail that it signed may still be on its way, and nothing is there to fall back to")
ALIGNS_RELAXED = Text(
    "SPF aligns in relaxed mode (aspf=r) only: with SES the MAIL FROM must be a subdomain, "
    "so strict SPF alignment cannot be had"
)


async def look_at_keys(resolvers: Sequence[Resolver], domain: Domain) -> dict[UUID, tuple[Look, float]]:
    """What all resolvers together show of each key of the domain, and the longest TTL."""
    names = [records.key_name(key.selector, domain.name) for key in domain.keys]
    answers = await asyncio.gather(*(ask_all(resolvers, name, "TXT") for name in names))
    return {key.id: records.look(each, key.public_record) for key, each in zip(domain.keys, answers, strict=True)}


async def inspect(resolvers: Sequence[Resolver], domain: Domain, region: str) -> list[Finding]:
    """Every record that the domain needs; where resolvers differ, once for each of them."""
    by_resolver = await asyncio.gather(*(_inspect(each.ask, domain, region) for each in resolvers))
    found: list[Finding] = []
    for same in zip(*by_resolver, strict=True):
        if all(each == same[0] for each in same):
            found.append(same[0])
        else:
            found += [replace(each, resolver=by.name) for each, by in zip(same, resolvers, strict=True)]
    return found


def signing(domain: Domain) -> Finding:
    """Whether a key of the domain signs, as two looks have shown."""
    found = Finding("signing", domain.shown.selector, "-")
    if domain.signing is not None:
        return found
    again_at = domain.shown.life.again_at
    if again_at is None:
        return found.not_there(Missing(), Text("it signs when it was found twice, by all resolvers"))
    at = datetime.fromtimestamp(again_at, UTC).strftime("%H:%M:%S")
    return found.not_there(Missing(), Text("found once: a second look after {time} UTC makes it sign", {"time": at}))


async def _inspect(ask: Ask, domain: Domain, region: str) -> list[Finding]:
    """As one resolver has it."""
    bounce = records.mail_from(domain.name)
    return list(
        await asyncio.gather(
            *(_key(ask, domain, key) for key in domain.to_publish),
            _mx(ask, bounce, region),
            _spf(ask, bounce),
            _dmarc(ask, domain.name),
        )
    )


async def _key(ask: Ask, domain: Domain, key: Key) -> Finding:
    found = Finding("dkim", records.key_name(key.selector, domain.name), "TXT", needed=key == domain.shown)
    answer = await ask(found.name, "TXT")
    if isinstance(answer, Found):
        return found.wrong(records.key_problem(answer.values, key.public_record))
    if found.needed:
        return found.not_there(answer, PUBLISH)
    return found.not_there(answer, PUBLISH_NEXT if key.life.state is State.PENDING else LEAVE_PREVIOUS)


async def _mx(ask: Ask, bounce: str, region: str) -> Finding:
    found = Finding("mail-from", bounce, "MX")
    answer = await ask(bounce, "MX")
    if not isinstance(answer, Found):
        return found.not_there(answer, PUBLISH)
    hosts, wanted = [each.partition(" ")[2] for each in answer.values], records.ses_exchanger(region)
    if len(hosts) > 1:  # SES then uses a MAIL FROM of its own, and SPF does not align
        return found.wrong(Text("{count} MX records stand there, and SES wants exactly one", {"count": len(hosts)}))
    return found if hosts == [wanted] else found.wrong(Text("it names another host than {host}", {"host": wanted}))


async def _spf(ask: Ask, bounce: str) -> Finding:
    found = Finding("mail-from", bounce, "TXT")
    try:
        problem = await spf.problem(ask, bounce)
    except spf.NoRecord:
        return found.not_there(Missing(), PUBLISH)
    except spf.Unanswered:
        return found.not_there(Unknown("spf"), PUBLISH)
    return found.noted(ALIGNS_RELAXED) if problem is None else found.wrong(problem)


async def _dmarc(ask: Ask, domain: str) -> Finding:
    search = await dmarc.find(ask, domain)
    found = Finding("dmarc", f"_dmarc.{search.at or domain}", "TXT")
    if search.problem is not None:
        return found.wrong(search.problem)
    if search.policy is not None:
        return found.noted(_of_policy(search.policy, domain))
    return found.not_there(Unknown("dmarc") if search.unanswered else Missing(), PUBLISH)


def _of_policy(policy: dmarc.Policy, domain: str) -> Text:
    values = {
        "policy": policy.policy,
        "dkim": "s" if policy.strict_dkim else "r",
        "spf": "s" if policy.strict_spf else "r",
    }
    said = Text("policy {policy}, adkim={dkim}, aspf={spf}", values)
    for remark in _remarks(policy, domain):
        said = Text("{said}; {remark}", {"said": said, "remark": remark})
    return said


def _remarks(policy: dmarc.Policy, domain: str) -> Iterator[Text]:
    """What the owner may not have meant, or could do better."""
    if policy.tag is None:
        yield Text("p= is missing, which counts as none: set it")
    if policy.strict_spf:
        yield Text("with aspf=s SPF never aligns, and DMARC rests on DKIM alone: set aspf=r")
    if policy.psd == "y" and policy.found_at == domain:
        yield Text("psd=y is for registries of names, and keeps SPF from aligning: take it off")
    elif policy.psd == "y":
        yield Text("it is what the registry asks for all names below its own: publish a record")
    if policy.testing and policy.policy != "none":
        yield Text(
            "with t=y receivers apply {policy}: take it off once reports show no trouble", {"policy": policy.applied}
        )
    gone = [f"{name}=" for name in policy.ignored if name in dmarc.GONE]
    unknown = [name for name in policy.ignored if name not in dmarc.GONE]
    if gone:
        yield Text(
            "{tags} has been gone since RFC 9989, and counts for nothing: take it off", {"tags": ", ".join(gone)}
        )
    if unknown:
        yield Text("{part} is no tag of a DMARC record, and counts for nothing", {"part": ", ".join(unknown)})
    if policy.applied == "none":
        # RFC 9989 7.4: lists break alignment, and the mail of those who write to them would be refused.
        yield Text(
            "forged mail is let through: raise it to p=quarantine, or to p=reject where nobody writes to lists from it"
        )
