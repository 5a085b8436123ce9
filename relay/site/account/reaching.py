"""How somebody is reached: another address or number counts once a code that went there has come back.

The new one waits, encrypted, as a draft of the account; each code is for the one that was typed last.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from starlette.responses import Response

from auth.errors import ADDRESS_NOT_ALLOWED, AuthError
from auth.people import codes, drafts, organisations, sessions
from auth.people.codes import Made, Purpose
from auth.people.drafts import Draft
from auth.people.users import User
from messages.phone import PhoneNumber, PhoneNumberError
from messages.reply import Refused
from messages.text import Text
from relay.actions import people
from relay.failures import described
from relay.site import addresses
from relay.site.account.telling import tell
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_UNSENT = Text("The code cannot be sent there now. Try again later")
_NOTHING_WAITS = Text("There is no code that waits. Start again")
_HAD = Text("Your account's address was changed to another one. Codes and letters no longer come here.")
_IS = Text("This is the address of your account from now on. It was changed.")
_NUMBER = Text("The phone number of your account was changed.")
_NUMBER_GONE = Text("The phone number of your account was removed.")


class WrongError(Exception):
    """It cannot be used."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text


@dataclass(frozen=True, slots=True)
class Way:
    """An address or a number: `path` is its page, and the name of its field that of User's."""

    path: str
    name: str
    purpose: Purpose
    title: Text
    read: Callable[[Visit, User, str], Awaitable[str]]  # raises WrongError
    send: Callable[[Visit, User, str, Made, str], Awaitable[UUID]]
    tell: Callable[[Visit, User], Awaitable[None]]
    changed: Text

    @property
    def code_path(self) -> str:
        return f"{self.path}/code"

    @property
    def waiting(self) -> str:
        """The draft's name: of no page's form."""
        return f"{self.path}#waiting"

    async def show(self, visit: Visit) -> Response:
        now = getattr(visit.the_user, self.name)
        form = visit.filled()
        return visit.page(f"account/{self.name}.html", title=self.title, form=form, now=now)

    async def ask(self, visit: Visit) -> Response:
        """Sends the code; one that was sent ends, and what waited for it is forgotten."""
        form, person = await visit.form(), visit.the_user
        try:
            wanted = await self.read(visit, person, form.line(self.name))
            async with visit.site.database.write() as connection:
                made, code = await codes.issue(
                    connection, visit.site.secret, self.purpose, person.id, visit.the_session.id, visit.now
                )
                kept = Draft({self.name: [wanted]})
                await drafts.keep(connection, visit.site.secret, person.id, self.waiting, kept, visit.now)
            message_id = await self.send(visit, person, code, made, wanted)
        except (WrongError, AuthError) as error:
            return visit.invalid(self.path, {self.name: error.text})
        except Refused as refused:
            log = structlog.get_logger("site")
            log.error("site.code_not_sent", **described(refused))
            return visit.invalid(self.path, {self.name: _UNSENT})
        async with visit.site.database.write() as connection:
            await codes.sent(connection, made, message_id)
        return visit.to(self.code_path)

    async def show_code(self, visit: Visit) -> Response:
        wanted = await self._wanted(visit, visit.the_user)
        if wanted is None:
            return visit.to(self.path)
        title, form = Text("Enter the code that we sent"), visit.filled()
        return visit.page("account/code.html", title=title, form=form, wanted=wanted, path=self.path)

    async def confirm(self, visit: Visit) -> Response:
        form, person = await visit.form(), visit.the_user
        wanted = await self._wanted(visit, person)
        if wanted is None:
            return visit.invalid(self.path, {self.name: _NOTHING_WAITS})
        try:
            wrong = await self._change(visit, person, wanted, form["code"])
        except AuthError as error:  # somebody else has it by now
            wrong = error
        if wrong is not None:
            return visit.invalid(self.code_path, {"code": wrong.text})
        await self.tell(visit, person)
        return visit.to("account", notice=self.changed)

    async def _change(self, visit: Visit, person: User, wanted: str, code: str) -> AuthError | None:
        """What is wrong with the code, which is counted; None: changed. Raises AuthError."""
        async with visit.writing() as t:
            wrong = await codes.use(
                t.connection, t.secret, self.purpose, person.id, visit.the_session.id, code, visit.now
            )
            if wrong is not None:
                return wrong
            await drafts.drop(t.connection, person.id, self.waiting)
            await people.update(t, person.id, **{self.name: wanted})
            await sessions.end_all(t.connection, person.id, but=visit.the_session.id)
        return None

    async def _wanted(self, visit: Visit, person: User) -> str | None:
        """What the code was sent to, while that may come back."""
        async with visit.site.database.read() as connection:
            made = await codes.opened(connection, self.purpose, person.id, visit.the_session.id, visit.now)
            kept = await drafts.find(connection, visit.site.secret, person.id, self.waiting, visit.now)
        return kept.fields[self.name][0] if made is not None and kept is not None else None

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", self.path, self.show, Needs.SIGNED_IN, fresh=True),
            Route("POST", self.path, self.ask, Needs.SIGNED_IN, fresh=True),
            Route("GET", self.code_path, self.show_code, Needs.SIGNED_IN, fresh=True),
            Route("POST", self.code_path, self.confirm, Needs.SIGNED_IN, fresh=True),
        )


