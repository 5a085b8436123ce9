"""Making an account: by an address of an organisation, and a code that is mailed there.

Who has an account already sees the same pages, and a letter tells them so.
"""

from uuid import UUID, uuid4

from starlette.responses import Response

from auth.errors import AuthError
from auth.people import codes as kept
from auth.people import passwords, users
from auth.people.codes import CodeError, Purpose
from auth.people.passwords import PasswordError
from auth.people.sessions import Factor
from messages.address import Address, AddressError
from messages.reply import Refused
from messages.text import Text
from relay.actions import people
from relay.site import proving
from relay.site.entry import codes, whom
from relay.site.errors import TooMany, Unavailable
from relay.site.forms import Form
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Create an account")
_VERIFY = Text("Check your email")
_PACE = (10, 600.0)  # of one network address: each sends a letter
_PACE_OF_MAILBOX = (5, 3600.0)  # whoever asks
_NO_NAME = Text("Enter your full name")
_NO_ADDRESS = Text("Enter your work email address, like name@example.ca")
_NO_TERMS = Text("Say that you agree to the terms of use")
_WELCOME = Text("Your account is ready.")


async def show(visit: Visit) -> Response:
    return visit.page("entry/register.html", title=_TITLE, form=visit.filled(), least=passwords.MIN_CHARACTERS)


async def register(visit: Visit) -> Response:
    form = await visit.form()
    if errors := _errors(visit, form):
        return visit.invalid("register", errors)
    email = form.line("email")
    of_mailbox = visit.site.pace.take("mailbox", proving.known_as(email), *_PACE_OF_MAILBOX)
    if not of_mailbox or not visit.site.pace.take("register", visit.network, *_PACE):
        raise TooMany
    encoded = await proving.hashed(visit, email, form["password"])
    try:
        async with visit.writing_as_nobody() as t:
            made = await people.register(
                t, email=email, name=form.line("name"), language=visit.language, password=encoded
            )
            await visit.begin(t.connection, made.id if made else uuid4(), {})
    except AuthError as error:
        return visit.invalid("register", {"email": error.text})
    if made is not None:
        await _send(visit, made.id)
    else:
        await _tell_known(visit, email)
    return visit.to("verify")


async def show_verify(visit: Visit) -> Response:
    waiting = await codes.opened(visit, Purpose.VERIFY)
    return visit.page(
        "entry/verify.html", title=_VERIFY, form=visit.filled(), delivery=await codes.delivery(visit, waiting)
    )


async def verify(visit: Visit) -> Response:
    form, session = await visit.form(), visit.session
    if session is None or session.user_id is None:
        return visit.to("register")
    if form["again"]:
        return await _send_again(visit, session.user_id)
    async with visit.writing_as_nobody() as t:
        wrong = await kept.use(
            t.connection, visit.site.secret, Purpose.VERIFY, session.user_id, session.id, form["code"], visit.now
        )
        if wrong is None:
            await people.verify(t, session.user_id)
            await visit.begin(t.connection, session.user_id, {Factor.PASSWORD: visit.now, Factor.EMAIL: visit.now})
    if wrong is not None:
        return visit.invalid("verify", {"code": wrong.text})
    return visit.to("services", notice=_WELCOME)


async def _send_again(visit: Visit, user_id: UUID) -> Response:
    try:
        await _send(visit, user_id)
    except CodeError as error:
        return visit.to("verify", notice=error.text)
    return visit.to("verify")


async def _send(visit: Visit, user_id: UUID) -> None:
    person = await whom.find(visit, user_id)
    if person is not None and person.verified_at is None:
        await codes.send(visit, person, Purpose.VERIFY)
    else:
        await codes.pretend(visit, Purpose.VERIFY)


async def _tell_known(visit: Visit, email: str) -> None:
    """As a code: the page shows how it fares, so that it looks the same."""
    assert visit.the_session.user_id is not None
    async with visit.site.database.write() as connection:
        person = await users.by_email(connection, visit.site.secret, email)
        made, _ = await kept.issue(
            connection, visit.site.secret, Purpose.VERIFY, visit.the_session.user_id, visit.the_session.id, visit.now
        )
    if person is None or person.held_at is not None:
        return
    try:
        message_id = await visit.site.codes.account_known(person, f"known.{made.id}")
    except Refused as refused:
        raise Unavailable from refused
    await codes.note(visit, made, message_id)


def _errors(visit: Visit, form: Form) -> dict[str, Text]:
    found = {}
    if not form.line("name"):
        found["name"] = _NO_NAME
    try:
        Address.parse(form.line("email"))
    except AddressError:
        found["email"] = _NO_ADDRESS
    try:
        proving.check_password(visit, form["password"], form.line("name"), form.line("email"))
    except PasswordError as error:
        found["password"] = error.text
    if not form["terms"]:
        found["terms"] = _NO_TERMS
    return found


ROUTES = (
    Route("GET", "register", show, Needs.NOBODY),
    Route("POST", "register", register, Needs.NOBODY),
    Route("GET", "verify", show_verify, Needs.NOBODY),
    Route("POST", "verify", verify, Needs.NOBODY),
)
