"""A person at a browser without scripts: keeps cookies, follows links by their words, fills forms by their labels."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from tests.harness.html import Element, read_html

Value = str | bool | list[str] | tuple[str, bytes]  # typed, ticked, several ticked or chosen by label, a file
_MAX_REDIRECTS = 5
_KEPT_SECONDS = 1  # an idle connection: long before the site ends it, however late we look


@dataclass(slots=True)
class Page:
    status: int
    url: str  # path and query, after redirects
    headers: Mapping[str, str]
    octets: bytes
    root: Element = field(repr=False)
    hops: list[str] = field(default_factory=list)  # where it was led to, in order

    @property
    def html(self) -> str:
        return self.octets.decode()

    @property
    def title(self) -> str:
        return self.root.tagged("title")[0].text

    @property
    def heading(self) -> str:
        (found,) = self.root.tagged("h1")
        return found.text

    @property
    def text(self) -> str:
        """What stands in the page's main part."""
        return self.root.at("content").text

    @property
    def token(self) -> str:
        """Of its forms, against those of other sites."""
        return next(
            each.attributes["value"] for each in self.root.tagged("input") if each.attributes.get("name") == "csrf"
        )

    @property
    def errors(self) -> list[str]:
        """What the summary says is wrong."""
        return [link.text for each in self.root.all() if has_class(each, "summary") for link in each.tagged("a")]

    @property
    def notice(self) -> str:
        return " ".join(each.text for each in self.root.all() if has_class(each, "notice"))

    @property
    def links(self) -> list[tuple[str, str]]:
        """Words and address of each."""
        return [(each.text, each.attributes["href"]) for each in self.root.tagged("a") if "href" in each.attributes]

    def link(self, words: str) -> str:
        found = {url for text, url in self.links if text == words}
        assert len(found) == 1, f"{words!r} leads to {found or 'nothing'}; there are {[text for text, _ in self.links]}"
        return found.pop()

    def forms(self) -> list[Element]:
        return self.root.tagged("form")

    def value(self, label: str) -> str:
        """What stands in a field."""
        return _standing(self.field(label)[1])

    def field(self, label: str) -> tuple[Element, Element]:
        """A field by its label, and the form that it is in."""
        for form in self.forms():
            for each in form.tagged("label"):
                if _label(each) == label:
                    return form, self.root.at(each.attributes["for"])
        raise AssertionError(f"no field {label!r}; there are {self.labels}")

    @property
    def labels(self) -> list[str]:
        return [_label(each) for form in self.forms() for each in form.tagged("label")]


class Browser:
    """`url` is the site's root. Each one is another person's."""

    def __init__(self, url: str, *, language: str = "en", agent: str = "Firefox in a test") -> None:
        self.url = url.rstrip("/")
        self.agent = agent
        self.language = language
        self.page: Page | None = None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(keepalive_timeout=_KEPT_SECONDS), cookie_jar=aiohttp.CookieJar(unsafe=True)
        )

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def cookies(self) -> dict[str, str]:
        return {each.key: each.value for each in self._session.cookie_jar}

    def set_cookie(self, name: str, value: str) -> None:
        self._session.cookie_jar.update_cookies({name: value}, URL(self.url))

    async def open(self, path: str, *, method: str = "GET", data: Any = None, headers: Any = None) -> Page:
        """The page at a path, after all redirects."""
        hops: list[str] = []
        while True:
            answer = await self.ask(method, path, data=data, headers=headers)
            location = answer.headers.get("Location")
            if location is None or answer.status not in (302, 303, 307, 308):
                answer.hops = hops
                self.page = answer
                return answer
            path = urljoin(answer.url, location)
            hops.append(path)
            assert len(hops) <= _MAX_REDIRECTS, hops
            method, data = "GET", None

    async def ask(self, method: str, path: str, *, data: Any = None, headers: Mapping[str, str] | None = None) -> Page:
        """One answer, as it comes."""
        sent = {"Accept-Language": self.language, "User-Agent": self.agent, **(headers or {})}
        if method == "POST":
            sent = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", **sent}
        where = URL(self.url + path, encoded=True)
        async with self._session.request(method, where, data=data, headers=sent, allow_redirects=False) as answer:
            octets = b"" if answer.content_type == "text/event-stream" else await answer.read()  # that has no end
            is_html = answer.content_type == "text/html" and octets
            root = read_html(octets.decode()) if is_html else Element("", {})
            parts = urlsplit(path)
            url = parts.path + (f"?{parts.query}" if parts.query else "")
            return Page(answer.status, url, answer.headers, octets, root)

    async def follow(self, words: str) -> Page:
        """A link of this page, by its words."""
        assert self.page is not None
        return await self.open(urljoin(self.page.url, self.page.link(words)))

    async def press(self, button: str, values: Mapping[str, Value] | None = None) -> Page:
        """Fills in the form that has the button, by labels (of a group by its legend), and presses it."""
        assert self.page is not None
        found = [(form, each) for form in self.page.forms() for each in form.tagged("button") if _words(each) == button]
        buttons = [_words(each) for form in self.page.forms() for each in form.tagged("button")]
        assert found, f"no button {button!r}; there are {buttons}"
        form, pressed = found[0]
        fields = _Filled(self.page, form)
        for label, value in (values or {}).items():
            fields.fill(label, value)
        if name := pressed.attributes.get("name"):
            fields.pairs.append((name, pressed.attributes.get("value", "")))
        action = pressed.attributes.get("formaction") or form.attributes.get("action") or self.page.url
        path = urljoin(self.page.url, action)
        if form.attributes.get("method", "get").lower() == "get":
            return await self.open(path.partition("?")[0] + "?" + urlencode([*fields.sent(), *fields.pairs]))
        return await self.open(path, method="POST", data=fields.data())


