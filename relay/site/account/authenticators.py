"""Somebody's apps and passkeys: the list, and each one's name and end."""

from uuid import UUID

from starlette.responses import Response

from auth.errors import AuthError
from auth.people import authenticators, recovery
from auth.people.authenticators import Authenticator
from auth.people.sessions import Factor
from messages.message import parse_id
from messages.text import Text
from relay.actions import authenticators as actions
from relay.site.account.telling import tell
from relay.site.errors import Missing
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

KINDS = {Factor.TOTP: Text("Authenticator app"), Factor.PASSKEY: Text("Passkey")}
SIGNED_OUT = Text("Everywhere else you are signed out now.")
_RENAMED = Text("The new name is {name}.")
_REMOVED = Text("{name} was removed. Everywhere else you are signed out now.")
_OUT = Text("{name} was removed. You had signed in with it: sign in again, with your password and a code.")
_TOLD = Text("“{name}” no longer works for signing in to your account: it was removed.")


async def show_all(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        found = await authenticators.of_user(connection, visit.site.secret, visit.the_user.id)
        codes = await recovery.standing(connection, visit.the_user.id)
    title = Text("How you sign in")
    return visit.page("account/authenticators.html", title=title, found=found, kinds=KINDS, codes=codes)


async def show(visit: Visit) -> Response:
    found = await _asked_for(visit)
    form = visit.filled(name=found.name)
    return visit.page("account/authenticator.html", title=found.name, found=found, kind=KINDS[found.factor], form=form)


async def rename(visit: Visit) -> Response:
    found, form = await _asked_for(visit), await visit.form()
    try:
        async with visit.writing() as t:
            await actions.rename(t, visit.the_session, found.id, form.line("name"))
    except AuthError as error:
        return visit.invalid("account/factors/{factor_id}", {"name": error.text})
    return visit.to("account/factors", notice=Text(_RENAMED.source, {"name": form.line("name")}))


async def show_removal(visit: Visit) -> Response:
    found = await _asked_for(visit)
    title = Text("Remove {name}?", {"name": found.name})
    return visit.page("account/authenticator_remove.html", title=title, found=found, form=visit.filled())


async def remove(visit: Visit) -> Response:
    found = await _asked_for(visit)
    try:
        async with visit.writing() as t:
            session = await actions.remove(t, visit.the_session, found.id)
    except AuthError as error:
        return visit.invalid("account/factors/{factor_id}/remove", {"remove": error.text})
    await tell(visit, Text(_TOLD.source, {"name": found.name}))
    if not session.is_signed_in:  # they were by what is no more
        async with visit.site.database.write() as connection:
            await visit.sign_out(connection)
        return visit.to("sign-in", notice=Text(_OUT.source, {"name": found.name}))
    return visit.to("account/factors", notice=Text(_REMOVED.source, {"name": found.name}))


async def _asked_for(visit: Visit) -> Authenticator:
    factor_id: UUID | None = parse_id(visit.request.path_params["factor_id"])
    if factor_id is None:
        raise Missing
    async with visit.site.database.read() as connection:
        try:
            return await authenticators.get(connection, visit.site.secret, visit.the_user.id, factor_id)
        except AuthError:
            raise Missing from None


ROUTES = (
    Route("GET", "account/factors", show_all, Needs.SIGNED_IN),
    Route("GET", "account/factors/{factor_id}", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/factors/{factor_id}", rename, Needs.SIGNED_IN, fresh=True),
    Route("GET", "account/factors/{factor_id}/remove", show_removal, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/factors/{factor_id}/remove", remove, Needs.SIGNED_IN, fresh=True),
)
