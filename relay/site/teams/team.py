"""A service's team: who is in it, who is invited, and what each may do."""

from uuid import UUID

from starlette.responses import Response

from auth.errors import MEMBER_UNKNOWN
from auth.people import invitations, memberships, users
from auth.people.memberships import Membership
from auth.people.permissions import Permission
from auth.people.users import User
from messages.message import parse_id
from messages.text import Text, TextError
from relay.actions import invitations as inviting
from relay.actions import members
from relay.actions.errors import UnknownError
from relay.site.routing import Route
from relay.site.teams import letters
from relay.site.teams.words import PERMISSIONS, chosen, options
from relay.site.visits import Visit

HOME = "services/{service_id}/team"
INVITE = HOME + "/invite"
ONE = HOME + "/{user_id}"
REMOVE = ONE + "/remove"
_PACE = (30, 3600)  # each sends a letter to whomever it names, and may be cancelled and made again
_NO_ADDRESS = Text("Enter an email address")
_NO_PERMISSION = Text("Choose at least one permission")


async def show(visit: Visit) -> Response:
    async with visit.reading() as t:
        team = await memberships.of_service(t.connection, visit.the_service.id)
        people = await users.of_ids(t.connection, t.secret, [each.user_id for each in team])
        invited = await invitations.of_service(t.connection, t.secret, visit.the_service.id, visit.now)
    return visit.page(
        "teams/team.html",
        title=Text("Team"),
        team=[(people[each.user_id], _held(visit, each.permissions)) for each in team if each.user_id in people],
        invited=[(each, _held(visit, each.permissions)) for each in invited],
        form=visit.filled(),
    )


async def cancel(visit: Visit) -> Response:
    invitation_id = parse_id((await visit.form())["cancel"])
    if invitation_id is None:
        return visit.to(HOME)
    try:
        async with visit.writing() as t:
            found = await inviting.cancel(t, str(visit.the_service.id), invitation_id)
    except TextError as error:
        return visit.to(HOME, notice=error.text)
    return visit.to(HOME, notice=Text("The invitation of {address} is cancelled", {"address": found.address}))


async def show_invite(visit: Visit) -> Response:
    form = visit.filled(permissions=[Permission.VIEW_ACTIVITY.value])
    return visit.page("teams/invite.html", title=Text("Invite a person"), form=form, permissions=options(visit.say))


async def invite(visit: Visit) -> Response:
    form = await visit.form()
    address, permissions = form.line("address"), chosen(form.many("permissions"))
    errors = {} if address else {"address": _NO_ADDRESS}
    if not permissions:
        errors["permissions"] = _NO_PERMISSION
    if errors:
        return visit.invalid(INVITE, errors)
    await visit.reach("invitation", *_PACE)
    try:
        async with visit.writing() as t:
            made, code = await inviting.invite(t, str(visit.the_service.id), address, permissions, visit.the_user.id)
    except TextError as error:
        return visit.invalid(INVITE, {"address": error.text})
    sent = await letters.invitation(visit, visit.the_service, made, code)
    told = (
        Text("{address} is invited, and has two days to accept")
        if sent
        else Text("The invitation of {address} could not be sent: cancel it and try again")
    )
    return visit.to(HOME, notice=Text(told.source, {"address": made.address}))


async def show_one(visit: Visit) -> Response:
    member, person = await _found(visit)
    return visit.page(
        "teams/member.html",
        title=Text("Change permissions"),
        form=visit.filled(permissions=[each.value for each in member.permissions]),
        person=person,
        permissions=options(visit.say),
    )


async def change(visit: Visit) -> Response:
    member, person = await _found(visit)
    permissions = chosen((await visit.form()).many("permissions"))
    if not permissions:
        return visit.invalid(ONE, {"permissions": _NO_PERMISSION})
    try:
        async with visit.writing() as t:
            await members.change(t, str(visit.the_service.id), member.user_id, permissions)
    except TextError as error:
        return visit.invalid(ONE, {"permissions": error.text})
    return _away(visit, person, Text("The permissions of {name} are changed", {"name": person.name}))


async def show_remove(visit: Visit) -> Response:
    _, person = await _found(visit)
    title = Text("Remove {name} from the team?", {"name": person.name})
    return visit.page("teams/remove.html", title=title, form=visit.filled(), person=person)


async def remove(visit: Visit) -> Response:
    member, person = await _found(visit)
    await visit.form()
    try:
        async with visit.writing() as t:
            await members.remove(t, str(visit.the_service.id), member.user_id)
    except TextError as error:
        return visit.invalid(REMOVE, {"remove": error.text})
    return _away(visit, person, Text("{name} is not in the team any more", {"name": person.name}))


def _away(visit: Visit, person: User, notice: Text) -> Response:
    """Who took the permission from themselves may not see the team any more."""
    return visit.to("services" if person.id == visit.the_user.id else HOME, notice=notice)


async def _found(visit: Visit) -> tuple[Membership, User]:
    """Raises UnknownError when they are not of this team."""
    user_id: UUID | None = parse_id(visit.request.path_params["user_id"])
    if user_id is not None:
        async with visit.reading() as t:
            member = await memberships.find(t.connection, visit.the_service.id, user_id)
            person = await users.find(t.connection, t.secret, user_id)
        if member is not None and person is not None:
            return member, person
    raise UnknownError(MEMBER_UNKNOWN)


def _held(visit: Visit, permissions: frozenset[Permission]) -> list[str]:
    return [visit.say(name) for each, (name, _) in PERMISSIONS.items() if each in permissions]


ROUTES = (
    Route("GET", HOME, show, Permission.MANAGE_SERVICE),
    Route("POST", HOME, cancel, Permission.MANAGE_SERVICE),
    Route("GET", INVITE, show_invite, Permission.MANAGE_SERVICE),
    Route("POST", INVITE, invite, Permission.MANAGE_SERVICE),
    Route("GET", ONE, show_one, Permission.MANAGE_SERVICE),
    Route("POST", ONE, change, Permission.MANAGE_SERVICE),
    Route("GET", REMOVE, show_remove, Permission.MANAGE_SERVICE),
    Route("POST", REMOVE, remove, Permission.MANAGE_SERVICE),
)
