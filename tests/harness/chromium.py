"""A person at Chromium: what tests/harness/browser.py is without scripts, with them, by pointer or by keyboard only."""

import asyncio
import base64
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from tests.harness.branded import NODE
from tests.harness.browser import Page, Value
from tests.harness.html import read_html

Hand = Literal["pointer", "keyboard"]
_SECONDS = 60
_LINE_BYTES = 4 << 20


class Chromium:
    """`url` is the site's root. Whatever the browser complains of fails what was asked of it.

    By keyboard it goes from link to field by the tabulator alone: where nobody sees where they are, where the order is
    not the page's, or where something is not reached, it fails.
    """

    def __init__(self, url: str, *, language: str = "en", hand: Hand = "pointer") -> None:
        self.url = url.rstrip("/")
        self.page: Page | None = None
        self.focus = ""  # the id, class or name of what has it
        self._arguments = (NODE / "driven.cjs", self.url, language, hand)
        self._node: Process | None = None

    async def __aenter__(self) -> Self:
        self._node = await asyncio.create_subprocess_exec(
            "node", *self._arguments, stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._node is not None
        assert self._node.stdin is not None
        self._node.stdin.close()
        await asyncio.wait_for(self._node.wait(), _SECONDS)

    async def open(self, path: str) -> Page:
        return await self._go("open", path=path)

    async def follow(self, words: str) -> Page:
        return await self._go("follow", words=words)

    async def press(self, button: str, values: Mapping[str, Value] | None = None) -> Page:
        """Fills in the form that has the button, by labels (of a group by its legend), and presses it."""
        return await self._go("press", words=button, values=_typed(values or {}))

    async def look(self) -> Page:
        """The page as it is now, that its scripts may have changed."""
        return await self._go("look")

    async def submit(self, values: Mapping[str, Value], named: tuple[str, str] | None = None) -> Page:
        """Fills in the form that has these fields, by their names; with the button that has this name and value."""
        return await self._go("press", named=named, values=_typed(values))

    async def errors(self) -> list[Sequence[str]]:
        """Each link of the error summary is followed: its words, the id that it names, and the id of what it led to."""
        found: list[Sequence[str]] = (await self.tell("errors"))["errors"]
        return found

    async def ask(self, _: str, path: str) -> Page:
        told = await self.tell("ask", path=path)
        return Page(200, path, told["headers"], told["asked"].encode(), read_html(told["asked"]))

    async def _go(self, order: str, **given: object) -> Page:
        await self.tell(order, **given)
        assert self.page is not None
        return self.page

    async def tell(self, order: str, **given: object) -> dict[str, Any]:
        """One order, and what the page is then."""
        assert self._node is not None
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"order": order, **given}).encode() + b"\n")
        line = await asyncio.wait_for(self._node.stdout.readline(), _SECONDS)
        assert line, f"Chromium ended in {order}"
        told: dict[str, Any] = json.loads(line)
        assert "problem" not in told, (told["problem"], told["url"], _said(told["html"]))
        assert not told["complaints"], (order, given, told["url"], told["complaints"])
        root = read_html(told["html"].removeprefix("<!DOCTYPE html>"))
        self.page = Page(told["status"], told["url"], told["headers"], told["html"].encode(), root)
        self.focus = told["focus"]
        return told


def _typed(values: Mapping[str, Value]) -> dict[str, object]:
    files = {name: (each[0], base64.b64encode(each[1]).decode()) for name, each in values.items() if _is_file(each)}
    return {**values, **files}


def _is_file(value: Value) -> bool:
    return isinstance(value, tuple)


def _said(html: str) -> str:
    return html.partition("<main")[2][:3000]
