"""Every failure of the API as Markdown: by status, what it says, and what to do about it."""

from collections.abc import Iterator

from messages.text import Text, Translate, without_values
from relay.http import errors, requests, validation
from relay.http.documentation import FAILURES
from relay.http.errors import Rejection
from relay.http.pages.reference import table

_MODES = ("Live", "Trial")
_INVALID = "ValidationError"


def failures(translate: Translate) -> str:
    """Where \u2026 stands, the message names a value."""
    return "\n".join(_lines(translate))


def _lines(translate: Translate) -> Iterator[str]:
    found = list(_rejections())
    for status, failing in FAILURES.items():
        said = [(name, each) for each in found if each.status == status for name in _names(each)]
        rows = {(f"`{name}`", without_values(translate(each.text.source))) for name, each in said}
        yield from (f"### {status}: {failing.when.render(translate)}", "", failing.cure.render(translate), "")
        yield from table(("`error`", "`message`"), sorted(rows))


def _rejections() -> Iterator[Rejection]:
    yield from (each for each in vars(errors).values() if isinstance(each, Rejection))
    yield from errors.BY_REPLY.values()
    for module in (requests, validation):
        yield from (Rejection(400, _INVALID, each) for each in vars(module).values() if isinstance(each, Text))


def _names(rejection: Rejection) -> list[str]:
    return [rejection.error.format(mode=mode) for mode in (_MODES if "{mode}" in rejection.error else _MODES[:1])]
