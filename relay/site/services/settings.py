"""A service's settings: one page that tells all, and one for each thing that changes."""

import re
from collections.abc import Mapping
from itertools import takewhile

from starlette.responses import Response

from auth import audit
from auth.errors import BAD_CONTACT, AuthError
from auth.people.permissions import Permission
from auth.reply_tos import parse
from auth.services import MAX_CONTENT_DAYS, parse_content_days
from messages.message import Language
from messages.text import Text
from relay.actions import services as changing
from relay.actions.transaction import Transaction
from relay.site.routing import PageHandler, Route
from relay.site.services import holds
from relay.site.services.adding import wrong_address, wrong_names
from relay.site.visits import Visit

HOME = "services/{service_id}/settings"
LANGUAGES: Mapping[Language, Text] = {
    Language.BOTH: Text("In English and French, one after the other"),
    Language.EN: Text("In English"),
    Language.FR: Text("In French"),
}
_ORDERS = ("default", "fip_english", "fip_french")  # brandings that are no more than an order of languages
_CHANNELS: Mapping[str, Text] = {
    "sms_allowed": Text("Send text messages"),
    "sms_prefix": Text("Begin each text message with the service's name"),
    "sms_downgrade": Text("Write curly quotes and dashes plainly, where they would make a text message cost more"),
}
_HOLDS = 20  # one of the team's, and those of operators since
_SAVED = Text("The change is saved")
_NO_LANGUAGE = Text("Choose a language")
_NOT_DAYS = Text("Enter a number of days from 1 to {most}")
_DAYS = re.compile("[0-9]{1,4}")
_NOT_YOURS = Text("Only those who run notify-relay can release the service, because they put it on hold. Write to them")


async def show(visit: Visit) -> Response:
    return visit.page(
        "services/settings.html",
        title=Text("Settings"),
        waiting=await holds.waiting(visit),
        service=visit.service,
        says=LANGUAGES[visit.the_service.language],
        french_first=visit.the_service.branding == "fip_french",
        is_ordered=visit.the_service.branding in _ORDERS,
    )


async def show_names(visit: Visit) -> Response:
    service = visit.the_service
    form = visit.filled(name=service.name, name_fr=service.name_fr or service.name)
    return visit.page("services/settings_names.html", title=Text("Change the service's name"), form=form)


async def take_names(visit: Visit) -> Response:
    form = await visit.form()
    name, name_fr = form.line("name"), form.line("name_fr")
    async with visit.writing() as t:
        errors = await wrong_names(t, name, name_fr, mine=visit.the_service)
        if not errors:
            await changing.update(t, _id(visit), name=name, name_fr=name_fr)
    return visit.invalid(f"{HOME}/name", errors) if errors else _saved(visit)


async def show_address(visit: Visit) -> Response:
    return visit.page(
        "services/settings_address.html",
        title=Text("Change the address that it sends from"),
        form=visit.filled(email_from=visit.the_service.email_from),
    )


async def take_address(visit: Visit) -> Response:
    email_from = (await visit.form()).line("email_from").lower()
    async with visit.writing() as t:
        errors = await wrong_address(t, email_from, mine=visit.the_service)
        if not errors:
            await changing.update(t, _id(visit), email_from=email_from)
    return visit.invalid(f"{HOME}/address", errors) if errors else _saved(visit)


async def show_language(visit: Visit) -> Response:
    service = visit.the_service
    return visit.page(
        "services/settings_language.html",
        title=Text("Change the language of its messages"),
        form=visit.filled(language=service.language.value, first="fr" if service.branding == "fip_french" else "en"),
        choices=[(each.value, visit.say(text)) for each, text in LANGUAGES.items()],
        is_ordered=service.branding in _ORDERS,
    )


async def take_language(visit: Visit) -> Response:
    form = await visit.form()
    if form["language"] not in {each.value for each in LANGUAGES}:
        return visit.invalid(f"{HOME}/language", {"language": _NO_LANGUAGE})
    changes: dict[str, object] = {"language": Language(form["language"])}
    if visit.the_service.branding in _ORDERS:
        changes["branding"] = "fip_french" if form["first"] == "fr" else "default"
    async with visit.writing() as t:
        await changing.update(t, _id(visit), **changes)
    return _saved(visit)


