"""Adding a passkey. It takes a script, as browsers have it; without one the page says what else there is."""

from starlette.responses import Response

from auth.errors import PASSKEY_REFUSED, AuthError
from auth.people import passkeys
from auth.people.sessions import Factor
from messages.text import Text
from relay.actions import authenticators as actions
from relay.site.account.telling import tell
from relay.site.asking import ceremonies
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_ADDED = Text("{name} was added. Everywhere else you are signed out now.")
_TOLD = Text("“{name}”, a passkey, was added: it signs in to your account.")


async def show(visit: Visit) -> Response:
    asked, options = ceremonies(visit), None
    if asked is not None:
        person = visit.the_user
        async with visit.site.database.read() as connection:
            has = await passkeys.of_user(connection, person.id)
        options = asked.registration_options(person.id, person.email, person.name, has, visit.now)
    return visit.page("account/passkey.html", title=Text("Add a passkey"), options=options, form=visit.filled())


async def add(visit: Visit) -> Response:
    form, asked = await visit.form(), ceremonies(visit)
    try:
        if asked is None:
            raise AuthError(PASSKEY_REFUSED)
        async with visit.writing() as t:
            made = await actions.add_passkey(t, visit.the_session, asked, form.line("name"), form["secret_answer"])
            await visit.prove(t.connection, Factor.PASSKEY)
    except AuthError as error:
        return visit.invalid("account/factors/passkey", {"name": error.text})
    await tell(visit, Text(_TOLD.source, {"name": made.name}))
    return visit.back("account/factors", notice=Text(_ADDED.source, {"name": made.name}))


ROUTES = (
    Route("GET", "account/factors/passkey", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/factors/passkey", add, Needs.SIGNED_IN, fresh=True),
)
