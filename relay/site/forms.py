"""Forms: what was sent, bounded before it is parsed; and what a page shows of one, with what is wrong in it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from auth.people.drafts import Draft
from messages.text import Text, Translate
from relay.site.errors import FormTooLarge, FormTooSlow, NoForm

SECONDS = 30.0  # to arrive
_MAX_FIELDS = 500
_MAX_FILES = 5
_MAX_TYPED_CHARACTERS = 512 * 1024  # beside files; what is typed may be kept as a draft
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_NEVER_KEPT = frozenset({"password", "code", "secret", "csrf"})  # a field with one of these words in its name


@dataclass(frozen=True, slots=True, repr=False)
class Form(Mapping[str, str]):
    """Fields by name, each as it was typed; of several of one name the first."""

    fields: Mapping[str, list[str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """Empty where nothing was sent: a browser leaves out what is not ticked."""
        return next(iter(self.fields.get(name, ())), "")

    def __iter__(self) -> Any:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def many(self, name: str) -> list[str]:
        return self.fields.get(name, [])

    def line(self, name: str) -> str:
        """One line, without white space at its ends and runs of it within."""
        return " ".join(self[name].split())

    def draft(self, errors: Mapping[str, Text]) -> Draft:
        """What may be kept of it."""
        kept = {name: values for name, values in self.fields.items() if _NEVER_KEPT.isdisjoint(name.split("_"))}
        return Draft(kept, {name: plain(each) for name, each in errors.items()})


@dataclass(frozen=True, slots=True)
class Shown:
    """A form on a page. `errors` are in the page's language, by field and in the fields' order."""

    values: Mapping[str, list[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return next(iter(self.values.get(name, ())), "")

    def has(self, name: str, value: str) -> bool:
        """Whether it is ticked or chosen."""
        return value in self.values.get(name, ())

    def error(self, name: str) -> str:
        return self.errors.get(name, "")


def shown(draft: Draft | None, defaults: Mapping[str, str | list[str]], translate: Translate) -> Shown:
    """What was typed, else what stands there from the start."""
    start = {name: [value] if isinstance(value, str) else value for name, value in defaults.items()}
    if draft is None:
        return Shown(start)
    return Shown(draft.fields, {name: sentence(text(error), translate) for name, error in draft.errors.items()})


def sentence(said: Text, translate: Translate) -> str:
    """With a capital at its beginning, unless a value stands there: commands and programs are told errors without."""
    words = said.render(translate)
    return words if translate(said.source).startswith("{") else words[:1].upper() + words[1:]


def plain(text: Text) -> dict[str, Any]:
    """As JSON, in no language yet."""
    values = {name: plain(each) if isinstance(each, Text) else str(each) for name, each in text.values.items()}
    return {"source": text.source, "values": values}


def text(kept: Mapping[str, Any]) -> Text:
    values = {name: text(each) if isinstance(each, dict) else each for name, each in kept["values"].items()}
    return Text(kept["source"], values)


async def read(request: Request, max_bytes: int) -> Form:
    """Raises FormTooLarge, FormTooSlow, NoForm."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(SECONDS):
            octets = await _body(request, max_bytes)
    except TimeoutError:
        raise FormTooSlow from None
    if not octets and not kind:
        return Form()
    if kind == _URLENCODED:
        return _urlencoded(octets)
    if kind == _MULTIPART:
        return await _multipart(request, octets, max_bytes)
    raise NoForm


async def _body(request: Request, max_bytes: int) -> bytes:
    octets = bytearray()
    async for chunk in request.stream():
        octets += chunk
        if len(octets) > max_bytes:
            raise FormTooLarge(max_bytes)
    return bytes(octets)


def _urlencoded(octets: bytes) -> Form:
    try:
        pairs = parse_qsl(octets.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise NoForm from None
    return _form(pairs)


async def _multipart(request: Request, octets: bytes, max_bytes: int) -> Form:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield octets

    parser = MultiPartParser(
        request.headers, stream(), max_files=_MAX_FILES, max_fields=_MAX_FIELDS, max_part_size=max_bytes
    )
    try:
        # A hostile one is slow to read: in a thread, so that others are answered meanwhile.
        sent = await asyncio.to_thread(asyncio.run, _parts(parser))
    except (MultiPartException, UnicodeError, KeyError):
        raise NoForm from None
    pairs = [(name, value) for name, value in sent if isinstance(value, str)]
    if sum(len(name) + len(value) for name, value in pairs) > _MAX_TYPED_CHARACTERS:
        raise FormTooLarge(_MAX_TYPED_CHARACTERS)
    return _form(pairs, {name: value for name, value in sent if not isinstance(value, str)})


async def _parts(parser: MultiPartParser) -> list[tuple[str, str | bytes]]:
    """Names with what was typed, or what is in the file."""
    sent = (await parser.parse()).multi_items()
    return [(name, value if isinstance(value, str) else await value.read()) for name, value in sent]


def _form(pairs: list[tuple[str, str]], files: Mapping[str, bytes] | None = None) -> Form:
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):  # no column can hold it
            raise NoForm
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Form(fields, files or {})
