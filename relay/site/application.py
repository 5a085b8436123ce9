"""The web site as an ASGI application: the table of routes in both languages, and what every request goes through."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from auth.people.sessions import SEEN_EVERY_SECONDS, Session
from config.memory import Memory, NoRoomError
from messages.message import Language
from relay.actions.errors import UnknownError
from relay.site import assets, csrf, forms, standing
from relay.site.errors import Away, FormTooLarge, Missing, NoForm, NoRoom, TooOften
from relay.site.guard import Guard, origins
from relay.site.language import LANGUAGES, preferred, split
from relay.site.parts import Site
from relay.site.public import plain
from relay.site.routes import ROUTES
from relay.site.routing import Needs, Route
from relay.site.standing import Standing
from relay.site.visits import COOKIE, Visit

_TIMES_HELD = 4  # what a file takes while it is looked at: as it came, its parts, what becomes of it, its page
_MAX_PATH_CHARACTERS = 500
_NEVER_CHANGES = "public, max-age=31536000, immutable"


def application(site: Site, routes: Sequence[Route] = ROUTES) -> ASGIApp:
    doors = _Doors(site, routes)
    found = [
        Path(f"{assets.PREFIX}{{name}}", _asset, methods=["GET"]),
        *(Path(path, partial(_plain, site, handler), methods=["GET"]) for path, handler in plain.ROUTES.items()),
        *doors.paths(),
    ]
    router = Router(found, redirect_slashes=False, default=doors.missing)
    return Guard(router, settings=site.settings.site, page=doors.page, is_live=doors.is_live)


class _Doors:
    """Every route of the table, in each language."""

    def __init__(self, site: Site, routes: Sequence[Route]) -> None:
        self._site = site
        self._origins = origins(site.settings.site)
        self._by_path: dict[str, dict[str, Route]] = {}
        for route in sorted(routes, key=lambda route: "{" in route.path):  # `new` is nobody's id
            self._by_path.setdefault(route.path, {})[route.method] = route
        self._live = [route.path for route in routes if route.live]
        self._known = frozenset(self._by_path)
        largest = max(route.max_bytes for route in routes) * _TIMES_HELD
        self._memory = Memory(2 * largest, largest)

    def paths(self) -> list[Path]:
        return [
            Path(_path(spoken, path), partial(self._visit, spoken, methods), methods=["GET", "POST"])
            for path, methods in self._by_path.items()
            for spoken in LANGUAGES
        ]

    def is_live(self, path: str) -> bool:
        return any(_matches(split(path)[1], each) for each in self._live)

    async def missing(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page without its language is one of the reader's; with a slash too many, one without it."""
        request = Request(scope)
        spoken, path = split(request.url.path)
        known = any(_matches(path, each) for each in self._by_path)
        if request.method != "GET" or not known or (spoken is not None and not request.url.path.endswith("/")):
            raise Missing
        query = f"?{request.url.query}" if request.url.query else ""
        to = _path(spoken or preferred(request) or Language.EN, path) + query
        await RedirectResponse(to, 303, {"Vary": "Accept-Language"})(scope, receive, send)

    async def page(self, request: Request, error: Away) -> Response:
        """In place of what was asked for; asks the database nothing, which may be what is wrong."""
        spoken, path = split(request.url.path)
        visit = Visit(self._site, request, spoken or preferred(request) or Language.EN, path, Standing(), self._known)
        answer = visit.page("error.html", title=error.title, text=error.text, status=error.status)
        if error.status == 503:
            answer.headers["Retry-After"] = "60"
        return answer

    async def _visit(self, spoken: Language, methods: Mapping[str, Route], request: Request) -> Response:
        route = methods.get(request.method)
        if route is None:
            return PlainTextResponse("", 405, {"Allow": ", ".join((*methods, *(["HEAD"] if "GET" in methods else [])))})
        if route.method == "POST":
            csrf.check_origin(request, self._origins)
        form = None if route.is_large else await self._posted(route, request)
        visit = await self._standing(spoken, route, request)
        if form is not None:
            visit.received(form)
        hurdle = standing.hurdle(visit.standing, route, visit.now)
        if hurdle is not None:
            if form is not None:  # what was typed waits for them behind the hurdle
                visit.kept = (visit.path, form.draft({}))
            answer = visit.at_hurdle(hurdle)
        elif route.is_large:
            answer = await self._uploaded(visit, route)
        else:
            answer = await self._handled(visit, route, form)
        await self._finish(visit, route)
        visit.set_cookie(answer)
        return answer

    async def _uploaded(self, visit: Visit, route: Route) -> Response:
        """Of a large form; what it takes counts for the service until it is answered."""
        assert visit.service is not None
        size = _length(visit.request)
        if size > route.max_bytes:
            raise FormTooLarge(route.max_bytes)
        with self._memory.portion(visit.service.id) as portion:
            try:
                portion.add(size * _TIMES_HELD)
            except NoRoomError:
                raise NoRoom from None
            form = await self._posted(route, visit.request, size)
            assert form is not None
            visit.received(form)
            return await self._handled(visit, route, form)

    async def _handled(self, visit: Visit, route: Route, form: forms.Form | None) -> Response:
        if form is not None:
            csrf.check(self._site.secret, visit.standing.token, form[csrf.FIELD])
        try:
            return await route.handler(visit)
        except UnknownError:
            raise Missing from None
        except TooOften:
            if form is not None:  # what was typed is there once they try again
                visit.keep(form)
                await self._finish(visit, route)
            raise

    async def _posted(self, route: Route, request: Request, size: int | None = None) -> forms.Form | None:
        """`size` is what was set aside for it, where it is large."""
        if route.method != "POST":
            return None
        return await forms.read(request, size if size is not None else route.max_bytes)

    async def _standing(self, spoken: Language, route: Route, request: Request) -> Visit:
        """Raises Missing where the route is not for whoever asks."""
        site, limits = self._site, self._site.settings.limits
        path, now = split(request.url.path)[1], self._site.now()
        if not path.isprintable() or len(path) > _MAX_PATH_CHARACTERS:  # drafts are found by it: no column holds NUL
            raise Missing
        token = request.cookies.get(COOKIE[site.settings.site.is_secure])
        if not token:
            return Visit(site, request, spoken, path, Standing(), self._known)
        async with site.database.read() as connection:
            found = await standing.find(connection, site.people, token, now)
            if found.user is not None and route.needs is not Needs.NOBODY:
                service, permissions = await standing.at(
                    connection, site.people, limits, found, route, request.path_params
                )
                found = replace(found, service=service, permissions=permissions)
            draft = await standing.draft(connection, site.secret, found, path, now)
        return Visit(site, request, spoken, path, replace(found, draft=draft), self._known)

    async def _finish(self, visit: Visit, route: Route) -> None:
        is_seen = not route.live and visit.user is not None and _is_long_ago(visit.session, visit.now)
        if visit.has_to_write(is_seen=is_seen):
            async with self._site.database.write() as connection:
                await visit.finish(connection, is_seen=is_seen)


def _is_long_ago(session: Session | None, now: float) -> bool:
    return session is not None and now - session.seen_at > SEEN_EVERY_SECONDS


def _length(request: Request) -> int:
    """Of the body; a browser always says it."""
    said = request.headers.get("content-length", "")
    if not said.isdecimal() or len(said) > 12:
        raise NoForm
    return int(said)


def _path(spoken: Language, path: str) -> str:
    return f"/{spoken}/{path}" if path else f"/{spoken}"


def _matches(path: str, pattern: str) -> bool:
    given, known = path.split("/"), pattern.split("/")
    return len(given) == len(known) and all(b.startswith("{") or a == b for a, b in zip(given, known, strict=True))


async def _plain(site: Site, handler: plain.PlainHandler, request: Request) -> Response:
    return await handler(site, request)


async def _asset(request: Request) -> Response:
    found = assets.find(request.path_params["name"])
    if found is None:
        raise Missing
    return Response(found.octets, media_type=found.media_type, headers={"Cache-Control": _NEVER_CHANGES})
