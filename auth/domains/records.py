"""What a domain's owner publishes so that mail of ours aligns, and whether a key record that is found is ours. Pure."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass

from auth.domains.names import Domain
from auth.domains.resolvers import Answer, Ask, Found, Missing, Unknown
from auth.domains.selectors import MIN_TTL_SECONDS, Look
from messages.text import Text

_STRING_OCTETS = 255  # RFC 1035 3.3: of one string in a record

# Nobody but us sends from the default domain. What else sends from another one is its owner's to find out first.
_ALL_OURS, _OF_OTHERS_TOO = "v=DMARC1; p=reject; adkim=s; aspf=r; psd=n", "v=DMARC1; p=none"


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record that the owner of a domain publishes."""

    purpose: str
    name: str
    type: str
    value: str

    @property
    def zone_line(self) -> str:
        """As a zone file has it: a long text is split, and joined again by whoever reads it."""
        if self.type != "TXT":
            return f"{self.name}. IN {self.type} {self.value}."
        pieces = [self.value[i : i + _STRING_OCTETS] for i in range(0, len(self.value), _STRING_OCTETS)]
        return f"{self.name}. IN TXT " + " ".join(f'"{piece}"' for piece in pieces)


def mail_from(domain: str) -> str:
    """The domain of the return path. SES takes no other than a subdomain."""
    return f"bounce.{domain}"


def key_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"  # RFC 6376 3.6.2.1


def ses_exchanger(region: str) -> str:
    """Where bounces of mail that SES sends from `region` go."""
    return f"feedback-smtp.{region}.amazonses.com"


def records(domain: Domain, region: str, *, is_default: bool = False) -> list[Record]:
    """What to publish so that SPF, DKIM and DMARC align when SES sends from `region`."""
    keys = [Record("dkim", key_name(key.selector, domain.name), "TXT", key.public_record) for key in domain.to_publish]
    bounce = mail_from(domain.name)
    return [
        *keys,
        # SES puts its own reverse-path on every message; a MAIL FROM domain of ours makes SPF align (RFC 9989 4.4.2).
        Record("mail-from", bounce, "MX", f"10 {ses_exchanger(region)}"),
        Record("mail-from", bounce, "TXT", "v=spf1 include:amazonses.com ~all"),
        Record("dmarc", f"_dmarc.{domain.name}", "TXT", _ALL_OURS if is_default else _OF_OTHERS_TOO),
    ]


def as_published(published: Iterable[Record]) -> Ask:
    """Answers as a resolver does that finds exactly these records."""
    zone: dict[tuple[str, str], list[str]] = {}
    for each in published:
        zone.setdefault((each.name, each.type), []).append(each.value)

    async def ask(name: str, type_: str) -> Answer:
        values = zone.get((name, type_))
        return Found(tuple(values), int(MIN_TTL_SECONDS)) if values else Missing()

    return ask


# -- Key records ---------------------------------------------------------------------------------------------------
def key_problem(values: tuple[str, ...], public_record: str) -> Text | None:
    """What is wrong with the TXT records under a selector; None when they are the key, exactly."""
    if len(values) > 1:  # RFC 6376 3.6.2.2: what a verifier makes of two is left open
        return Text("{count} TXT records stand there: leave only ours", {"count": len(values)})
    tags = _tags(values[0])
    ours = _tags(public_record)
    if tags is None:
        return Text("it is no key record: publish it exactly as shown")
    versioned = "v" in tags  # RFC 6376 3.6.1: it may be left out, and stands first
    if (versioned and next(iter(tags.items())) != ("v", "DKIM1")) or tags.get("k", "rsa") != "rsa":
        return Text("its version or key type is not ours: publish it exactly as shown")
    if "p" not in tags:
        return Text("it has no p=: publish it exactly as shown")
    if not tags["p"]:  # RFC 6376 3.6.1
        return Text("its p= is empty, which revokes the key: publish it exactly as shown")
    if not _same_key(tags["p"], ours["p"] if ours else ""):
        return Text("it holds another key, or a part of ours: publish it exactly as shown")
    if "y" in tags.get("t", "").split(":"):  # RFC 6376 3.6.1: treated as if the mail were not signed
        return Text("t=y says that signatures are a test and count for nothing: take it off")
    if tags.get("h", "sha256").split(":").count("sha256") != 1:
        return Text("h= leaves out sha256, which our signatures use: take it off")
    if not {"*", "email"} & set(tags.get("s", "*").split(":")):
        return Text("s= leaves out email: take it off")
    return None


def look(answers: Iterable[Answer], public_record: str) -> tuple[Look, float]:
    """What all resolvers together show of a key, and the longest TTL that one gave."""
    found, ttl = list(answers), 0.0
    unanswered = not found
    for each in found:
        if isinstance(each, Unknown):
            unanswered = True
        elif isinstance(each, Missing) or key_problem(each.values, public_record):
            return Look.WRONG, 0.0
        else:
            ttl = max(ttl, each.ttl)
    return (Look.UNANSWERED, 0.0) if unanswered else (Look.RIGHT, ttl)


def _tags(record: str) -> dict[str, str] | None:
    """The tags of a key record without white space (RFC 6376 3.2); None when it is no list of tags."""
    tags: dict[str, str] = {}
    for part in record.strip().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or name.strip() in tags:
            return None
        tags[name.strip()] = "".join(value.split())
    return tags


def _same_key(one: str, other: str) -> bool:
    try:
        return b64decode(one, validate=True) == b64decode(other, validate=True)
    except Base64Error:
        return False
