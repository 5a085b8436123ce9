"""A message as a file, and what the relay would make of it. Nothing is kept: the answer to the post is the page."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from starlette.responses import Response

from auth import keys
from auth.people.permissions import Permission
from messages.email.content import HeaderSection
from messages.email.headers import Action
from messages.email.shown import Shown, shown
from messages.message import Language
from messages.reply import Refused
from messages.text import Text, TextError, clean
from relay.actions import messages
from relay.actions.preview import Preview
from relay.actions.transaction import Transactions
from relay.site import layout
from relay.site.errors import Missing
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/preview"
MAX_BYTES = 25 * 1024 * 1024  # as the door for mail takes by default
_FORM_BYTES = 64 * 1024  # beside the file
_HEADER_CHARACTERS = 20_000
_MAX_FIELDS = 500  # that a person looks at
_PACE = (60, 600)  # each takes time of the processor, which others' pages want
_TITLE = Text("Preview an email")
_NO_FILE = Text("Choose the file of an email")
# The letters stand in frames of this page, in which nothing runs: their styles and pictures are in them.
_POLICY = layout.POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "img-src 'self'", "img-src 'self' data:"
)
_MARKS = {Action.KEEP: "plain", Action.ADD: "good", Action.REWRITE: "wait", Action.STRIP: "bad"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One of the letters that are compared."""

    title: Text
    shown: Shown
    header: str


async def show(visit: Visit) -> Response:
    return await _page(visit, await _keys(visit))


async def look(visit: Visit) -> Response:
    form = await visit.form()
    octets = form.files.get("message", b"")
    if not octets:
        return visit.invalid(PATH, {"message": _NO_FILE})
    keys = await _keys(visit)
    if form["key"] not in dict(keys):  # nobody learns here which keys others have
        raise Missing
    visit.take("preview", *_PACE)

    async def made(language: Language | None = None) -> Preview:
        asked, service_id = _transactions(visit), str(visit.the_service.id)
        key, to = form["key"] or None, form["to"].split()
        return await messages.previewed(asked, site.brandings, octets, service_id, key=key, to=to, language=language)

    site = visit.site
    try:
        found = await made()
        letters = [each async for each in _letters(found, made)]
    except Refused as refused:
        return await _page(visit, keys, refused=refused)
    except TextError as error:
        return visit.invalid(PATH, {"to": error.text})
    return await _page(visit, keys, found=found, letters=letters, refused=found.refused)


def _transactions(visit: Visit) -> Transactions:
    """For a look only: nobody is asked but the database and DNS."""
    site = visit.site
    return Transactions(site.database, site.settings, site.secret, None, visit.actor, site.now, _nobody)


def _nobody() -> Any:
    raise NotImplementedError  # no provider is asked here


async def _letters(found: Preview, made: Callable[..., Any]) -> Any:
    yield await _letter(Text("Before"), found.received)
    if found.prepared is None:
        return
    for language, title in (
        (Language.EN, Text("After, branded in English")),
        (Language.FR, Text("After, branded in French")),
    ):
        prepared = (await made(language)).prepared
        if prepared is not None:
            yield await _letter(title, prepared.content)


async def _letter(title: Text, content: bytes) -> Letter:
    """In a thread: others are answered meanwhile."""
    return await asyncio.to_thread(lambda: Letter(title, shown(content), _header(content)))


def _header(content: bytes) -> str:
    text = content[: HeaderSection.parse(content).end][:_HEADER_CHARACTERS].decode("utf-8", "replace")
    return "\n".join(clean(line) if not line[:1].isspace() else "    " + clean(line) for line in text.splitlines())


async def _page(
    visit: Visit,
    keys: list[tuple[str, str]],
    found: Preview | None = None,
    letters: list[Letter] | None = None,
    refused: Refused | None = None,
) -> Response:
    def made() -> Response:
        return visit.page(
            "previews/page.html",
            title=_TITLE,
            form=visit.filled(),
            keys=keys,
            limit=MAX_BYTES // 1024 // 1024,
            found=found,
            letters=letters or [],
            refused=_refusal(visit, refused) if refused else None,
            fields=list(islice(_fields(found), _MAX_FIELDS)) if found else [],
            facts=_facts(visit, found) if found and found.prepared else [],
        )

    answer = await asyncio.to_thread(made)
    if letters:
        answer.headers["Content-Security-Policy"] = _POLICY
    return answer


async def _keys(visit: Visit) -> list[tuple[str, str]]:
    site, service = visit.site, visit.the_service
    async with site.database.read() as connection:
        found = await keys.list_all(connection, site.secret, site.settings.limits, service.id)
    usable = [(str(key.id), key.name) for key in found if key.type.sends and not key.is_revoked(visit.now)]
    return [("", visit.say(Text("The newest"))), *usable]


def _refusal(visit: Visit, refused: Refused) -> dict[str, Text | str]:
    voice = visit.site.words.voice(visit.language)
    return {"line": refused.line(voice), "cause": Text(refused.reply.cause), "cure": Text(refused.reply.cure)}


def _facts(visit: Visit, found: Preview) -> list[tuple[str, str]]:
    assert found.prepared is not None
    header = HeaderSection.parse(found.prepared.content)
    rows: list[tuple[Text, str | None]] = [
        (Text("From"), " ".join(found.prepared.sender.pieces())),
        (Text("Reply-To"), header.first("reply-to")),
        (Text("Subject"), found.prepared.subject),
        (Text("Recipients"), ", ".join(str(each.recipient) for each in found.recipients)),
    ]
    if found.prepared.not_branded_because:
        rows.append((Text("Not branded"), visit.say(Text(found.prepared.not_branded_because))))
    return [(visit.say(label), clean(value)) for label, value in rows if value]


def _fields(found: Preview) -> Iterator[dict[str, Any]]:
    for each in found.fields:
        yield {
            "name": clean(each.name),
            "word": Text(each.action.value),
            "mark": _MARKS[each.action],
            "why": Text(each.reason),
        }


ROUTES = (
    Route("GET", PATH, show, Permission.MANAGE_API_KEYS),
    Route("POST", PATH, look, Permission.MANAGE_API_KEYS, max_bytes=MAX_BYTES + _FORM_BYTES),
)
