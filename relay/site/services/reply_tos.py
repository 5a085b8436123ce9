"""Addresses for answers: each proves itself by a code that is mailed to it."""

from starlette.responses import Response

from auth import reply_tos
from auth.people.permissions import Permission
from auth.reply_tos import ReplyToAddress
from messages.text import Text, TextError
from relay.actions import reply_tos as changing
from relay.actions import services
from relay.notices.reply_tos import PACE
from relay.site.routing import Route
from relay.site.teams import letters
from relay.site.visits import Visit

HOME = "services/{service_id}/reply-to"
ONE = HOME + "/{reply_to_id}"
_NO_ADDRESS = Text("Enter an email address")
_NO_CODE = Text("Enter the code from the email")


async def show(visit: Visit) -> Response:
    async with visit.reading() as t:
        found = await reply_tos.list_all(t.connection, visit.the_service.id)
    rows = [(each, changing.is_default(each, visit.the_service)) for each in found]
    return visit.page("services/reply_tos.html", title=Text("Addresses for answers"), rows=rows)


async def new(visit: Visit) -> Response:
    title = Text("Add an address for answers")
    return visit.page("services/reply_to_new.html", title=title, form=visit.filled())


async def add(visit: Visit) -> Response:
    address = (await visit.form()).line("address")
    if not address:
        return visit.invalid(f"{HOME}/new", {"address": _NO_ADDRESS})
    await visit.reach("reply-to", *PACE)
    try:
        async with visit.writing() as t:
            made, code = await changing.begin(t, str(visit.the_service.id), address)
            await services.ensure_own(t)  # it writes the letter
    except TextError as error:
        return visit.invalid(f"{HOME}/new", {"address": error.text})
    return await _sent(visit, made, code)


async def show_one(visit: Visit) -> Response:
    found = await _found(visit)
    return visit.page(
        "services/reply_to.html",
        title=Text("Confirm the address") if found.verified_at is None else Text("Address for answers"),
        form=visit.filled(),
        found=found,
        is_default=changing.is_default(found, visit.the_service),
    )


async def change(visit: Visit) -> Response:
    form, found = await visit.form(), await _found(visit)
    try:
        match form["do"]:
            case "again":
                await visit.reach("reply-to", *PACE)
                async with visit.writing() as t:
                    made, code = await changing.send_again(t, str(visit.the_service.id), str(found.id))
                return await _sent(visit, made, code)
            case "default":
                async with visit.writing() as t:
                    await changing.make_default(t, str(visit.the_service.id), str(found.id))
                return visit.to(HOME, notice=Text("Answers go to {address}", {"address": found.address}))
            case "remove":
                async with visit.writing() as t:
                    await changing.remove(t, str(visit.the_service.id), str(found.id))
                return visit.to(HOME, notice=Text("{address} is removed", {"address": found.address}))
            case _:
                return await _confirm(visit, found, form.line("code"))
    except TextError as error:
        return visit.invalid(ONE, {"code": error.text})


async def _confirm(visit: Visit, found: ReplyToAddress, code: str) -> Response:
    if not code:
        return visit.invalid(ONE, {"code": _NO_CODE})
    async with visit.writing() as t:
        done = await changing.confirm(t, str(visit.the_service.id), str(found.id), code)
    if isinstance(done, TextError):
        return visit.invalid(ONE, {"code": done.text})
    return visit.to(HOME, notice=Text("{address} is confirmed", {"address": done.address}))


async def _sent(visit: Visit, made: ReplyToAddress, code: str) -> Response:
    sent = await letters.reply_to_code(visit, visit.the_service, made, code)
    told = Text("We sent a code to {address}") if sent else Text("The code to {address} could not be sent: try again")
    return visit.to(ONE, reply_to_id=made.id, notice=Text(told.source, {"address": made.address}))


async def _found(visit: Visit) -> ReplyToAddress:
    """Raises UnknownError when it is not one of this service."""
    async with visit.reading() as t:
        return await changing.of_service(t, visit.the_service, visit.request.path_params["reply_to_id"])


ROUTES = (
    Route("GET", HOME, show, Permission.MANAGE_SERVICE),
    Route("GET", f"{HOME}/new", new, Permission.MANAGE_SERVICE),
    Route("POST", f"{HOME}/new", add, Permission.MANAGE_SERVICE),
    Route("GET", ONE, show_one, Permission.MANAGE_SERVICE),
    Route("POST", ONE, change, Permission.MANAGE_SERVICE),
)
