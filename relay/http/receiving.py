"""What small requests say: those that send have their own room (emails.py)."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel

from auth.principal import Principal
from config.memory import Memory
from relay.http.reading import read_json
from relay.http.validation import validated

M = TypeVar("M", bound=BaseModel)

_HELD_BYTES = 16 * 1024 * 1024  # of bodies, in one process
_SHARE_BYTES = _HELD_BYTES // 4  # of one service


class Receiving:
    """One per process."""

    def __init__(self) -> None:
        self._memory = Memory(_HELD_BYTES, _SHARE_BYTES)

    async def read(self, request: Request, principal: Principal, model: type[M]) -> M:
        """The body, within its service's share of the memory; of none at all, as an empty object. Raises ApiError."""
        if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
            return validated(model, {})
        with self._memory.portion(principal.service.id) as portion:
            return validated(model, await read_json(request, portion))
