"""Adding an authenticator app: a name, the QR code and the secret in text, and a code that proves that it was read."""

import io

import segno
from starlette.responses import Response

from auth.errors import AuthError
from auth.people import totp
from auth.people.sessions import Factor
from auth.people.totp import App
from messages.text import Text
from relay.actions import authenticators as actions
from relay.site.account.telling import tell
from relay.site.errors import Missing
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Add an authenticator app")
_WRONG = Text("This is not the code that the app shows now. Wait for the next one and enter it")
_ADDED = Text("{name} was added. Everywhere else you are signed out now.")
_TOLD = Text("“{name}”, an authenticator app, was added: its codes sign in to your account.")
_GROUP_CHARACTERS = 4


async def show(visit: Visit) -> Response:
    return visit.page("account/app.html", title=_TITLE, form=visit.filled())


async def begin(visit: Visit) -> Response:
    form = await visit.form()
    try:
        async with visit.writing() as t:
            await actions.begin_app(t, visit.the_session, form.line("name"))
    except AuthError as error:
        return visit.invalid("account/factors/app", {"name": error.text})
    return visit.onward("account/factors/app/code")


async def show_code(visit: Visit) -> Response:
    app = await _begun(visit)
    if app is None:
        return visit.onward("account/factors/app")
    parts = [app.secret[at : at + _GROUP_CHARACTERS] for at in range(0, len(app.secret), _GROUP_CHARACTERS)]
    return visit.page("account/app_code.html", title=_TITLE, app=app, secret=" ".join(parts), form=visit.filled())


async def prove(visit: Visit) -> Response:
    form = await visit.form()
    async with visit.writing() as t:
        app = await actions.prove_app(t, visit.the_session, form["code"])
        if app is not None:  # its code is used: who was asked for it once more had to wait for the next one
            await visit.prove(t.connection, Factor.TOTP)
    if app is None:
        return visit.invalid("account/factors/app/code", {"code": _WRONG})
    await tell(visit, Text(_TOLD.source, {"name": app.name}))
    return visit.back("account/factors", notice=Text(_ADDED.source, {"name": app.name}))


async def show_qr(visit: Visit) -> Response:
    """A picture of its own: the policy of pages allows no inline styles, and the secret stands in no URL."""
    app = await _begun(visit)
    if app is None:
        raise Missing
    uri = app.uri(visit.site.settings.site.names[visit.language], visit.the_user.email)
    drawn = io.BytesIO()
    segno.make(uri, micro=False).save(drawn, kind="svg", scale=5, border=4, light="#fff", svgclass=None, lineclass=None)
    return Response(drawn.getvalue(), media_type="image/svg+xml")


async def _begun(visit: Visit) -> App | None:
    async with visit.site.database.read() as connection:
        return await totp.beginning(connection, visit.site.secret, visit.the_user.id, visit.now)


ROUTES = (
    Route("GET", "account/factors/app", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/factors/app", begin, Needs.SIGNED_IN, fresh=True),
    Route("GET", "account/factors/app/code", show_code, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/factors/app/code", prove, Needs.SIGNED_IN, fresh=True),
    Route("GET", "account/factors/app/qr", show_qr, Needs.SIGNED_IN, fresh=True),
)
