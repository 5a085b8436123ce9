"""Making an account: by an address of an organisation, and a code that is mailed there.

There is none before the code has come back. Who has an account already sees the same pages, and a letter tells them so.
"""

from uuid import UUID

from starlette.responses import Response

from auth.errors import ADDRESS_NOT_ALLOWED, CODE_OVER, AuthError
from auth.people import organisations, passwords, users
from auth.people.codes import CodeError, Made, Purpose
from auth.people.passwords import PasswordError
from auth.people.sessions import Factor
from auth.people.users import User
from messages.address import Address, AddressError
from messages.message import Language
from messages.text import Text
from relay.actions import people
from relay.notices.codes import Reader
from relay.site import proving
from relay.site.entry import claims, codes
from relay.site.entry.claims import ClaimedAddress
from relay.site.entry.devices import welcome
from relay.site.forms import Form
from relay.site.parts import Site
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Create an account")
_VERIFY = Text("Check your email")
_PACE = (10, 600)  # of one network address: each sends a letter
_NO_NAME = Text("Enter your full name")
_NO_ADDRESS = Text("Enter your work email address, like name@example.ca")
_NO_TERMS = Text("Say that you agree to the terms of use")
_WELCOME = Text("Your account is ready.")


async def show(visit: Visit) -> Response:
    return visit.page("entry/register.html", title=_TITLE, form=visit.filled(), least=passwords.MIN_CHARACTERS)


async def register(visit: Visit) -> Response:
    form = await visit.form()
    if errors := await _errors(visit, form):
        return visit.invalid("register", errors)
    await visit.reach_unknown("register", *_PACE)
    email = form.line("email")
    encoded = await proving.hashed(visit, email, form["password"])
    claim = ClaimedAddress(email, {"name": form.line("name"), "language": visit.language.value, "hash": encoded})
    try:
        await claims.begin(visit, Purpose.VERIFY, claim, _letter)
    except CodeError as error:
        return visit.invalid("register", {"email": error.text})
    return visit.onward("verify")


async def show_verify(visit: Visit) -> Response:
    waiting = await claims.opened(visit, Purpose.VERIFY)
    return visit.page(
        "entry/verify.html", title=_VERIFY, form=visit.filled(), delivery=await codes.delivery(visit, waiting)
    )


async def verify(visit: Visit) -> Response:
    form, claim = await visit.form(), await claims.find(visit, Purpose.VERIFY)
    if claim is None:
        return visit.onward("register")
    if form["again"]:
        return await _send_again(visit, claim)
    made = await _made(visit, claim, form["code"])
    if isinstance(made, AuthError):
        return visit.invalid("verify", {"code": made.text})
    await welcome(visit, made)
    return visit.back("services", notice=_WELCOME)


async def _made(visit: Visit, claim: ClaimedAddress, code: str) -> User | AuthError:
    """The account, with its person in it; or what is wrong, and counted."""
    try:
        async with visit.writing_as_nobody() as t:
            wrong = await claims.use(visit, t.connection, Purpose.VERIFY, claim, code)
            if wrong is not None:
                return wrong
            given = {"email": claim.email, "name": claim.given["name"], "password": claim.given["hash"]}
            made = await people.register(t, language=Language(claim.given["language"]), **given)
            if made is None:  # what went there was no code: somebody guessed one
                return CodeError(CODE_OVER)
            await visit.begin(t.connection, made.id, {Factor.PASSWORD: visit.now, Factor.EMAIL: visit.now})
            return made
    except AuthError as error:  # the address is of no organisation any more
        return error


async def _send_again(visit: Visit, claim: ClaimedAddress) -> Response:
    try:
        await claims.again(visit, Purpose.VERIFY, claim, _letter)
    except CodeError as error:
        return visit.onward("verify", notice=error.text)
    return visit.onward("verify")


async def _letter(site: Site, claim: ClaimedAddress, made: Made, code: str) -> UUID | None:
    """A code; or to who has an account, held or not, that they have one."""
    async with site.database.read() as connection:
        person = await users.by_email(connection, site.secret, claim.email)
    if person is not None and not people.gives_way(person):
        return await site.codes.account_known(person, f"known.{made.id}")
    return await site.codes.by_email(Reader(claim.email, Language(claim.given["language"])), code, made, Purpose.VERIFY)


async def _errors(visit: Visit, form: Form) -> dict[str, Text]:
    found = {}
    try:
        users.parse_name(form.line("name"))
    except AuthError as error:
        found["name"] = error.text if form.line("name") else _NO_NAME
    if (wrong := await _wrong_with(visit, form.line("email"))) is not None:
        found["email"] = wrong
    try:
        proving.check_password(visit, form["password"], form.line("name"), form.line("email"))
    except PasswordError as error:
        found["password"] = error.text
    if not form["terms"]:
        found["terms"] = _NO_TERMS
    return found


async def _wrong_with(visit: Visit, email: str) -> Text | None:
    try:
        Address.parse(email)
        users.parse_address(email)
        async with visit.site.database.read() as connection:
            is_allowed = await organisations.of_address(connection, email) is not None
    except AddressError:
        return _NO_ADDRESS
    except AuthError as error:
        return error.text
    return None if is_allowed else AuthError(ADDRESS_NOT_ALLOWED).text


ROUTES = (
    Route("GET", "register", show, Needs.NOBODY),
    Route("POST", "register", register, Needs.NOBODY),
    Route("GET", "verify", show_verify, Needs.NOBODY),
    Route("POST", "verify", verify, Needs.NOBODY),
)
