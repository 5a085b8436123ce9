"""Recovery codes: how many are left, and new ones, which are shown once."""

from starlette.responses import Response

from auth.people import recovery
from messages.text import Text
from relay.actions import authenticators as actions
from relay.site.account.telling import tell
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_TITLE = Text("Recovery codes")
_TOLD = Text("New recovery codes were made for your account. The old ones work no more.")


async def show(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        codes = await recovery.standing(connection, visit.the_user.id)
    return visit.page("account/recovery.html", title=_TITLE, codes=codes)


async def make(visit: Visit) -> Response:
    """The answer itself has the codes: behind a redirect they would have to be kept."""
    made = await recovery.make()
    async with visit.writing() as t:
        await actions.put_recovery_codes(t, visit.the_session, made)
    await tell(visit, _TOLD)
    return visit.page("account/recovery_made.html", title=Text("Your new recovery codes"), codes=made.codes)


ROUTES = (
    Route("GET", "account/recovery", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/recovery", make, Needs.SIGNED_IN, fresh=True),
)
