"""Going live: what has to be done before, the request, and the decision of an operator or of the organisation."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from auth.domains import names
from auth.errors import REQUEST_UNKNOWN, AuthError
from auth.people import go_live, invitations, memberships, organisations
from auth.people.go_live import GoLiveRequest, UseCase
from auth.people.permissions import Permission
from auth.principal import Service
from delivery.figures.reading import has_delivered
from delivery.library import templates
from relay.actions import services
from relay.actions.errors import (
    GO_LIVE_DECIDES_ANOTHER,
    GO_LIVE_DONE,
    GO_LIVE_TO_DO,
    GO_LIVE_WAITS,
    ActionError,
    UnknownError,
)
from relay.actions.transaction import Transaction

_MANAGERS = 2  # who is ill or leaves keeps no service waiting


class Step(StrEnum):
    """What has to be done before, in the order of the list."""

    USE_CASE = "use-case"
    TEMPLATE = "template"
    MANAGERS = "managers"
    DOMAIN = "domain"
    TEST_MESSAGE = "test-message"
    CONTACT = "contact"


class Progress(StrEnum):
    DONE = "done"
    BEGUN = "begun"
    TO_DO = "to-do"


class Decider(Protocol):
    """What this needs to know of a user."""

    @property
    def id(self) -> UUID: ...

    @property
    def operator(self) -> bool: ...


async def checklist(t: Transaction, service: Service) -> dict[Step, Progress]:
    """How far a service is."""
    request = await go_live.latest(t.connection, service.id)
    written = request is not None and (request.decided_at is None or not request.approved)
    return {
        Step.USE_CASE: _done(written),
        Step.TEMPLATE: _done(bool(await templates.list_all(t.connection, service.id))),
        Step.MANAGERS: await _managers(t, service),
        Step.DOMAIN: await _domain(t, service),
        Step.TEST_MESSAGE: _done(await has_delivered(t.connection, service.id)),
        Step.CONTACT: _done(service.contact is not None),
    }


async def write_use_case(t: Transaction, named: str, use_case: UseCase) -> GoLiveRequest:
    """What the service is for, in place of what was written before. Raises a TextError."""
    service = await _in_trial(t, named)
    before = await go_live.latest(t.connection, service.id)
    after = await go_live.write(t.connection, service.id, use_case)
    old = before.use_case if before is not None and before.id == after.id else None
    await _record(t, "use-case", after, dict(old) if old else None, dict(after.use_case))
    return after


async def ask(t: Transaction, named: str, by: UUID) -> GoLiveRequest:
    """Whoever asks accepts the terms. Raises ActionError while anything is to be done."""
    service = await _in_trial(t, named)
    steps = await checklist(t, service)
    request = await go_live.latest(t.connection, service.id)
    if request is None or any(each is not Progress.DONE for each in steps.values()):
        raise ActionError(GO_LIVE_TO_DO)
    if request.decided_at is not None:  # it was declined, and is asked again as it was
        request = await go_live.write(t.connection, service.id, request.use_case)
    asked = await go_live.ask(t.connection, request, by, t.now)
    await _record(t, "request", asked, None, dict(asked.use_case))
    await services.ensure_own(t)  # it writes to those who decide, and to the team
    return asked


async def may_decide(t: Transaction, user: Decider, service: Service) -> bool:
    """Operators, and the approvers of the service's organisation."""
    return user.operator or service.organisation_id in await organisations.approved_by(t.connection, user.id)


async def to_decide(t: Transaction, user: Decider) -> list[tuple[GoLiveRequest, Service]] | None:
    """What waits for them, the oldest first; None: they decide nothing."""
    if user.operator:
        return await go_live.waiting(t.connection, t.limits)
    approved = await organisations.approved_by(t.connection, user.id)
    return await go_live.waiting(t.connection, t.limits, approved) if approved else None


async def find(t: Transaction, user: Decider, request_id: UUID) -> tuple[GoLiveRequest, Service]:
    """One that they may decide, or decided. Raises UnknownError."""
    try:
        request = await go_live.get(t.connection, request_id)
    except AuthError:
        raise UnknownError(REQUEST_UNKNOWN) from None
    service = await t.service(str(request.service_id))
    if not await may_decide(t, user, service):
        raise UnknownError(REQUEST_UNKNOWN)
    return request, service


async def decide(t: Transaction, user: Decider, request_id: UUID, *, approved: bool, remark: str) -> GoLiveRequest:
    """Approved, the service is live within 5 seconds. Raises a TextError."""
    request, service = await find(t, user, request_id)
    await t.service_to_change(str(service.id))
    if request.asked_by == user.id and not user.operator:  # who may by the command need not ask
        raise ActionError(GO_LIVE_DECIDES_ANOTHER)
    decided = await go_live.decide(t.connection, request, user.id, t.now, approved=approved, remark=remark.strip())
    await _record(t, "decide", decided, None, {"approved": approved, "remark": decided.remark})
    if approved:
        await services.go_live(t, str(service.id))
    return decided


async def _in_trial(t: Transaction, named: str) -> Service:
    service = await t.service_to_change(named)
    if service.live:
        raise ActionError(GO_LIVE_DONE)
    found = await go_live.latest(t.connection, service.id)
    if found is not None and found.waits:
        raise ActionError(GO_LIVE_WAITS)
    return service


async def _managers(t: Transaction, service: Service) -> Progress:
    team = await memberships.of_service(t.connection, service.id)
    if sum(each.manages for each in team) >= _MANAGERS:
        return Progress.DONE
    invited = await invitations.of_service(t.connection, t.secret, service.id, t.now)
    waits = any(Permission.MANAGE_SERVICE in each.permissions for each in invited)
    return Progress.BEGUN if waits else Progress.TO_DO


async def _domain(t: Transaction, service: Service) -> Progress:
    """Its records were found, and a key signs."""
    domain = await names.get(t.connection, service.domain)
    if names.is_usable(domain, t.settings.email) and domain.signing is not None:
        return Progress.DONE
    return Progress.BEGUN


def _done(done: bool) -> Progress:
    return Progress.DONE if done else Progress.TO_DO


async def _record(
    t: Transaction,
    action: str,
    request: GoLiveRequest,
    before: dict[str, object] | None,
    after: dict[str, object],
) -> None:
    service_id = request.service_id
    await t.record(f"service.go-live.{action}", "go-live", request.id, before, after, service_id=service_id)
