"""What SES has of a domain, and giving it what it needs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from auth.domains import records, resolvers
from auth.domains.inspection import Finding, Result
from auth.domains.names import Domain
from delivery.providers.base import SendError
from messages.email.dkim import SigningKey
from messages.text import Text
from relay.actions.errors import (
    SES_EASY,
    SES_HAS_OTHER,
    SES_KNOWS_NOT,
    SES_PREVIOUS,
    SES_REFUSED,
    SES_UNASKABLE,
    SES_WAITS,
    SES_WAITS_EASY,
    SES_WAITS_MX,
    ActionError,
)
from relay.actions.transaction import Transactions

if TYPE_CHECKING:
    from delivery.providers.ses_identities import Identity


async def ask(transactions: Transactions, name: str) -> "Identity | SendError | None":
    """What SES has of the domain, None where it knows nothing; or why it did not say."""
    if not transactions.settings.email.traits.registers_domains:
        return None
    from delivery.providers import ses_identities as identities

    try:
        async with transactions.open_ses() as client:
            return await identities.find(client, name)
    except SendError as error:
        return error


async def register(transactions: Transactions, domain: Domain, key: SigningKey) -> Finding:
    """Gives SES the domain with this key, and says what it then has. Raises ActionError."""
    from delivery.providers import ses_identities as identities

    try:
        async with transactions.open_ses() as client:
            return judged(domain, await identities.register(client, key, records.mail_from(domain.name)))
    except SendError as error:
        raise ActionError(SES_REFUSED, reason=error.reason) from None


def judged(domain: Domain, identity: "Identity | SendError | None") -> Finding:
    """Whether it is what the domain needs, and what to do about it."""
    found = Finding("ses", domain.name, "SES")
    if isinstance(identity, SendError):
        return replace(found.noted(Text(SES_UNASKABLE, {"reason": identity.reason})), result=Result.UNANSWERED)
    bounce, ours = records.mail_from(domain.name), {key.selector for key in domain.keys}
    if identity is None:
        return found.not_there(resolvers.Missing(), Text(SES_KNOWS_NOT, {"name": domain.name}))
    selectors = ", ".join(identity.selectors)
    values = {"name": domain.name, "host": bounce, "selectors": selectors}
    if identity.signs or identity.mail_from != bounce or (identity.byodkim and not ours.issuperset(identity.selectors)):
        return found.wrong(Text(SES_HAS_OTHER, values))
    if not identity.verified:
        return found.wrong(Text(SES_WAITS if identity.byodkim else SES_WAITS_EASY, values))
    if not identity.mail_from_verified:
        return found.wrong(Text(SES_WAITS_MX, values))
    if not identity.byodkim:
        return found.noted(Text(SES_EASY, values))
    if domain.signing and identity.selectors != (domain.signing.selector,):
        return found.noted(Text(SES_PREVIOUS, values))
    return found
