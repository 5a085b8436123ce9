"""A new key: its form, and the page that shows its secrets once, for both doors."""

from collections.abc import Collection

from starlette.responses import Response

from auth import keys
from auth.people.permissions import Permission
from auth.principal import Service
from messages.message import KeyType
from messages.text import Text, TextError
from relay.actions import keys as changing
from relay.actions.transaction import Transaction
from relay.site.keys import fields, once
from relay.site.keys.finding import key_of
from relay.site.keys.listing import PATH, TYPES
from relay.site.routing import Route
from relay.site.visits import Visit

NEW, MADE = PATH + "/new", PATH + "/{key_id}/made"
MAX_IN_FORCE = 100  # by the API each of a service's keys may have to be tried
_LINES = {
    KeyType.NORMAL: Text("Sends to anyone."),
    KeyType.TEAM: Text("Sends to your team and your guest list only. For trying things out with real messages."),
    KeyType.TEST: Text("Sends nothing, and behaves as if it did. For automated tests."),
}
_NOT_LIVE = Text("Sends to anyone. Not yet: your service is in trial. Ask to go live first.")


async def show(visit: Visit) -> Response:
    return visit.page(
        "keys/new.html",
        title=Text("Make a key"),
        form=visit.filled(type=KeyType.TEAM.value),
        types=[
            (kind.value, visit.say(TYPES[kind]), visit.say(_line(kind, visit.the_service)), not _may(kind, visit))
            for kind in _LINES
        ],
    )


async def make(visit: Visit) -> Response:
    form, service = await visit.form(), visit.the_service
    terms, wrong = fields.terms(form, service.time_zone, visit.now)
    kind = next((each for each in _LINES if each.value == form["type"] and _may(each, visit)), None)
    if kind is None:
        wrong = {**wrong, "type": fields.NO_TYPE}
    if wrong or kind is None:
        return visit.invalid(NEW, wrong)
    try:
        async with visit.writing() as t:
            await check_name(t, service, terms["name"], at_most=MAX_IN_FORCE)
            issued = await changing.create(t, str(service.id), type=kind, **terms)
            await once.keep(t.connection, visit, issued)
    except TextError as error:
        return visit.invalid(NEW, fields.said(error))
    return visit.to(MADE, key_id=issued.key.id)


async def check_name(t: Transaction, service: Service, name: str, *, at_most: int) -> None:
    """Raises TextError: a key that works has the name already, so nobody could tell them apart; or there are enough.

    Nobody else makes one before the transaction ends.
    """
    taken = await check_room(t, service, at_most=at_most)
    if name.casefold() in map(str.casefold, taken):
        raise TextError(fields.NAME_TAKEN.source)


async def check_room(t: Transaction, service: Service, *, at_most: int) -> Collection[str]:
    """The names of the keys that work. Likewise."""
    await t.service_to_change(str(service.id))
    taken = await keys.names_in_force(t.connection, service.id, t.now)
    if len(taken) >= at_most:
        raise TextError(fields.ENOUGH.source, limit=at_most)
    return taken


async def show_made(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        key = await key_of(visit, connection)
        secret = await once.find(connection, visit, key.id)
    if secret is None:
        return visit.page("keys/shown.html", title=Text("The secrets of a key are shown once"), key=key)
    smtp = visit.site.settings.smtp
    return visit.page(
        "keys/made.html",
        title=Text("Your key is ready"),
        key=key,
        secret=secret,
        smtp=smtp,
        api_url=visit.site.settings.http.public_url,
    )


async def done(visit: Visit) -> Response:
    """The visitor has the secrets: nobody sees them again."""
    async with visit.site.database.write() as connection:
        key = await key_of(visit, connection)
        await once.drop(connection, visit, key.id)
    return visit.to(PATH + "/{key_id}/smtp" if (await visit.form())["next"] == "smtp" else PATH)


def _may(kind: KeyType, visit: Visit) -> bool:
    return kind is not KeyType.NORMAL or visit.the_service.live


def _line(kind: KeyType, service: Service) -> Text:
    return _NOT_LIVE if kind is KeyType.NORMAL and not service.live else _LINES[kind]


ROUTES = (
    Route("GET", NEW, show, Permission.MANAGE_API_KEYS),
    Route("POST", NEW, make, Permission.MANAGE_API_KEYS),
    Route("GET", MADE, show_made, Permission.MANAGE_API_KEYS),
    Route("POST", MADE, done, Permission.MANAGE_API_KEYS),
)
