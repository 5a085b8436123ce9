"""Another password; what it must be like: auth/people/passwords.py. Whoever changes it knows the one that was."""

from starlette.responses import Response

from auth.people import passwords
from auth.people.passwords import PasswordError
from messages.text import Text
from relay.actions import people
from relay.site import proving
from relay.site.account.telling import tell
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_CHANGED = Text("Your password was changed. Everywhere else you are signed out now.")
_TOLD = Text("The password of your account was changed.")


async def show(visit: Visit) -> Response:
    least = passwords.MIN_CHARACTERS
    return visit.page("account/password.html", title=Text("Change your password"), form=visit.filled(), least=least)


async def change(visit: Visit) -> Response:
    form, person = await visit.form(), visit.the_user
    if not await proving.is_password(visit, person, person.email, form["current_password"]):
        return visit.invalid("account/password", {"current_password": proving.WRONG_PASSWORD})
    try:
        proving.check_password(visit, form["password"], person.name, person.email)
    except PasswordError as error:
        return visit.invalid("account/password", {"password": error.text})
    encoded = await proving.hashed(visit, person.email, form["password"])
    async with visit.writing() as t:
        await people.set_password(t, person.id, encoded, session=visit.the_session.id)
    await tell(visit, _TOLD)
    return visit.to("account", notice=_CHANGED)


ROUTES = (
    Route("GET", "account/password", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/password", change, Needs.SIGNED_IN, fresh=True),
)
