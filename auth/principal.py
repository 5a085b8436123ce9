"""Who a session is: the service and the key it logged in with, and what they may do. Frozen values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_network
from uuid import UUID

from auth.fiscal_year import TIME_ZONE
from messages.message import KeyType, Lane, Language

CONTENT_DAYS = 7
BETWEEN_NAMES = " / "  # of who writes in both languages


class DisplayName(StrEnum):
    """Whose name stands in header From."""

    SERVICE = "service"
    AUTHOR = "author"


class ReplyTo(StrEnum):
    """Which author addresses may become Reply-To."""

    REGISTERED = "registered"
    ANY = "any"
    NONE = "none"


class FromPolicy(StrEnum):
    """What becomes of an author in header From."""

    REWRITE = "rewrite"  # gives way to the service's address
    ALLOW = "allow"  # stays at one of the service's own domains, else gives way
    ALLOW_OR_REFUSE = "allow-or-refuse"  # stays there, else the message is refused


class Received(StrEnum):
    """What becomes of the trace that a message brings, which names the hosts of the client's network."""

    KEEP = "keep"
    REMOVE = "remove"


class Option(StrEnum):
    """What a key says for its messages, and a message may say otherwise unless the key fixes it."""

    LANE = "lane"
    LANGUAGE = "language"
    BRANDING = "branding"
    EXPIRES = "expires"
    REPLY_TO = "reply-to"


@dataclass(frozen=True, slots=True)
class Service:
    """Who sends. Times are seconds since the epoch."""

    id: UUID
    name: str
    email_from: str  # local part of header From
    domain: str  # its domain, ours or the service's own
    live: bool  # else in trial: reaches only its guest list
    held: bool
    display_name: DisplayName
    reply_to: ReplyTo
    reply_to_address: str | None  # the service's own, when the author may not stand there
    language: Language
    branding: str
    per_day: int  # emails
    email_template_id: UUID  # the hidden template of its SMTP mail
    created_at: float
    from_policy: FromPolicy = FromPolicy.REWRITE
    received: Received = Received.KEEP
    tests_per_day: int = 100_000  # of its test keys together: they reach nobody, but take room in the queue
    texts_per_day: int = 1_500  # parts of text messages, as those of a year
    emails_per_year: int = 10_000_000  # of a fiscal year, in its time zone
    texts_per_year: int = 25_000
    time_zone: str = TIME_ZONE
    contact: str | None = None  # whom we write to about the service; None: nobody
    sms_allowed: bool = True
    sms_prefix: bool = True  # its texts name it first
    sms_international: bool = False  # its texts may go abroad
    sms_downgrade: bool = False  # typography that would cost more parts is written in plain letters
    name_fr: str | None = None  # None: the same in French
    organisation_id: UUID | None = None  # None: of none
    content_days: int = CONTENT_DAYS  # how long what its messages say is kept
    notice_address: str | None = None  # who hears of messages whose sender is at no domain of its own; None: nobody

    @property
    def sms_template_id(self) -> UUID:
        """The hidden template of its texts by SMTP: no random id comes so near to another one."""
        return UUID(int=self.email_template_id.int ^ 1)

    @property
    def sms_sender(self) -> str:
        """What its texts name first; empty: nobody."""
        return self.name_in(self.language) if self.sms_prefix else ""

    def name_in(self, language: Language) -> str:
        """As the readers of a message in this language know it; in both, in the order of its own signature."""
        if self.name_fr is None or language is Language.EN:
            return self.name
        if language is Language.FR:
            return self.name_fr
        names = (self.name_fr, self.name) if self.branding == "fip_french" else (self.name, self.name_fr)
        return BETWEEN_NAMES.join(names)


@dataclass(frozen=True, slots=True)
class Key:
    """A credential of a service, good at every door. Its secret is not here."""

    id: UUID
    service_id: UUID
    name: str
    type: KeyType
    smtp_username: str
    lane: Lane | None
    language: Language | None
    branding: str | None
    per_minute: int
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None
    networks: tuple[str, ...] = ()  # where it may log in from (CIDR); empty: anywhere
    reply_to_address: str | None = None  # instead of the service's own
    lifetime_seconds: int | None = None  # of its messages; None: their lane's
    max_message_bytes: int | None = None
    max_recipients: int | None = None  # of one submission
    allowed_from: frozenset[str] = frozenset()  # who its mail may say it is from, as in `registered`; empty: anyone
    fixed: frozenset[Option] = frozenset()

    def is_revoked(self, now: float) -> bool:
        return self.revoked_at is not None or (self.expires_at is not None and now >= self.expires_at)

    def may_log_in_from(self, client_ip: str | None) -> bool:
        """False for an unknown address when the key names networks."""
        if not self.networks:
            return True
        try:
            address = ip_address(client_ip or "")
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # a dual-stack listener sees ::ffff:192.0.2.1
        return any((mapped or address) in ip_network(network) for network in self.networks)


@dataclass(frozen=True, slots=True)
class Principal:
    """Service and key of one session, with the lists that checks need. Addresses are in `Address.key` form."""

    service: Service
    key: Key
    guests: frozenset[str]  # who a team key or a trial service may reach, by `Recipient.key`
    registered: frozenset[str]  # addresses that may be Reply-To, and domains as "@domain"
    domains: frozenset[str] = frozenset()  # its own ones, at which it may name its authors
    reply_tos: Mapping[UUID, str] = field(default_factory=dict, hash=False)  # that a message may name, by id
    acting: bool = False  # for somebody who was admitted in another way: its key is the one that nobody holds

    # What holds for a message that does not say otherwise: what its key says, else its service.
    @property
    def lane(self) -> Lane:
        return self.key.lane or Lane.NORMAL

    @property
    def language(self) -> Language:
        return self.key.language or self.service.language

    @property
    def branding(self) -> str:
        return self.key.branding or self.service.branding

    @property
    def reply_to_address(self) -> str | None:
        return self.key.reply_to_address or self.service.reply_to_address

    def lifetime_seconds(self, lane: Lane) -> int:
        return self.key.lifetime_seconds or lane.lifetime_seconds

    def may_reach(self, recipient_key: str) -> bool:
        if self.key.type is KeyType.TEST:
            return True
        return (self.service.live and self.key.type is not KeyType.TEAM) or recipient_key in self.guests
