"""What stands under /docs: chapters, Markdown files in each language, then every call of the OpenAPI document.

A chapter may hold `[[failures]]`, a line that stands for what the code knows, and links to others by `name.md`. The
host `relay.example.ca` in it stands for this relay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from typing import Any

from messages.message import Language
from messages.text import Text, Translate
from relay.http.pages.calls import Call, calls
from relay.http.pages.examples import Ids
from relay.http.pages.failing import failures
from relay.http.pages.reference import Reference, not_offered, reference

START, HOME, MISSING = "start", "home", "not-offered"
CHAPTERS = (START, "keys", "templates", "texts", "statuses", "callbacks", "failures", "limits", "differences")
EXAMPLE_ROOT = "https://relay.example.ca"

_GUIDE = Text("Guide")
_MISSING = Text("Not offered")
_GENERATED: dict[str, Callable[[Translate], str]] = {"[[failures]]": failures}


@dataclass(frozen=True, slots=True)
class Entry:
    """A page's name in links, and its title."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: list[Entry]


class Book:
    """In one language."""

    def __init__(self, document: dict[str, Any], language: Language, translate: Translate) -> None:
        every = calls(document)
        self._translate = translate
        self._offered = {call.name: call for call in every if call.is_offered}
        self._missing = [call for call in every if not call.is_offered]
        self._chapters = {name: _chapter(name, language) for name in (HOME, *CHAPTERS)}

    @property
    def names(self) -> list[str]:
        return [entry.name for group in self.groups() for entry in group.entries]

    def groups(self) -> list[Group]:
        """All pages in their order, under what heads them."""
        found = [Group(self._said(_GUIDE), [Entry(name, self.title(name)) for name in CHAPTERS])]
        for title, each in groupby(self._offered.values(), lambda call: call.group):
            found.append(Group(self._translate(title), [Entry(call.name, self.title(call.name)) for call in each]))
        if self._missing:
            found[0].entries.append(Entry(MISSING, self.title(MISSING)))
        return found

    def call(self, name: str) -> Call | None:
        return self._offered.get(name)

    def title(self, name: str) -> str:
        if call := self.call(name):
            return self._translate(call.title)
        return self._said(_MISSING) if name == MISSING else self._chapters[name].partition("\n")[0].removeprefix("# ")

    def read(self, name: str, ids: Ids) -> Reference:
        """A page as Markdown. Raises KeyError where there is none."""
        found = self._read(name, ids)
        pieces = (found.start, found.examples, found.answer, found.failures)
        return Reference(*(each.replace(EXAMPLE_ROOT, ids.root.rstrip("/")) for each in pieces))

    def _read(self, name: str, ids: Ids) -> Reference:
        if call := self.call(name):
            return reference(call, ids, self._translate)
        if name == MISSING:
            return Reference(f"# {self.title(name)}\n\n{not_offered(self._missing, self._translate)}")
        text = self._chapters[name]
        for mark, generate in _GENERATED.items():
            if mark in text:
                text = text.replace(mark, generate(self._translate))
        return Reference(text)

    def _said(self, text: Text) -> str:
        return text.render(self._translate)


def _chapter(name: str, language: Language) -> str:
    return resources.files("relay.http.pages").joinpath(f"chapters/{name}.{language.value}.md").read_text()
