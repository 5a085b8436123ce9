"""The account at a glance, and what of it changes nothing of how one signs in: name and language."""

from starlette.responses import Response

from auth.errors import AuthError
from auth.people import authenticators, recovery, sessions
from messages.message import Language
from messages.text import Text
from relay.actions import people
from relay.site.account.telling import tell
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

_LANGUAGES = (Language.EN, Language.FR)
_CHOOSE = Text("Choose a language")
_NAMED = Text("Your name was changed.")
_SPOKEN = Text("Your language was changed.")


async def show(visit: Visit) -> Response:
    person = visit.the_user
    async with visit.site.database.read() as connection:
        found = await authenticators.of_user(connection, visit.site.secret, person.id)
        codes = await recovery.standing(connection, person.id)
        devices = len(await sessions.of_user(connection, person.id, visit.now))
    return visit.page(
        "account/overview.html",
        title=Text("Your account"),
        person=person,
        found=found,
        codes=codes,
        devices=devices,
    )


async def show_name(visit: Visit) -> Response:
    form = visit.filled(name=visit.the_user.name)
    return visit.page("account/name.html", title=Text("Change your name"), form=form)


async def change_name(visit: Visit) -> Response:
    form, person = await visit.form(), visit.the_user
    try:
        async with visit.writing() as t:
            await people.update(t, person.id, name=form.line("name"))
    except AuthError as error:
        return visit.invalid("account/name", {"name": error.text})
    await tell(visit, _NAMED)
    return visit.to("account", notice=_NAMED)


async def show_language(visit: Visit) -> Response:
    form = visit.filled(language=visit.the_user.language.value)
    return visit.page("account/language.html", title=Text("Change your language"), form=form)


async def change_language(visit: Visit) -> Response:
    chosen, person = (await visit.form())["language"], visit.the_user
    if chosen not in _LANGUAGES:
        return visit.invalid("account/language", {"language": _CHOOSE})
    async with visit.writing() as t:
        await people.update(t, person.id, language=Language(chosen))
    await tell(visit, _SPOKEN)
    return visit.to("account", notice=_SPOKEN)


ROUTES = (
    Route("GET", "account", show, Needs.SIGNED_IN),
    Route("GET", "account/name", show_name, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/name", change_name, Needs.SIGNED_IN, fresh=True),
    Route("GET", "account/language", show_language, Needs.SIGNED_IN, fresh=True),
    Route("POST", "account/language", change_language, Needs.SIGNED_IN, fresh=True),
)
