"""Ending an account: nobody signs in to it any more. Its rows stay, since the audit and messages name it."""

from starlette.responses import Response

from auth.people import memberships
from messages.text import Text
from relay.actions import people
from relay.site.account.telling import account, tell
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_NOT_SURE = Text("Tick the box to say that you are sure")
_LAST = Text("Nobody else manages {service}. Give somebody else the permission first")
_OPERATOR = Text("An operator's account is ended by another operator, by the command")
_TOLD = Text("Your account was deactivated at your request. To have it back, write to us.")


async def show(visit: Visit) -> Response:
    return visit.page("account/close.html", title=Text("Deactivate your account"), form=visit.filled())


async def close(visit: Visit) -> Response:
    form, person = await visit.form(), await account(visit)
    if not form["sure"]:
        return visit.invalid("account/deactivate", {"sure": _NOT_SURE})
    if person.operator:
        return visit.invalid("account/deactivate", {"sure": _OPERATOR})
    async with visit.writing() as t:
        for service, membership in await memberships.of_user(t.connection, t.limits, person.id):
            await t.service_to_change(str(service.id))
            team = await memberships.of_service(t.connection, service.id)
            if membership.manages and not any(each.manages for each in team if each.user_id != person.id):
                return visit.invalid("account/deactivate", {"sure": Text(_LAST.source, {"service": service.name})})
        await people.hold(t, str(person.id))
    await tell(visit, _TOLD)
    async with visit.site.database.write() as connection:
        await visit.sign_out(connection)
    return visit.to("")


ROUTES = (
    Route("GET", "account/deactivate", show, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/deactivate", close, Needs.SIGNED_IN, fresh=True),
)
