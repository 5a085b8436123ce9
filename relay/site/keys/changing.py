"""A key that there is: its terms, a new secret with an overlap, and its end, which is asked for twice."""

from starlette.responses import Response

from auth.people.permissions import Permission
from messages.text import Text, TextError
from relay.actions import keys as actions
from relay.site.keys import fields, once
from relay.site.keys.finding import current_key, key_of
from relay.site.keys.listing import PATH, TYPES, state
from relay.site.keys.making import MADE, MAX_IN_FORCE, check_name, check_room
from relay.site.routing import Route
from relay.site.visits import Visit

ONE, ROTATE, REVOKE = PATH + "/{key_id}", PATH + "/{key_id}/rotate", PATH + "/{key_id}/revoke"
_HOUR, _DAY = 3600, 24 * 3600
OVERLAPS = {0: Text("At once"), _HOUR: Text("After 1 hour"), _DAY: Text("After 1 day"), 7 * _DAY: Text("After 7 days")}
_NO_OVERLAP = Text("Choose when the old secret ends")


async def show(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        key = await key_of(visit, connection)
    word, kind, works = state(key, visit.now)
    return visit.page(
        "keys/one.html",
        title=Text("Key {name}", {"name": key.name}),
        key=key,
        type=TYPES[key.type],
        word=word,
        kind=kind,
        works=works,
        form=visit.filled(**fields.typed(key, visit.the_service.time_zone)),
    )


async def change(visit: Visit) -> Response:
    form, service = await visit.form(), visit.the_service
    terms, wrong = fields.terms(form, service.time_zone, visit.now)
    if wrong:
        return visit.invalid(ONE, wrong)
    try:
        async with visit.writing() as t:
            key = await current_key(visit, t.connection)
            changes = fields.changes(terms, key, service.time_zone)
            if "name" in changes and changes["name"].casefold() != key.name.casefold():
                await check_name(t, service, changes["name"], at_most=MAX_IN_FORCE + 1)
            if changes:
                await actions.update(t, str(key.id), **changes)
    except TextError as error:
        return visit.invalid(ONE, fields.said(error))
    return visit.to(PATH, notice=Text("The key {name} was changed.", {"name": terms["name"]}))


async def ask_rotate(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        key = await current_key(visit, connection)
    return visit.page(
        "keys/rotate.html",
        title=Text("A new secret for {name}", {"name": key.name}),
        key=key,
        form=visit.filled(overlap=str(_DAY)),
        overlaps=[(str(seconds), visit.say(text), "") for seconds, text in OVERLAPS.items()],
    )


async def rotate(visit: Visit) -> Response:
    form = await visit.form()
    overlap = next((seconds for seconds in OVERLAPS if str(seconds) == form["overlap"]), None)
    if overlap is None:
        return visit.invalid(ROTATE, {"overlap": _NO_OVERLAP})
    try:
        async with visit.writing() as t:
            await check_room(t, visit.the_service, at_most=2 * MAX_IN_FORCE)  # each of those that may be has two
            key = await current_key(visit, t.connection)
            issued = await actions.rotate(t, str(key.id), overlap_seconds=overlap)
            await once.keep(t.connection, visit, issued)
    except TextError as error:
        return visit.invalid(ROTATE, {"overlap": error.text})
    return visit.to(MADE, key_id=issued.key.id)


async def ask_revoke(visit: Visit) -> Response:
    async with visit.site.database.read() as connection:
        key = await current_key(visit, connection)
    return visit.page("keys/revoke.html", title=Text("Revoke {name}?", {"name": key.name}), key=key)


async def revoke(visit: Visit) -> Response:
    async with visit.writing() as t:
        key = await current_key(visit, t.connection)
        await actions.revoke(t, str(key.id))
    return visit.to(PATH, notice=Text("The key {name} is revoked.", {"name": key.name}))


ROUTES = (
    Route("GET", ONE, show, Permission.MANAGE_API_KEYS),
    Route("POST", ONE, change, Permission.MANAGE_API_KEYS),
    Route("GET", ROTATE, ask_rotate, Permission.MANAGE_API_KEYS),
    Route("POST", ROTATE, rotate, Permission.MANAGE_API_KEYS),
    Route("GET", REVOKE, ask_revoke, Permission.MANAGE_API_KEYS),
    Route("POST", REVOKE, revoke, Permission.MANAGE_API_KEYS),
)
