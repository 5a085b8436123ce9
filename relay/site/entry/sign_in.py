"""Signing in by address and password, or by a passkey, which is both factors; and out."""

from starlette.responses import Response

from auth.errors import AuthError
from auth.people import users
from auth.people.codes import Purpose
from auth.people.factors import strong_of
from auth.people.sessions import Factor
from auth.people.users import User
from messages.text import Text
from relay.actions import people
from relay.site import proving
from relay.site.asking import ceremonies
from relay.site.entry import codes
from relay.site.entry.devices import welcome
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Sign in")
_WRONG = Text("The email address or the password is wrong. If you forgot the password, choose a new one")
_WRONG_PASSKEY = Text("The passkey was not accepted. Try again, or use your password")
_SIGN_OUT = Text("Sign out")
_OUT = Text("You are signed out.")


async def show(visit: Visit) -> Response:
    if visit.user is not None:
        return visit.back("services")
    asked = ceremonies(visit)
    options = asked.authentication_options(visit.now) if asked is not None else None
    return visit.page("entry/sign_in.html", title=_TITLE, form=visit.filled(), options=options)


async def sign_in(visit: Visit) -> Response:
    form = await visit.form()
    if form["secret_answer"]:
        return await _by_passkey(visit, form["secret_answer"])
    email = form.line("email")
    async with visit.site.database.read() as connection:
        person = await users.by_email(connection, visit.site.secret, email)
    known = person if person is not None and person.may_sign_in else None
    if not await proving.is_password(visit, known, email, form["password"]) or known is None:
        return visit.invalid("sign-in", {"email": _WRONG})
    await _rehash(visit, known, form["password"])
    async with visit.site.database.write() as connection:
        strong = await strong_of(connection, known.id)
        await visit.begin(connection, known.id, {Factor.PASSWORD: visit.now})
    if not strong:
        await codes.try_to_send(visit, known, Purpose.SIGN_IN)
    return visit.onward("two-factor")


async def show_sign_out(visit: Visit) -> Response:
    return visit.page("entry/sign_out.html", title=_SIGN_OUT)


async def sign_out(visit: Visit) -> Response:
    async with visit.site.database.write() as connection:
        await visit.sign_out(connection)
    return visit.to("", notice=_OUT)


async def _by_passkey(visit: Visit, answer: str) -> Response:
    asked = ceremonies(visit)
    try:
        async with visit.site.database.write() as connection:
            if asked is None:
                return visit.invalid("sign-in", {"email": _WRONG_PASSKEY})
            user_id = (await asked.authenticate(connection, answer, visit.now)).user_id
            person = await users.find(connection, visit.site.secret, user_id)
            if person is None or not person.may_sign_in:
                return visit.invalid("sign-in", {"email": _WRONG_PASSKEY})
            await visit.begin(connection, user_id, {Factor.PASSKEY: visit.now})
    except AuthError:
        return visit.invalid("sign-in", {"email": _WRONG_PASSKEY})
    await welcome(visit, person)
    return visit.back("services")


async def _rehash(visit: Visit, person: User, password: str) -> None:
    """By today's rules, now that it is at hand."""
    if person.password and visit.site.passwords.is_outdated(person.password):
        encoded = await proving.hashed(visit, person.email, password)
        async with visit.writing_as_nobody() as t:
            await people.rehash(t, person, encoded)


ROUTES = (
    Route("GET", "sign-in", show, Needs.NOBODY),
    Route("POST", "sign-in", sign_in, Needs.NOBODY),
    Route("GET", "sign-out", show_sign_out, Needs.NOBODY),
    Route("POST", "sign-out", sign_out, Needs.NOBODY),
)
