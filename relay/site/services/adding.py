"""A new service, in three steps: its names, its address, and a page to check both. What was typed stands in the query,
so that each step can be gone back to; nothing is made before the last.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from auth import services
from auth.errors import SERVICE_UNKNOWN, SERVICES_OF_ONE_NAME, AuthError
from auth.people import memberships, organisations, users
from auth.people.organisations import Organisation
from auth.principal import Service
from messages.message import Language
from messages.text import Text, TextError
from relay.actions import members
from relay.actions import services as changing
from relay.actions.transaction import Transaction
from relay.site.navigation import first_page
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

MAX_TRIALS = 20  # that one person is in the teams of
_FIELDS = ("name", "name_fr", "first", "email_from")
_ORDERS = {"en": "default", "fr": "fip_french"}  # whose signature begins in which language

_NO_NAME = Text("Enter the service's name in English")
_NO_NAME_FR = Text("Enter the service's name in French")
_NAME_TAKEN = Text("Another service has this name. Choose one that tells them apart")
_NO_ADDRESS = Text("Enter the part of the address before the @")
_ADDRESS_TAKEN = Text("Another service sends from this address. Choose another one")
_TOO_MANY = Text(
    "You are in {limit} services that are in trial. Ask for one of them to go live first", {"limit": MAX_TRIALS}
)


async def names(visit: Visit) -> Response:
    organisation = await _organisation(visit)
    asked = _asked(visit)
    first = asked["first"] or ("fr" if organisation and organisation.branding == "fip_french" else "en")
    return visit.page(
        "services/add_names.html",
        title=Text("What is the service called?"),
        form=visit.filled(name=asked["name"], name_fr=asked["name_fr"], first=first),
        is_ordered=_is_ordered(organisation),
    )


async def take_names(visit: Visit) -> Response:
    form = await visit.form()
    asked = _asked(visit) | {"name": form.line("name"), "name_fr": form.line("name_fr"), "first": form["first"]}
    async with visit.reading() as t:
        errors = await wrong_names(t, asked["name"], asked["name_fr"])
    if errors:
        return visit.invalid("services/add", errors)
    return visit.to("services/add/address", **_given(asked))


async def address(visit: Visit) -> Response:
    asked = _asked(visit)
    if not asked["name"]:
        return visit.to("services/add")
    email_from = asked["email_from"] or suggested(asked["name"])
    return visit.page(
        "services/add_address.html",
        title=Text("Which address does it send from?"),
        form=visit.filled(email_from=email_from),
        domain=visit.site.settings.email.default_domain,
    )


async def take_address(visit: Visit) -> Response:
    form = await visit.form()
    asked = _asked(visit) | {"email_from": form.line("email_from").lower()}
    async with visit.reading() as t:
        errors = await wrong_address(t, asked["email_from"])
    if errors:
        return visit.invalid("services/add/address", errors)
    return visit.to("services/add/check", **_given(asked))


async def check(visit: Visit) -> Response:
    asked = _asked(visit)
    if not asked["name"] or not asked["email_from"]:
        return visit.to("services/add")
    organisation = await _organisation(visit)
    return visit.page(
        "services/add_check.html",
        title=Text("Check the service before you create it"),
        form=visit.filled(),
        asked=asked,
        query=_given(asked),
        is_ordered=_is_ordered(organisation),
        domain=visit.site.settings.email.default_domain,
        organisation=organisation,
        limits=visit.site.settings.limits,
    )


async def create(visit: Visit) -> Response:
    asked, user = _asked(visit), visit.the_user
    await visit.form()
    visit.take("service", 20, 3600)
    async with visit.writing() as t:
        await users.get(t.connection, t.secret, user.id, to_change=True)  # of two at once the second counts the first
        mine = await memberships.of_user(t.connection, t.limits, user.id)
        errors = await wrong_names(t, asked["name"], asked["name_fr"]) | await wrong_address(t, asked["email_from"])
        if sum(not service.live for service, _ in mine) >= MAX_TRIALS:
            errors = {"name": _TOO_MANY}
        made = None if errors else await _make(t, visit, asked)
        if made is not None:
            await members.add(t, str(made.id), user.id)
    if made is None:
        return visit.invalid("services/add/check", errors)
    done = Text("The service is created, and in trial")
    return visit.to(first_page(made.id, members.EVERYTHING) or "services", notice=done)


async def wrong_names(t: Transaction, name: str, name_fr: str, *, mine: Service | None = None) -> dict[str, Text]:
    """What is wrong with the names of a service, by field; in `mine`, its own are good."""
    if not name or not name_fr:
        missing = {"name": (name, _NO_NAME), "name_fr": (name_fr, _NO_NAME_FR)}
        return {each: text for each, (given, text) in missing.items() if not given}
    errors = {}
    for field, given in (("name", name), ("name_fr", name_fr)):
        try:
            services.parse_name(given)
        except AuthError as error:
            errors[field] = error.text
            continue
        if not await _is_free(t, given, mine):
            errors[field] = _NAME_TAKEN
    return errors or _too_long(name, name_fr)


def _too_long(name: str, name_fr: str) -> dict[str, Text]:
    """Both together."""
    try:
        services.parse_names(name, name_fr)
    except AuthError as error:
        return {"name": error.text}
    return {}


async def wrong_address(t: Transaction, email_from: str, *, mine: Service | None = None) -> dict[str, Text]:
    """Likewise of the part before the @."""
    if not email_from:
        return {"email_from": _NO_ADDRESS}
    try:
        local = services.parse_email_from(email_from, t.settings.email.default_domain)
    except AuthError as error:
        return {"email_from": error.text}
    if (mine is None or mine.email_from != local) and await services.exists(t.connection, email_from=local):
        return {"email_from": _ADDRESS_TAKEN}
    return {}


def suggested(name: str) -> str:
    """A local part that says the name: accents folded, words joined by hyphens."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:40].rstrip("-")


