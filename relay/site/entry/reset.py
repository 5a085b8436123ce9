"""A password forgotten, or never chosen: a code to the address, then the second factor and the new password.

Every address is answered alike. Whoever has the mailbox alone gets nothing where the account has another factor (ASVS
5.0 6.4.3).
"""

from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from auth.errors import CODE_OVER
from auth.people import codes as kept
from auth.people import passwords, users
from auth.people.codes import CodeError, Made, Purpose
from auth.people.factors import of_user, second_of
from auth.people.passwords import PasswordError
from auth.people.sessions import Factor
from auth.people.users import User
from messages.reply import Refused
from messages.text import Text
from relay.actions import people
from relay.failures import described
from relay.site import addresses, proving
from relay.site.asking import options
from relay.site.entry import claims, codes, whom
from relay.site.entry.claims import ClaimedAddress
from relay.site.parts import Site
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Choose a new password")
_CHECK = Text("Check your email")
_PACE = (10, 600)  # of one network address: each sends a letter
_NO_ADDRESS = Text("Enter your email address")
_NO_FACTOR = Text("Enter your second factor, too")
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
    if addresses.parse(email) is None:  # who mistyped it would wait for a letter that nobody sends
        return visit.invalid("forgot-password", {"email": addresses.WRONG})
    await visit.reach_unknown("forgot", *_PACE)
    try:
        await claims.begin(visit, Purpose.RESET, ClaimedAddress(email), _letter)
    except CodeError as error:
        return visit.invalid("forgot-password", {"email": error.text})
    return visit.onward("forgot-password/code")


async def _letter(site: Site, claim: ClaimedAddress, made: Made, code: str) -> UUID | None:
    async with site.database.read() as connection:
        person = await _known(connection, site, claim)
    return await site.codes.by_email(person, code, made, Purpose.RESET) if person is not None else None


async def _known(connection: AsyncConnection, site: Site, claim: ClaimedAddress) -> User | None:
    """Who may choose a new password, or the first one."""
    person = await users.by_email(connection, site.secret, claim.email)
    return person if person is not None and person.held_at is None and person.verified_at is not None else None


async def show_code(visit: Visit) -> Response:
    return visit.page("entry/forgot_code.html", title=_CHECK, form=visit.filled())


async def prove_code(visit: Visit) -> Response:
    form, claim = await visit.form(), await claims.find(visit, Purpose.RESET)
    if claim is None:
        return visit.onward("forgot-password")
    person = None
    async with visit.site.database.write() as connection:
        wrong = await claims.use(visit, connection, Purpose.RESET, claim, form["code"])
        if wrong is None and (person := await _known(connection, visit.site, claim)) is not None:
            await visit.begin(connection, person.id, {Factor.EMAIL: visit.now})
    if person is None:  # also where a code that went nowhere was guessed
        return visit.invalid("forgot-password/code", {"code": (wrong or CodeError(CODE_OVER)).text})
    if Factor.TEXT in await _second_of(visit, person):
        await codes.try_to_send(visit, person, Purpose.RESET_SECOND, Factor.TEXT)
    return visit.onward("new-password")


async def show_new(visit: Visit) -> Response:
    person = await _proved(visit)
    if person is None:
        return visit.onward("forgot-password")
    offered = await _second_of(visit, person)
    waiting = await codes.opened(visit, Purpose.RESET_SECOND)
    return visit.page(
        "entry/new_password.html",
        title=_TITLE,
        form=visit.filled(),
        least=passwords.MIN_CHARACTERS,
        offered={each.value for each in offered},
        delivery=await codes.delivery(visit, waiting),
        options=await options(visit, person.id),
    )


async def choose(visit: Visit) -> Response:
    form, person = await visit.form(), await _proved(visit)
    if person is None:
        return visit.onward("forgot-password")
    if form["by"]:
        return await _send_text(visit, person)
    password = form["passkey_password" if form["secret_answer"] else "password"]
    try:
        proving.check_password(visit, password, person.name, person.email)
    except PasswordError as error:
        return visit.invalid("new-password", {"password": error.text})
    if wrong := await _wrong_second(visit, person):
        return visit.invalid("new-password", wrong)
    encoded = await proving.hashed(visit, person.email, password)
    async with visit.writing_as_nobody() as t:
        await people.set_password(t, person.id, encoded)
    await _tell(visit, person)
    visit.forget()
    return visit.onward("sign-in", notice=_DONE)


async def _tell(visit: Visit, person: User) -> None:
    try:
        await visit.site.codes.tell(person, f"reset.{uuid4()}", _TOLD_SUBJECT, _TOLD)
    except Refused as refused:  # it is changed all the same
        structlog.get_logger("site").error("site.letter_refused", **described(refused))


async def _proved(visit: Visit) -> User | None:
    """Whose mailbox was proved in this session, and nothing else yet."""
    session = visit.session
    if session is None or session.is_signed_in or session.factors.get(Factor.EMAIL, 0.0) < visit.now - _SECONDS:
        return None
    return await whom.person_of(visit)


async def _second_of(visit: Visit, person: User) -> tuple[Factor, ...]:
    """What is asked for beside the mailbox."""
    async with visit.site.database.read() as connection:
        has = second_of(await of_user(connection, person))
    others = tuple(each for each in has if each is not Factor.EMAIL)
    return others if {Factor.TOTP, Factor.PASSKEY, Factor.TEXT} & {*others} else ()  # the mailbox is the second factor


async def _send_text(visit: Visit, person: User) -> Response:
    if Factor.TEXT not in await _second_of(visit, person):
        return visit.onward("new-password")
    try:
        await codes.send(visit, person, Purpose.RESET_SECOND, Factor.TEXT)
    except CodeError as error:
        return visit.onward("new-password", notice=error.text)
    return visit.onward("new-password")


async def _wrong_second(visit: Visit, person: User) -> dict[str, Text]:
    """What is wrong, by field; nothing where it is right, or the account has none but the mailbox."""
    offered = await _second_of(visit, person)
    if not offered:
        return {}
    by_text = Factor.TEXT in offered
    ways: proving.Ways = {**proving.SECOND, "text_code": _judge_text} if by_text else proving.SECOND
    judged = await proving.judge(visit, person, ways)
    if judged is None:
        return {"text_code" if by_text else "app_code": _NO_FACTOR}
    name, found = judged
    return {name: found} if isinstance(found, Text) else {}


async def _judge_text(visit: Visit, person: User, given: str) -> proving.Judged:
    secret, session_id = visit.site.secret, visit.the_session.id
    async with visit.site.database.write() as connection:
        wrong = await kept.use(connection, secret, Purpose.RESET_SECOND, person.id, session_id, given, visit.now)
    return Factor.TEXT if wrong is None else wrong.text


ROUTES = (
    Route("GET", "forgot-password", show, Needs.NOBODY),
    Route("POST", "forgot-password", send, Needs.NOBODY),
    Route("GET", "forgot-password/code", show_code, Needs.NOBODY),
    Route("POST", "forgot-password/code", prove_code, Needs.NOBODY),
    Route("GET", "new-password", show_new, Needs.NOBODY),
    Route("POST", "new-password", choose, Needs.NOBODY),
)
