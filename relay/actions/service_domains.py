"""The domains for a service's own authors, as people change them."""

from auth import service_domains
from auth.domains import names
from auth.principal import Service
from relay.actions.services import ensure_own
from relay.actions.transaction import Transaction


async def add(t: Transaction, service: Service, name: str) -> str:
    """Gives the service a domain for its own authors; returns its name as it is compared. Raises AuthError."""
    await t.service_to_change(str(service.id))  # counted before it is written: one after the other
    domain = await service_domains.add(t.connection, service.id, name, t.settings.email, t.now)
    row_id = (await names.get(t.connection, domain)).id
    await t.record("service.domain.add", "domain", row_id, None, {"domain": domain}, service_id=service.id)
    await ensure_own(t)  # it tells senders at that domain what became of their messages
    return domain


async def remove(t: Transaction, service: Service, name: str) -> str:
    """Takes a domain from the service. Raises AuthError when it does not have it."""
    domain = await service_domains.remove(t.connection, service.id, name)
    row_id = (await names.get(t.connection, domain)).id
    await t.record("service.domain.remove", "domain", row_id, {"domain": domain}, None, service_id=service.id)
    return domain