async def _read_address(visit: Visit, person: User, text: str) -> str:
    """Who has it already is not told here: the code goes to them."""
    address = addresses.parse(text)
    if address is None:
        raise WrongError(addresses.WRONG)
    async with visit.site.database.read() as connection:
        found = await organisations.of_address(connection, str(address))
    if found is None and not person.operator:
        raise AuthError(ADDRESS_NOT_ALLOWED)
    return str(address)


async def _read_number(visit: Visit, person: User, text: str) -> str:
    try:
        return PhoneNumber.parse(text).e164
    except PhoneNumberError as error:
        raise WrongError(error.text) from None


async def _mail(visit: Visit, person: User, code: str, made: Made, to: str) -> UUID:
    return await visit.site.codes.by_email(person, code, made, Purpose.ADDRESS, to)


async def _text(visit: Visit, person: User, code: str, made: Made, to: str) -> UUID:
    return await visit.site.codes.by_text(person, code, made, to)


async def _tell_both(visit: Visit, before: User) -> None:
    await tell(visit, _HAD, to=before.email)
    await tell(visit, _IS)


async def _tell_number(visit: Visit, before: User) -> None:
    await tell(visit, _NUMBER)


async def change_number(visit: Visit) -> Response:
    """To another one, or to none."""
    if not (await visit.form())["remove"]:
        return await _NUMBER_WAY.ask(visit)
    person = visit.the_user
    async with visit.writing() as t:
        await people.update(t, person.id, phone=None)
    await tell(visit, _NUMBER_GONE)
    return visit.to("account", notice=_NUMBER_GONE)


_ADDRESS_WAY = Way(
    "account/email",
    "email",
    Purpose.ADDRESS,
    Text("Change your email address"),
    _read_address,
    _mail,
    _tell_both,
    Text("Your email address was changed. Everywhere else you are signed out now."),
)
_NUMBER_WAY = Way(
    "account/number",
    "phone",
    Purpose.NUMBER,
    Text("Change your phone number"),
    _read_number,
    _text,
    _tell_number,
    Text("Your phone number was changed. Everywhere else you are signed out now."),
)

ROUTES = (
    *_ADDRESS_WAY.routes,
    *(each for each in _NUMBER_WAY.routes if (each.method, each.path) != ("POST", _NUMBER_WAY.path)),
    Route("POST", _NUMBER_WAY.path, change_number, Needs.SIGNED_IN, fresh=True),
)
