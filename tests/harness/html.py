"""A page as a browser or a screen reader finds its way in it: its language, headings, and what stands under an id."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = frozenset({"meta", "base", "br", "link", "img", "hr", "input", "wbr"})
_INERT = "x-"  # what a message says that would reach out: relay shows it as an element that no browser knows


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    children: "list[Element | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        """With single spaces between its words."""
        return " ".join(" ".join(each if isinstance(each, str) else each.text for each in self.children).split())

    def all(self) -> "list[Element]":
        """This element and those within, in the document's order."""
        found: list[Element] = []
        waiting = [self]
        while waiting:
            found.append(waiting.pop())
            waiting += [each for each in reversed(found[-1].children) if not isinstance(each, str)]
        return found

    def tagged(self, tag: str) -> "list[Element]":
        return [each for each in self.all() if each.tag == tag]

    def at(self, anchor: str) -> "Element":
        (found,) = [each for each in self.all() if each.attributes.get("id") == anchor]
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag.removeprefix("x-") not in _EMPTY:  # what connects is renamed in a letter that is shown
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"<{closed.tag}> ends with </{tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_html(text: str) -> Element:
    """The document. Fails where elements are not nested."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (root,) = reader.open
    return root
