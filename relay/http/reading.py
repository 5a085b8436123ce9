"""A request's body as JSON, strictly: what two parsers would read differently, or no column can hold, is refused.

Bounded in size, depth, number of values, and time. Knows nothing of what the body is to mean.
"""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any, NoReturn

from fastapi import Request

from config.memory import NoRoomError, Portion
from messages.text import Text
from relay.http.errors import FULL, NOT_JSON, NOT_JSON_TYPE, RETRY_SECONDS, TOO_LARGE, TOO_SLOW, ApiError

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 20
MAX_VALUES = 20_000  # names count: 150,000 in 2 MiB kept everybody else waiting for a second
_SWALLOWED_BYTES = 8 * MAX_BODY_BYTES  # read and dropped: who is still sending does not read our answer
SECONDS = 30.0
PACE_SECONDS = 10.0
# That come within them, unless the body ends: who sends fast and then drips holds memory for nothing.
_PACE_BYTES = 8192
HELD_BYTES = 64 * 1024 * 1024  # of bodies, in one process
SHARE_BYTES = HELD_BYTES // 4  # of one service
_BEFORE_VALUES = (b"{", b"[", b",", b":")
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,:]', re.DOTALL)
_CLOSE = {"Connection": "close"}  # what else is sent is not read

_NO_TEXT = Text("it is not UTF-8")
_NO_JSON = Text("not valid JSON at line {line}, column {column}")
_NO_NUMBER = Text("a number is too large, or not one of JSON's")
_TWICE = Text("a name stands twice in one object")
_DEEP = Text("nested deeper than {limit} levels")
_MANY = Text("more than {limit} values")
_NUL = Text("a text holds a NUL or half a surrogate pair")


class _Unusable(Exception):  # noqa: N818
    def __init__(self, text: Text) -> None:
        super().__init__(text.source)
        self.text = text


async def read_json(request: Request, portion: Portion) -> Any:
    """What the body says, held in `portion`. Raises ApiError; ClientDisconnect when the client leaves."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError.of(NOT_JSON_TYPE)
    return parse(await _read(request, portion))


def parse(body: bytes) -> Any:
    """Raises ApiError."""
    try:
        _count(body)
        value = _JSON.decode(body.decode("utf-8"))
        _check(value)
    except _Unusable as unusable:
        raise ApiError.of(NOT_JSON, reason=unusable.text) from None
    except UnicodeDecodeError:
        raise ApiError.of(NOT_JSON, reason=_NO_TEXT) from None
    except json.JSONDecodeError as error:
        reason = Text(_NO_JSON.source, {"line": error.lineno, "column": error.colno})
        raise ApiError.of(NOT_JSON, reason=reason) from None
    except RecursionError:
        raise ApiError.of(NOT_JSON, reason=Text(_DEEP.source, {"limit": MAX_DEPTH})) from None
    except ValueError:  # Python reads whole numbers of 4,300 digits at most
        raise ApiError.of(NOT_JSON, reason=_NO_NUMBER) from None
    return value


async def _read(request: Request, portion: Portion) -> bytes:
    body, size = bytearray(), 0
    try:
        async for chunk in _arriving(request):
            size += len(chunk)
            if size <= MAX_BODY_BYTES:
                portion.add(len(chunk))
                body += chunk
            elif size > _SWALLOWED_BYTES:
                break
    except TimeoutError:
        raise ApiError.of(TOO_SLOW, _CLOSE, seconds=int(SECONDS)) from None
    except NoRoomError:
        raise ApiError.of(FULL, {**_CLOSE, "Retry-After": str(RETRY_SECONDS)}) from None
    if size > MAX_BODY_BYTES:
        raise ApiError.of(TOO_LARGE, _CLOSE, limit=MAX_BODY_BYTES)
    return bytes(body)


async def _arriving(request: Request) -> AsyncIterator[bytes]:
    """Its octets, as long as they come: in all in time, and at no time too slowly. Raises TimeoutError."""
    loop, got = asyncio.get_running_loop(), 0
    ends_at = loop.time() + SECONDS
    async with asyncio.timeout(min(PACE_SECONDS, SECONDS)) as pace:
        async for chunk in request.stream():
            got += len(chunk)
            if got >= _PACE_BYTES:
                pace.reschedule(min(loop.time() + PACE_SECONDS, ends_at))
                got = 0
            yield chunk


def _count(body: bytes) -> None:
    """Before it is parsed: values stand after one of four characters, but for those in texts."""
    if sum(map(body.count, _BEFORE_VALUES)) < MAX_VALUES:
        return
    found = sum(1 for _ in islice(_TOKENS.finditer(body), 2 * MAX_VALUES + 1))  # a text, and what it stands after
    if found > 2 * MAX_VALUES:
        raise _Unusable(Text(_MANY.source, {"limit": MAX_VALUES}))


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unusable(_TWICE)
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise _Unusable(_NO_NUMBER)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Unusable(_NO_NUMBER)
    return number


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_float)


def _check(value: Any) -> None:
    """Depth, number, and texts that neither UTF-8 nor PostgreSQL can hold."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    values = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if values > MAX_VALUES:
            raise _Unusable(Text(_MANY.source, {"limit": MAX_VALUES}))
        if isinstance(value, str):
            if "\0" in value or not _is_unicode(value):
                raise _Unusable(_NUL)
        elif isinstance(value, list | dict):
            if depth > MAX_DEPTH:
                raise _Unusable(Text(_DEEP.source, {"limit": MAX_DEPTH}))
            waiting += [(each, depth + 1) for each in value]
            if isinstance(value, dict):
                waiting += [(each, depth + 1) for each in value.values()]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