class _Filled:
    """What a form sends."""

    def __init__(self, page: Page, form: Element) -> None:
        self._page = page
        self._form = form
        self._files: dict[str, tuple[str, bytes]] = {}
        self._ticked: dict[int, bool] = {}
        self._typed: dict[int, str] = {}
        self.pairs: list[tuple[str, str]] = []

    def fill(self, label: str, value: Value) -> None:
        if (group := self._group(label)) is not None:
            wanted = [value] if isinstance(value, str) else value
            assert isinstance(wanted, list)
            for words, control in group:
                self._ticked[id(control)] = words in wanted
            unknown = {*wanted} - {words for words, _ in group}
            assert not unknown, f"{unknown} is not among {[words for words, _ in group]}"
            return
        form, control = self._page.field(label)
        assert form is self._form, f"{label!r} is in another form"
        if isinstance(value, tuple):
            self._files[control.attributes["name"]] = value
        elif isinstance(value, bool):
            self._ticked[id(control)] = value
        else:
            assert isinstance(value, str)
            self._typed[id(control)] = self._option(control, value) if control.tag == "select" else value

    def data(self) -> Any:
        self.pairs = [*self.sent(), *self.pairs]
        if self._form.attributes.get("enctype") != "multipart/form-data":
            return aiohttp.FormData(self.pairs)
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in self.pairs:
            form.add_field(name, value)
        for name, (filename, octets) in self._files.items():
            form.add_field(name, octets, filename=filename, content_type="application/octet-stream")
        return form

    def sent(self) -> list[tuple[str, str]]:
        found = []
        for control in self._form.all():
            name, kind = control.attributes.get("name"), control.attributes.get("type", "text")
            if not name or control.tag not in ("input", "textarea", "select") or "disabled" in control.attributes:
                continue
            if kind in ("radio", "checkbox"):
                if self._ticked.get(id(control), "checked" in control.attributes):
                    found.append((name, control.attributes.get("value", "on")))
            elif kind != "file":
                found.append((name, self._typed.get(id(control), _standing(control))))
        return found

    def _option(self, control: Element, words: str) -> str:
        return next(each.attributes["value"] for each in control.tagged("option") if each.text == words)

    def _group(self, legend: str) -> list[tuple[str, Element]] | None:
        for fieldset in self._form.tagged("fieldset"):
            if [each.text for each in fieldset.tagged("legend")][:1] == [legend]:
                return [(_label(each), self._page.root.at(each.attributes["for"])) for each in fieldset.tagged("label")]
        return None


def has_class(element: Element, name: str) -> bool:
    return name in element.attributes.get("class", "").split()


def _standing(control: Element) -> str:
    """What it sends untouched."""
    if control.tag == "textarea":
        return "".join(each for each in control.children if isinstance(each, str)).removeprefix("\n")
    if control.tag == "select":
        options = control.tagged("option")
        chosen = [each for each in options if "selected" in each.attributes] or options[:1]
        return chosen[0].attributes["value"] if chosen else ""
    return control.attributes.get("value", "")


def _label(element: Element) -> str:
    return re.sub(r"\s+", " ", element.text)


def _words(button: Element) -> str:
    return button.text
