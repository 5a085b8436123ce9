"""Ending an account: nobody signs in to it any more. Its rows stay, since the audit and messages name it."""

from starlette.responses import Response

from messages.text import Text
from relay.actions import people
from relay.actions.errors import ActionError
from relay.site.account.telling import tell
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_NOT_SURE = Text("Tick the box to say that you are sure")
_TOLD = Text("Your account was deactivated at your request. To have it back, write to us.")


async def show(visit: Visit) -> Response:
    return visit.page("account/close.html", title=Text("Deactivate your account"), form=visit.filled())


async def close(visit: Visit) -> Response:
    form, person = await visit.form(), visit.the_user
    if not form["sure"]:
        return visit.invalid("account/deactivate", {"sure": _NOT_SURE})
    try:
        async with visit.writing() as t:
            await people.close(t, person)
    except ActionError as error:
        return visit.invalid("account/deactivate", {"sure": error.text})
    await tell(visit, _TOLD)
    async with visit.site.database.write() as connection:
        await visit.sign_out(connection)
    return visit.to("")


ROUTES = (
    Route("GET", "account/deactivate", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/deactivate", close, Needs.SIGNED_IN, fresh=True),
)
