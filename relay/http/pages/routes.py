"""The routes of what people read: `/`, `/docs` and its pages, `/smtp`; and /openapi.json, which programs read.

Each page is built once, when somebody asks.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from config.words import Words
from messages.message import Language
from relay.http.errors import ApiError
from relay.http.pages import replies
from relay.http.pages.answering import Page, language_of, page_headers
from relay.http.pages.book import HOME, START, Book
from relay.http.pages.examples import Ids
from relay.http.pages.layout import render, style, style_name
from relay.http.pages.markdown import to_html
from relay.http.pages.own import Own
from relay.http.pages.pulse import Pulse
from relay.http.presenting import Links

_READING = ("GET", "HEAD")


def routes(document: Callable[[], dict[str, Any]], words: Words, links: Links, own: Own, pulse: Pulse) -> APIRouter:
    """`document` gives the OpenAPI document, which is made when somebody asks for it."""
    router = APIRouter(include_in_schema=False)
    writer = _Writer(document, words, Ids(links.root))

    @router.api_route("/", methods=[*_READING])
    async def home(request: Request) -> Response:
        accepting = await pulse.is_accepting()
        if _wants_json(request):
            return JSONResponse(
                {
                    "name": "notify-relay",
                    "accepting": accepting,
                    "documentation": links.docs,
                    "openapi": f"{links.root}openapi.json",
                }
            )
        page = await run_in_threadpool(writer.home, language_of(request), accepting)
        answer = page.answer(request)
        answer.headers["Cache-Control"] = "no-cache"  # it tells how things stand
        return answer

    @router.api_route("/docs", methods=[*_READING])
    def start(request: Request) -> Response:
        return writer.page(START, language_of(request)).answer(request)

    @router.api_route("/docs/{name}", methods=[*_READING])
    def page(request: Request, name: str) -> Response:
        if name not in writer.book(Language.EN).names:
            raise HTTPException(404)
        return writer.page(name, language_of(request)).answer(request)

    @router.post("/docs/{name}")
    async def own_page(request: Request, name: str) -> Response:
        language = language_of(request)
        book = await run_in_threadpool(writer.book, language)
        if book.call(name) is None:
            raise HTTPException(404)
        ids, problem, status, headers = writer.ids, "", 200, {}
        try:
            ids = await own.ids(request)
        except ApiError as error:
            status, headers = error.status, error.headers
            problem = " ".join(text.render(words.translator(language)) for _, text in error.errors)
        html = await run_in_threadpool(writer.html, name, language, ids, problem)
        kept = {"Cache-Control": "no-store", **page_headers(language)}
        return HTMLResponse(html, status, {**headers, **kept})

    @router.api_route("/openapi.json", methods=[*_READING])
    def openapi(request: Request) -> Response:
        return writer.openapi().answer(request)

    @router.api_route("/smtp", methods=[*_READING])
    def smtp(request: Request) -> Response:
        return writer.replies(language_of(request)).answer(request)

    @router.api_route(f"/{style_name()}", methods=[*_READING])
    async def stylesheet(request: Request) -> Response:
        return Page.of_style(style()).answer(request)

    return router


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower()
    return "application/json" in accepted and "text/html" not in accepted


class _Writer:
    """Every page in every language; none is built twice."""

    def __init__(self, document: Callable[[], dict[str, Any]], words: Words, ids: Ids) -> None:
        self._document = document
        self._words = words
        self.ids = ids  # of nobody
        self.book = cache(self._book)
        self.page = cache(self._page)
        self.home = cache(self._home)
        self.replies = cache(self._replies)
        self.openapi = cache(self._openapi)

    def html(self, name: str, language: Language, ids: Ids, problem: str = "") -> str:
        book = self.book(language)
        read = book.read(name, ids)
        start, examples, end = (
            to_html(each, lambda target: _link(target, language))
            for each in (read.start, read.examples, f"{read.answer}\n{read.failures}")
        )
        return render(
            "call.html" if book.call(name) else "page.html",
            language,
            self._words.translator(language),
            title=book.title(name),
            name=name,
            groups=book.groups(),
            link=lambda each: _link(f"{each}.md", language),
            body=start,
            start=start,
            examples=examples,
            end=end,
            problem=problem,
            known=ids is not self.ids,
        )

    def _book(self, language: Language) -> Book:
        return Book(self._document(), language, self._words.translator(language))

    def _page(self, name: str, language: Language) -> Page:
        return Page.of(self.html(name, language, self.ids), language)

    def _home(self, language: Language, accepting: bool) -> Page:
        book = self.book(language)
        body = to_html(book.read(HOME, self.ids).start, lambda target: _link(target, language))
        values = {"title": book.title(HOME), "body": body, "accepting": accepting}
        return Page.of(render("home.html", language, self._words.translator(language), **values), language)

    def _replies(self, language: Language) -> Page:
        return Page.of(replies.page(language, self._words.translator(language)), language)

    def _openapi(self) -> Page:
        return Page(json.dumps(self._document()).encode(), "application/json")


def _link(target: str, language: Language) -> str:
    """`keys.md` is a page of ours, which is read on in the same language; the rest is as it is."""
    name, _, anchor = target.partition("#")
    if not name.endswith(".md"):
        return target
    path = {START: "/docs", "smtp-replies": "/smtp"}.get(name.removesuffix(".md"), f"/docs/{name.removesuffix('.md')}")
    return f"{path}?lang={language.value}" + (f"#{anchor}" if anchor else "")