async def show_channels(visit: Visit) -> Response:
    service = visit.the_service
    return visit.page(
        "services/settings_channels.html",
        title=Text("Change how text messages are sent"),
        form=visit.filled(channels=[name for name in _CHANNELS if getattr(service, name)]),
        channels=[(name, visit.say(text)) for name, text in _CHANNELS.items()],
    )


async def take_channels(visit: Visit) -> Response:
    ticked = (await visit.form()).many("channels")
    async with visit.writing() as t:
        await changing.update(t, _id(visit), **{name: name in ticked for name in _CHANNELS})
    return _saved(visit)


async def show_kept(visit: Visit) -> Response:
    return visit.page(
        "services/settings_kept.html",
        title=Text("Change how long contents are kept"),
        form=visit.filled(days=str(visit.the_service.content_days)),
        most=MAX_CONTENT_DAYS,
    )


async def take_kept(visit: Visit) -> Response:
    typed = (await visit.form()).line("days")
    try:
        days = parse_content_days(int(typed) if _DAYS.fullmatch(typed) else 0)
    except AuthError:
        return visit.invalid(f"{HOME}/kept", {"days": Text(_NOT_DAYS.source, {"most": MAX_CONTENT_DAYS})})
    async with visit.writing() as t:
        await changing.keep_content(t, _id(visit), days)
    return _saved(visit)


async def show_contact(visit: Visit) -> Response:
    return visit.page(
        "services/settings_contact.html",
        title=Text("Change the contact for incidents"),
        form=visit.filled(contact=visit.the_service.contact or ""),
    )


async def take_contact(visit: Visit) -> Response:
    contact = (await visit.form()).line("contact")
    try:
        parse(contact, BAD_CONTACT)
    except AuthError as error:
        return visit.invalid(f"{HOME}/contact", {"contact": error.text})
    async with visit.writing() as t:
        await changing.update(t, _id(visit), contact=contact)
    return _saved(visit)


async def show_hold(visit: Visit) -> Response:
    title = Text("Release the service") if visit.the_service.held else Text("Put the service on hold")
    return visit.page("services/settings_hold.html", title=title, form=visit.filled())


async def take_hold(visit: Visit) -> Response:
    wanted = (await visit.form())["held"]
    async with visit.writing_in_office() as t:
        is_held = (await t.service_to_change(_id(visit))).held
        may = wanted == "yes" or await _may_release(t, visit)
        if may and is_held is not (wanted == "yes"):
            await (changing.hold if wanted == "yes" else changing.release)(t, _id(visit))
    if not may:
        return visit.invalid(f"{HOME}/hold", {"held": _NOT_YOURS})
    done = Text("The service is on hold") if wanted == "yes" else Text("The service sends again")
    return visit.to(HOME, notice=done)


async def _may_release(t: Transaction, visit: Visit) -> bool:
    """What an operator holds, an operator releases, whoever held it before or asked for it again."""
    done = await audit.find(t.connection, _HOLDS, object_id=_id(visit), actions=("service.hold", "service.release"))
    holds = takewhile(lambda each: each.action == "service.hold", done)
    return visit.the_user.operator or all(each.actor_kind != "operator" for each in holds)


def _id(visit: Visit) -> str:
    return str(visit.the_service.id)


def _saved(visit: Visit) -> Response:
    return visit.to(HOME, notice=_SAVED)


_PAGES: Mapping[str, tuple[PageHandler, PageHandler]] = {
    "name": (show_names, take_names),
    "address": (show_address, take_address),
    "language": (show_language, take_language),
    "channels": (show_channels, take_channels),
    "contact": (show_contact, take_contact),
    "kept": (show_kept, take_kept),
    "hold": (show_hold, take_hold),
}
ROUTES = (
    Route("GET", HOME, show, Permission.MANAGE_SERVICE),
    *(Route("GET", f"{HOME}/{name}", shown, Permission.MANAGE_SERVICE) for name, (shown, _) in _PAGES.items()),
    *(Route("POST", f"{HOME}/{name}", taken, Permission.MANAGE_SERVICE) for name, (_, taken) in _PAGES.items()),
)
