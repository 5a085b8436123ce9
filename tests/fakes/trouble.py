"""What happens to one call of the fake of AWS: is it taken, and what does the caller hear of it?"""

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rejection:
    """An answer other than 200, as AWS words it; `more` are the members that some errors have besides."""

    code: str
    text: str
    status: int = 400
    more: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Behaviour:
    rejection: Rejection | None = None
    accepted: bool = True
    end: str = "answer"  # answer | hang | cut (close without a word) | reset (RST) | garbage (200, not JSON)
    until: asyncio.Event | None = None  # taken at once; the answer waits for it


def refuse(status: int, code: str, text: str, **more: Any) -> Behaviour:
    return Behaviour(Rejection(code, text, status, more), accepted=False)


OK = Behaviour()
INTERNAL = refuse(500, "InternalServiceError", "")
UNAVAILABLE = refuse(503, "ServiceUnavailable", "")
HANG = Behaviour(accepted=False, end="hang")
HANG_ACCEPTED = Behaviour(end="hang")
CUT = Behaviour(accepted=False, end="cut")
CUT_ACCEPTED = Behaviour(end="cut")
RESET = Behaviour(accepted=False, end="reset")
GARBAGE = Behaviour(end="garbage")
