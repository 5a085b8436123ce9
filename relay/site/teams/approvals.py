"""Requests to go live, for those who decide: operators, and the approvers of each organisation."""

from starlette.responses import Response

from auth.people import organisations, users
from auth.people.go_live import GoLiveRequest
from auth.principal import Service
from messages.message import parse_id
from messages.text import Text, TextError
from relay.actions import go_live as changing
from relay.actions.go_live import Step
from relay.site.errors import Missing
from relay.site.language import number
from relay.site.routing import Needs, Route
from relay.site.teams import letters
from relay.site.teams.going_live import VOLUMES
from relay.site.visits import Visit

ONE = "approvals/{request_id}"
_NO_ANSWER = Text("Choose whether the service goes live")
_NO_REMARK = Text("Say why, so that the team knows what to change")


async def show(visit: Visit) -> Response:
    async with visit.reading() as t:
        rows = await changing.to_decide(t, visit.the_user)
    if rows is None:
        raise Missing
    return visit.page("teams/approvals.html", title=Text("Requests to go live"), rows=rows)


async def show_one(visit: Visit) -> Response:
    request, service = await _found(visit)
    async with visit.reading() as t:
        steps = await changing.checklist(t, service)
        by = await users.find(t.connection, t.secret, request.asked_by) if request.asked_by else None
        owner = await organisations.find(t.connection, service.organisation_id) if service.organisation_id else None
    use_case = request.use_case
    return visit.page(
        "teams/approval.html",
        title=Text("Should {service} go live?", {"service": service.name_in(visit.language)}),
        form=visit.filled(),
        request=request,
        of=service,
        by=by,
        organisation=owner,
        volumes=[(visit.say(label), number(use_case[name], visit.language)) for name, label in VOLUMES.items()],  # type: ignore[literal-required]
        is_delivered=steps[Step.TEST_MESSAGE] == "done",
    )


async def decide(visit: Visit) -> Response:
    form = await visit.form()
    request, service = await _found(visit)
    answer, remark = form["answer"], form["remark"].strip()[:2000]
    if answer not in ("yes", "no"):
        return visit.invalid(ONE, {"answer": _NO_ANSWER})
    if answer == "no" and not remark:
        return visit.invalid(ONE, {"remark": _NO_REMARK})
    try:
        async with visit.writing_in_office() as t:
            decided = await changing.decide(t, visit.the_user, request.id, approved=answer == "yes", remark=remark)
    except TextError as error:
        return visit.invalid(ONE, {"answer": error.text})
    await letters.decided(visit, service, decided)
    done = Text("{service} is live") if decided.approved else Text("{service} stays in trial, and its team is told")
    return visit.to("approvals", notice=Text(done.source, {"service": service.name_in(visit.language)}))


async def _found(visit: Visit) -> tuple[GoLiveRequest, Service]:
    """Raises UnknownError, which is a page not found."""
    request_id = parse_id(visit.request.path_params["request_id"])
    if request_id is None:
        raise Missing
    async with visit.reading() as t:
        return await changing.find(t, visit.the_user, request_id)


ROUTES = (
    Route("GET", "approvals", show, Needs.SIGNED_IN, strong=True),
    Route("GET", ONE, show_one, Needs.SIGNED_IN, strong=True),
    Route("POST", ONE, decide, Needs.SIGNED_IN, strong=True),
)
