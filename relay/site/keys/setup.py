"""Setting up a product: its settings in its own words, and what the SMTP door sees of it while somebody looks on."""

from typing import Any

from starlette.responses import HTMLResponse, Response

from auth import watches
from auth.people.permissions import Permission
from auth.principal import Key
from auth.watches import WATCH_SECONDS
from messages.text import Text
from relay.site import layout
from relay.site.errors import Missing
from relay.site.keys import lines
from relay.site.keys.finding import current_key
from relay.site.keys.listing import PATH
from relay.site.keys.products import Listener, Values, products
from relay.site.routing import Route
from relay.site.visits import Visit

SMTP = PATH + "/{key_id}/smtp"
ONE, SEEN = SMTP + "/{product}", PATH + "/{key_id}/seen"
_DEVICES_PORT = 25


async def choose(visit: Visit) -> Response:
    key = await _watched(visit)
    named = [(each.slug, each.name_in(visit.language)) for each in products().values()]
    return visit.page(
        "keys/smtp.html",
        title=Text("Send by SMTP with {name}", {"name": key.name}),
        key=key,
        products=sorted(named, key=lambda each: each[1].casefold()),
        values=values(visit, key),
        **await _seen(visit, key),
    )


async def show(visit: Visit) -> Response:
    product = products().get(visit.request.path_params["product"])
    if product is None:
        raise Missing
    asked = visit.request.query_params.get("listener", "")
    listener = next((each for each in product.listeners if each == asked), product.listeners[0])
    key = await _watched(visit)
    filled, translate = values(visit, key), visit.site.words.translator(visit.language)
    spoken = visit.language.value
    return visit.page(
        "keys/product.html",
        title=Text("Set up {product}", {"product": product.name_in(visit.language)}),
        key=key,
        shown=product,
        listener=listener,
        values=filled,
        fields=[(label, filled.fill(value, listener, translate), is_ours(value)) for label, value in product.fields],
        note=filled.fill(product.note[spoken], listener, translate) if product.note else "",
        parts=product.parts[spoken] if product.parts else (),
        has_devices=any(username == key.smtp_username for _, username in visit.site.settings.smtp.devices),
        **await _seen(visit, key),
    )


async def follow(visit: Visit) -> Response:
    """What was seen until now, as a piece of the page: its script asks for it."""
    async with visit.site.database.read() as connection:
        key = await current_key(visit, connection)
    translate = visit.site.words.translator(visit.language)
    shown = await _seen(visit, key)
    return HTMLResponse(layout.render("keys/seen.html", visit.language, translate, visit=visit, key=key, **shown))


def is_ours(template: str) -> bool:
    """Whether it is something to copy: what is not a choice of the product's own, nor a secret that is not here."""
    return any(f"{{{name}" in template for name in ("host", "port", "user", "sender"))


def values(visit: Visit, key: Key) -> Values:
    smtp = visit.site.settings.smtp
    ports = {
        Listener.STARTTLS: smtp.listen.port,
        Listener.TLS: smtp.listen_tls.port,
        Listener.DEVICES: smtp.listen_devices.port if smtp.listen_devices else _DEVICES_PORT,
    }
    return Values(smtp.hostname, ports, key.smtp_username)


async def _watched(visit: Visit) -> Key:
    """Whoever opens the page looks on from then. That changes nothing that anybody owns, and ends by itself
    (RFC 9110 9.2.1: no effect that the visitor asked for)."""
    async with visit.site.database.read() as connection:
        key = await current_key(visit, connection)
        watch = await watches.running(connection, key.id, visit.now)
    if watch is None or watch.ends_at - visit.now < WATCH_SECONDS / 2:
        async with visit.site.database.write() as connection:
            await watches.begin(connection, key, visit.now)
    return key


async def _seen(visit: Visit, key: Key) -> dict[str, Any]:
    async with visit.site.database.read() as connection:
        watch = await watches.running(connection, key.id, visit.now)
        seen = await watches.seen(connection, key.id, visit.now)
    translate = visit.site.words.translator(visit.language)
    return {
        "sessions": lines.sessions(seen, key, translate),
        "until": None if watch is None else watch.ends_at,
        "read_at": visit.now,
        "zone": visit.the_service.time_zone,
    }


ROUTES = (
    Route("GET", SMTP, choose, Permission.MANAGE_API_KEYS),
    Route("GET", ONE, show, Permission.MANAGE_API_KEYS),
    Route("GET", SEEN, follow, Permission.MANAGE_API_KEYS, live=True),
)
