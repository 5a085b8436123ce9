"""Invitations as the invited sees them. Opening the link does nothing: a mail scanner opens it first."""

from starlette.responses import Response

from auth import services
from auth.errors import AuthError
from auth.people import invitations, users
from auth.people.invitations import Invitation
from auth.principal import Service
from messages.address import Address
from messages.text import Text, TextError
from relay.actions import joining
from relay.site.errors import Missing
from relay.site.navigation import first_page
from relay.site.routing import Needs, Route
from relay.site.teams.words import PERMISSIONS
from relay.site.visits import Visit

_NO_CODE = Text("Enter the code from the email")


async def ask(visit: Visit) -> Response:
    return visit.page("teams/code.html", title=Text("Join a team"), form=visit.filled())


async def take(visit: Visit) -> Response:
    code = (await visit.form()).line("invitation")
    if not code:
        return visit.invalid("invitation", {"invitation": _NO_CODE})
    try:
        await _found(visit, code)
    except AuthError as error:
        return visit.invalid("invitation", {"invitation": error.text})
    return visit.to("invitation/{code}", code=invitations.written(invitations.read(code)))


async def show(visit: Visit) -> Response:
    try:
        found, service = await _found(visit, visit.request.path_params["code"])
    except AuthError:
        raise Missing from None
    async with visit.reading() as t:
        by = await users.find(t.connection, t.secret, found.invited_by)
    return visit.page(
        "teams/invited.html",
        title=Text("Join the team of {service}", {"service": service.name_in(visit.language)}),
        form=visit.filled(),
        found=found,
        by=by,
        held=[
            (visit.say(name), visit.say(hint))
            for each, (name, hint) in PERMISSIONS.items()
            if each in found.permissions
        ],
    )


async def accept(visit: Visit) -> Response:
    await visit.form()
    code = visit.request.path_params["code"]
    try:
        found, service = await _found(visit, code)
    except AuthError:
        raise Missing from None
    try:
        async with visit.writing() as t:
            await joining.accept(t, visit.the_user.id, visit.the_user.email, code)
    except TextError as error:
        return visit.invalid("invitation/{code}", {"accept": error.text})
    done = Text("You are in the team of {service}", {"service": service.name_in(visit.language)})
    return visit.to(first_page(service.id, found.permissions) or "services", notice=done)


async def _found(visit: Visit, code: str) -> tuple[Invitation, Service]:
    """Raises AuthError unless the code is of the visitor's own address."""
    async with visit.reading() as t:
        own = Address.parse(visit.the_user.email)
        found = await invitations.by_code(t.connection, t.secret, code, own, visit.now)
        return found, await services.find(t.connection, t.limits, found.service_id)


ROUTES = (
    Route("GET", "invitation", ask, Needs.SIGNED_IN),
    Route("POST", "invitation", take, Needs.SIGNED_IN),
    Route("GET", "invitation/{code}", show, Needs.SIGNED_IN),
    Route("POST", "invitation/{code}", accept, Needs.SIGNED_IN),
)
