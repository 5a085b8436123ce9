"""Where email and texts go, and what that is like: for all who ask before there is a provider, or may not know it."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Traits:
    """What a provider of email is like, each as what it means for the others."""

    writes_files: bool  # messages become files here (OUTBOX__DIR): nothing leaves this machine
    delivers_at_once: bool  # what it has taken has arrived; else events tell what becomes of it
    needs_verified_domains: bool  # a domain's records are in DNS before mail may come from it
    registers_domains: bool  # it has to be given each domain and its key
    suppresses: bool  # it has a list of addresses that it sends nothing to
    grants_rate: bool  # it takes so many in a second and in a day, and says how many


class EmailProvider(StrEnum):
    """The operator's choice. Nobody compares it: what it is like says `traits`."""

    OUTBOX = "outbox"
    SES = "ses"

    @property
    def traits(self) -> Traits:
        return _TRAITS[self]


_TRAITS = {
    EmailProvider.OUTBOX: Traits(
        writes_files=True,
        delivers_at_once=True,
        needs_verified_domains=False,
        registers_domains=False,
        suppresses=False,
        grants_rate=False,
    ),
    EmailProvider.SES: Traits(
        writes_files=False,
        delivers_at_once=False,
        needs_verified_domains=True,
        registers_domains=True,
        suppresses=True,
        grants_rate=True,
    ),
}


@dataclass(frozen=True, slots=True)
class SmsTraits:
    """What a provider of texts is like."""

    writes_files: bool  # messages become files here (OUTBOX__DIR): nothing leaves this machine
    delivers_at_once: bool  # what it has taken has arrived; else events tell what becomes of it
    asks_aws: bool  # it has numbers, a spend limit and a configuration set of its own


class SmsProvider(StrEnum):
    """The operator's choice, as EmailProvider."""

    OUTBOX = "outbox"
    AWS = "aws"

    @property
    def traits(self) -> SmsTraits:
        return _SMS_TRAITS[self]


_SMS_TRAITS = {
    SmsProvider.OUTBOX: SmsTraits(writes_files=True, delivers_at_once=True, asks_aws=False),
    SmsProvider.AWS: SmsTraits(writes_files=False, delivers_at_once=False, asks_aws=True),
}