async def _make(t: Transaction, visit: Visit, asked: Mapping[str, str]) -> Service:
    organisation = await _organisation(visit, t)
    ordered = _ORDERS.get(asked["first"], "default")
    return await changing.create(
        t,
        name=asked["name"],
        name_fr=asked["name_fr"],
        email_from=asked["email_from"],
        language=organisation.language if organisation else Language.BOTH,
        branding=ordered if _is_ordered(organisation) or organisation is None else organisation.branding,
        organisation_id=organisation.id if organisation else None,
    )


async def _is_free(t: Transaction, name: str, mine: Service | None) -> bool:
    try:
        found = await services.named(t.connection, t.limits, name)
    except TextError as error:
        if error.text.source not in (SERVICE_UNKNOWN, SERVICES_OF_ONE_NAME):
            raise
        return error.text.source == SERVICE_UNKNOWN
    return mine is not None and found.id == mine.id


async def _organisation(visit: Visit, t: Transaction | None = None) -> Organisation | None:
    """Of who makes it."""
    if t is not None:
        return await organisations.of_address(t.connection, visit.the_user.email)
    async with visit.reading() as reading:
        return await organisations.of_address(reading.connection, visit.the_user.email)


def _is_ordered(organisation: Organisation | None) -> bool:
    """Whether the signature is in the order that is chosen here: not where the organisation has its own branding."""
    return organisation is None or organisation.branding in ("default", "fip_english", "fip_french")


def _asked(visit: Visit) -> dict[str, str]:
    return {name: visit.request.query_params.get(name, "")[:200] for name in _FIELDS}


def _given(asked: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value}


ROUTES = (
    Route("GET", "services/add", names, Needs.SIGNED_IN),
    Route("POST", "services/add", take_names, Needs.SIGNED_IN),
    Route("GET", "services/add/address", address, Needs.SIGNED_IN),
    Route("POST", "services/add/address", take_address, Needs.SIGNED_IN),
    Route("GET", "services/add/check", check, Needs.SIGNED_IN),
    Route("POST", "services/add/check", create, Needs.SIGNED_IN),
)
