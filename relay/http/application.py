"""The HTTP door as an ASGI application: routes at the root of the domain, every failure in the shape of Notify's v2."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.database import Database
from config.keyring import Keyring
from config.memory import Memory
from config.settings import Settings
from config.words import Words, negotiate
from delivery.figures.windows import Windows
from messages.text import Translate
from relay.failures import Failure, failure_of
from relay.http import (
    documentation,
    errors,
    events,
    management,
    missing,
    notifications,
    pictures,
    posting,
    received,
    responses,
    statistics,
    templates,
    validation,
)
from relay.http.authentication import Authentication, Throttle, Verifier
from relay.http.errors import ApiError
from relay.http.management.desk import Desk
from relay.http.pages import routes as pages
from relay.http.pages.own import Own
from relay.http.pages.pulse import Pulse
from relay.http.paths import Paths
from relay.http.presenting import Bodies, Contents, Links, Templates
from relay.http.reading import HELD_BYTES, SHARE_BYTES
from relay.http.receiving import Receiving
from relay.http.requests import EmailRequest, SmsRequest
from relay.http.sending import EmailSending, Senders, SmsSending
from relay.http.submissions import Acceptor, Pressure, Submissions
from relay.metrics import DoorMetrics
from relay.notices.contact import Contacts

_READ_SECONDS = 10.0  # a database that takes longer is away


def application(
    *,
    public_url: str,
    sms_domain: str,
    verifier: Verifier,
    throttle: Throttle,
    acceptor: Acceptor,
    pressure: Pressure,
    searching: notifications.Searching,
    contents: Contents,
    received_: received.Received,
    templates_: Templates,
    brandings: pictures.Brandings,
    senders: Senders,
    contacts: Contacts,
    database: Database,
    settings: Settings,
    secret: Keyring,
    feed: events.Feed,
    metrics: DoorMetrics,
    words: Words,
    now: Callable[[], float],
) -> ASGIApp:
    """`public_url` is where clients reach us, and ends with a slash; `sms_domain` stands for phones, by SMTP only.

    `now` gives seconds since the epoch.
    """
    links = Links(public_url)
    submissions = Submissions(acceptor, pressure, metrics, links.docs, now)
    authentication = Authentication(verifier, throttle, metrics, links.docs, now)
    answers = _Answers(words, links)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name,
        # It would send exceptions with their texts to whatever the environment's OTEL variables name.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    bodies = Bodies(contents, templates_)
    email = EmailSending(submissions, bodies, links, now, sms_domain)
    sms = SmsSending(submissions, bodies, links, now, senders)
    memory, receiving = Memory(HELD_BYTES, SHARE_BYTES), Receiving()
    common = (authentication, submissions)
    desk = Desk(authentication, database, settings, secret, links.docs, now)
    document = cache(lambda: documentation.openapi(app, links.root))  # when somebody asks: it takes a while
    own = Own(authentication, templates_, searching, links.root)
    routers = [
        posting.routes(EmailRequest, responses.EmailAccepted, *common, email, memory, now),
        posting.routes(SmsRequest, responses.SmsAccepted, *common, sms, memory, now),
        missing.routes(authentication, searching, links.docs),
        notifications.routes(authentication, searching, bodies, links, answers.translator, now),
        events.routes(authentication, feed, links, now),
        received.routes(authentication, received_, links),
        statistics.routes(desk, Windows(database)),
        templates.routes(authentication, templates_, receiving, links.docs, now),
        pictures.routes(brandings),
        *management.routes(desk, receiving, contacts, words),
        pages.routes(document, words, links, own, Pulse(searching)),
    ]
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(ApiError, answers.of_error)
    app.add_exception_handler(RequestValidationError, answers.of_invalid)
    app.add_exception_handler(HTTPException, answers.of_route)
    paths = Paths([*app.routes, *(route for router in routers for route in router.routes)])
    app.add_middleware(_Guard, answers=answers, paths=paths, report=submissions.report)
    return app


def _name(route: APIRoute) -> str:
    return route.name


class _Answers:
    """Failures as answers, in the language of whoever asks."""

    def __init__(self, words: Words, links: Links) -> None:
        self._words = words
        self._links = links

    def translator(self, request: Request) -> Translate:
        return self._words.translator(negotiate(request.headers.get("accept-language")))

    def of_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return Response(error.body(self.translator(request)), error.status, error.headers, "application/json")

    def of_invalid(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = [{**each, "loc": each["loc"][1:]} for each in error.errors()]  # the first says: path, query or header
        return self.of_error(request, ApiError.invalid(validation.texts(found)))

    def of_route(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        failure = errors.ROUTE_UNKNOWN if error.status_code == 404 else errors.NOT_HTTP
        return self.of_error(request, ApiError.of(failure, error.headers, docs=self._links.docs))

    def of_method(self, request: Request, methods: Sequence[str]) -> Response:
        """What a known path answers that does not take the method."""
        allow = {"Allow": ", ".join(methods)}
        if request.method == "OPTIONS":
            return Response(None, 204, allow)
        return self.of_error(request, ApiError.of(errors.METHOD_UNKNOWN, allow, allow=allow["Allow"]))


class _Guard:
    """Around everything: no exception's text gets out, and every answer says what caches and browsers should know."""

    def __init__(self, app: ASGIApp, answers: _Answers, paths: Paths, report: Callable[[BaseException], None]) -> None:
        self._app = app
        self._answers = answers
        self._paths = paths
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        asked = Headers(scope=scope)
        language = negotiate(asked.get("accept-language"))
        app = self._app
        if "transfer-encoding" in asked and "content-length" in asked:
            # RFC 9112 6.1: a proxy may have gone by the other length, and what follows be nobody's request.
            app = self._answers.of_error(Request(scope), ApiError.of(errors.NOT_HTTP, {"Connection": "close"}))
        elif (methods := self._paths.methods(scope["path"])) and not _is_taken(scope["method"], methods):
            app = self._answers.of_method(Request(scope), methods)
        elif scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # its answer without the body, which the server leaves out
        started = False

        async def finish(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["path"] != "/openapi.json" and "immutable" not in headers.get("cache-control", ""):
                    headers["Vary"] = "Accept-Language"
                    headers.setdefault("Content-Language", language.value)
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            async with asyncio.timeout(_READ_SECONDS if scope["method"] in ("GET", "HEAD") else None):
                await app(scope, receive, finish)
        except ClientDisconnect:
            pass
        except Exception as error:
            self._report(error)
            if started:  # half an answer: a broken connection says so
                raise
            bug = failure_of(error) is Failure.BUG
            answer = ApiError.of(errors.INTERNAL) if bug else errors.unavailable()
            await self._answers.of_error(Request(scope), answer)(scope, receive, finish)
        return None


def _is_taken(method: str, methods: Sequence[str]) -> bool:
    """OPTIONS asks for the methods, and is answered with them."""
    return method in methods and method != "OPTIONS"
