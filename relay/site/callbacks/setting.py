"""One callback: its URL and token, a test event, resuming, removing. Its new secret is shown this once."""

from starlette.responses import Response

from auth.people.permissions import Permission
from delivery.store.base import CallbackKind
from messages.text import Text, TextError
from relay.actions import callbacks
from relay.actions.callbacks import Trial
from relay.notices.callbacks import why
from relay.site.callbacks.overview import KINDS, ONE, PATH, state
from relay.site.errors import Missing
from relay.site.routing import Route
from relay.site.visits import Visit

REMOVE = f"{ONE}/remove"
_PACE = (20, 600)  # each calls a machine of theirs to name, from an address of ours
_ANSWERED = Text("Your receiver answered with HTTP status {status}, in {seconds} seconds. It works.")
_REFUSED = Text("Your receiver answered with HTTP status {status}, in {seconds} seconds. It should answer with 2xx.")
_UNANSWERED = Text("Your receiver could not be asked: {why}. That took {seconds} seconds.")
_RESUMED = Text("The callback is resumed: what waited is called now.")
_REMOVED = Text("The callback is removed.")
_NO_URL = Text("Enter the URL")
_NO_TOKEN = Text("Enter the bearer token")


async def show(visit: Visit) -> Response:
    kind, service = _kind(visit), visit.the_service
    async with visit.site.reading(visit.actor) as t:
        found = await callbacks.overview(t, str(service.id), kind=kind)
    word, mark = state(found)
    return visit.page(
        "callbacks/one.html",
        title=KINDS[kind],
        form=visit.filled(url=found.url if found else ""),
        found=found,
        failed=why(found.health.failed_as) if found and found.health.failed_as else None,
        word=word,
        mark=mark,
        remove=_path(REMOVE, kind),
        zone=service.time_zone,
        contact=service.contact,
    )


async def put(visit: Visit) -> Response:
    """Shows the signing secret on the answer itself: it is kept nowhere. The page's other buttons say what they do."""
    kind, form = _kind(visit), await visit.form()
    if (do := _BESIDE.get(form["do"])) is not None:
        return await do(visit)
    url, token = form.line("url"), form["token_secret"].strip()
    errors = {
        name: error for name, value, error in (("url", url, _NO_URL), ("token_secret", token, _NO_TOKEN)) if not value
    }
    if errors:
        return visit.invalid(ONE, errors)
    try:
        async with visit.writing() as t:
            issued = await callbacks.put(t, str(visit.the_service.id), kind=kind, url=url, bearer_token=token)
    except TextError as error:
        return visit.invalid(
            ONE, {"token_secret" if error.text.source.startswith("a bearer token") else "url": error.text}
        )
    return visit.page(
        "callbacks/secret.html", title=Text("The callback is set"), secret=issued.signing_secret, path=_path(ONE, kind)
    )


async def test(visit: Visit) -> Response:
    kind, site = _kind(visit), visit.site
    await visit.reach("callback-test", *_PACE)
    async with site.reading(visit.actor) as t:
        receiver = await callbacks.receiver(t, str(visit.the_service.id), kind=kind)
    try:
        found = await callbacks.call(receiver, site.settings, visit.now)
    except TextError as error:
        return visit.to(ONE, notice=error.text)
    return visit.to(ONE, notice=_answer(found))


def _answer(found: Trial) -> Text:
    values: dict[str, object] = {"status": found.http_status, "seconds": f"{found.seconds:.2f}"}
    if found.http_status is None:
        return Text(_UNANSWERED.source, values | {"why": why(found.reason or "")})
    return Text((_ANSWERED if found.works else _REFUSED).source, values)


async def resume(visit: Visit) -> Response:
    try:
        async with visit.writing() as t:
            await callbacks.resume(t, str(visit.the_service.id), kind=_kind(visit))
    except TextError as error:
        return visit.to(ONE, notice=error.text)
    return visit.to(ONE, notice=_RESUMED)


_BESIDE = {"test": test, "resume": resume}


async def ask_to_remove(visit: Visit) -> Response:
    kind = _kind(visit)
    async with visit.site.reading(visit.actor) as t:
        if await callbacks.overview(t, str(visit.the_service.id), kind=kind) is None:
            raise Missing
    return visit.page(
        "callbacks/remove.html", title=Text("Remove this callback?"), label=KINDS[kind], path=_path(ONE, kind)
    )


async def remove(visit: Visit) -> Response:
    async with visit.writing() as t:
        await callbacks.remove(t, str(visit.the_service.id), kind=_kind(visit))
    return visit.to(PATH, notice=_REMOVED)


def _kind(visit: Visit) -> CallbackKind:
    named = visit.request.path_params["kind"]
    if named not in {*CallbackKind}:
        raise Missing
    return CallbackKind(named)


def _path(path: str, kind: CallbackKind) -> str:
    return path.replace("{kind}", kind.value)


ROUTES = (
    Route("GET", ONE, show, Permission.MANAGE_API_KEYS),
    Route("POST", ONE, put, Permission.MANAGE_API_KEYS),
    Route("GET", REMOVE, ask_to_remove, Permission.MANAGE_API_KEYS),
    Route("POST", REMOVE, remove, Permission.MANAGE_API_KEYS),
)
