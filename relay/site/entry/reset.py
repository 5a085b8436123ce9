"""A password forgotten, or never chosen: a code to the address, then the second factor and the new password.

Every address is answered alike. Whoever has the mailbox alone gets nothing where the account has another factor (ASVS
5.0 6.4.3).
"""

from contextlib import suppress
from uuid import uuid4

from starlette.responses import Response

from auth.people import codes as kept
from auth.people import passwords, users
from auth.people.codes import CodeError, Purpose
from auth.people.factors import of_user
from auth.people.passwords import PasswordError
from auth.people.sessions import Factor
from auth.people.users import User
from messages.reply import Refused
from messages.text import Text
from relay.actions import people
from relay.site import proving
from relay.site.asking import options
from relay.site.entry import codes, whom
from relay.site.errors import TooMany, Unavailable
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Choose a new password")
_CHECK = Text("Check your email")
_PACE = (10, 600.0)  # of one network address: each sends a letter
_NO_ADDRESS = Text("Enter your email address")
_NO_FACTOR = Text("This second factor is wrong, or was used before")
_DONE = Text("Your password was changed. Sign in with it.")
_TOLD_SUBJECT = Text("Your password was changed")
_TOLD = Text(
    "The password of your account was changed by a code that was sent to this address. All sessions were ended. If it "
    "was not you, write to whoever runs this service at once."
)
_SECONDS = 600.0  # for which the code's proof is good


async def show(visit: Visit) -> Response:
    return visit.page("entry/forgot.html", title=_TITLE, form=visit.filled())


async def send(visit: Visit) -> Response:
    form = await visit.form()
    email = form.line("email")
    if not email:
        return visit.invalid("forgot-password", {"email": _NO_ADDRESS})
    if not visit.site.pace.take("forgot", visit.network, *_PACE):
        raise TooMany
    async with visit.site.database.write() as connection:
        person = await users.by_email(connection, visit.site.secret, email)
        known = person if person is not None and person.held_at is None and person.verified_at is not None else None
        await visit.begin(connection, known.id if known else uuid4(), {})
    visit.site.later.start(_sent(visit, known))
    return visit.to("forgot-password/code")


async def _sent(visit: Visit, known: User | None) -> None:
    """Behind the answer, whose time would tell that there is an account; so would words that it is too soon."""
    with suppress(CodeError, Unavailable):
        if known is None:
            await codes.pretend(visit, Purpose.RESET)
        else:
            await codes.send(visit, known, Purpose.RESET)


async def show_code(visit: Visit) -> Response:
    return visit.page("entry/forgot_code.html", title=_CHECK, form=visit.filled())


async def prove_code(visit: Visit) -> Response:
    form, session = await visit.form(), visit.session
    if session is None or session.user_id is None:
        return visit.to("forgot-password")
    async with visit.site.database.write() as connection:
        wrong = await kept.use(
            connection, visit.site.secret, Purpose.RESET, session.user_id, session.id, form["code"], visit.now
        )
        if wrong is None:
            await visit.prove(connection, Factor.EMAIL)
    if wrong is not None:
        return visit.invalid("forgot-password/code", {"code": wrong.text})
    return visit.to("new-password")


async def show_new(visit: Visit) -> Response:
    person = await _proved(visit)
    if person is None:
        return visit.to("forgot-password")
    async with visit.site.database.read() as connection:
        offered = await of_user(connection, person)
    return visit.page(
        "entry/new_password.html",
        title=_TITLE,
        form=visit.filled(),
        least=passwords.MIN_CHARACTERS,
        offered={each.value for each in offered},
        options=await options(visit, person.id),
    )


async def choose(visit: Visit) -> Response:
    form, person = await visit.form(), await _proved(visit)
    if person is None:
        return visit.to("forgot-password")
    password = form["passkey_password" if form["secret_answer"] else "password"]
    try:
        proving.check_password(visit, password, person.name, person.email)
    except PasswordError as error:
        return visit.invalid("new-password", {"password": error.text})
    if (field := await _second(visit, person)) is not None:
        return visit.invalid("new-password", {field: _NO_FACTOR})
    encoded = await proving.hashed(visit, person.email, password)
    async with visit.writing_as_nobody() as t:
        await people.set_password(t, person.id, encoded)
    try:
        await visit.site.codes.tell(person, f"reset.{uuid4()}", _TOLD_SUBJECT, _TOLD)
    except Refused as refused:
        raise Unavailable from refused
    visit.forget()
    return visit.to("sign-in", notice=_DONE)


async def _proved(visit: Visit) -> User | None:
    """Whose mailbox was proved in this session, and nothing else yet."""
    session = visit.session
    if session is None or session.is_signed_in or session.factors.get(Factor.EMAIL, 0.0) < visit.now - _SECONDS:
        return None
    return await whom.person_of(visit)


async def _second(visit: Visit, person: User) -> str | None:
    """The field that is wrong; None: the second factor is right, or the account has none but the mailbox."""
    form = await visit.form()
    async with visit.site.database.read() as connection:
        has = {*await of_user(connection, person)}
    if not has & {Factor.TOTP, Factor.PASSKEY}:
        return None
    if form["secret_answer"]:
        return None if await proving.is_passkey(visit, person, form["secret_answer"]) else "app_code"
    if form["recovery_code"]:
        return None if await proving.is_recovery(visit, person, form["recovery_code"]) else "recovery_code"
    return None if await proving.is_code(visit, person, form["app_code"]) else "app_code"


ROUTES = (
    Route("GET", "forgot-password", show, Needs.NOBODY),
    Route("POST", "forgot-password", send, Needs.NOBODY),
    Route("GET", "forgot-password/code", show_code, Needs.NOBODY),
    Route("POST", "forgot-password/code", prove_code, Needs.NOBODY),
    Route("GET", "new-password", show_new, Needs.NOBODY),
    Route("POST", "new-password", choose, Needs.NOBODY),
)
