"""Another password; what it must be like: auth/people/passwords.py. Whoever changes it knows the one that was."""

from starlette.responses import Response

from auth.people import passwords
from auth.people.passwords import BusyError, PasswordError
from messages.text import Text
from relay.actions import people
from relay.site.account.step_up import is_password
from relay.site.account.telling import account, tell
from relay.site.errors import TooMany
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_WRONG = Text("This is not your password")
_CHANGED = Text("Your password was changed. Everywhere else you are signed out now.")
_TOLD = Text("The password of your account was changed.")


async def show(visit: Visit) -> Response:
    least = passwords.MIN_CHARACTERS
    return visit.page("account/password.html", title=Text("Change your password"), form=visit.filled(), least=least)


async def change(visit: Visit) -> Response:
    form, person = await visit.form(), await account(visit)
    if not await is_password(visit, person, form["current_password"]):
        return visit.invalid("account/password", {"current_password": _WRONG})
    names = visit.site.settings.site.names.values()
    try:
        passwords.check(form["password"], context=(person.name, person.email, *names))
        encoded = await visit.site.passwords.hash(str(person.id), form["password"])
    except PasswordError as error:
        return visit.invalid("account/password", {"password": error.text})
    except BusyError:
        raise TooMany from None
    assert visit.session is not None
    async with visit.writing() as t:
        await people.set_password(t, person.id, encoded, session=visit.session.id)
    await tell(visit, _TOLD)
    return visit.to("account", notice=_CHANGED)


ROUTES = (
    Route("GET", "account/password", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/password", change, Needs.SIGNED_IN, fresh=True),
)
