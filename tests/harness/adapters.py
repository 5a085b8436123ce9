"""What FastAPI makes of a type, once per process: made anew for each door, it takes longer than most tests."""

from typing import Any, get_args

from fastapi._compat import v2
from pydantic import TypeAdapter

_MADE: dict[object, TypeAdapter[Any]] = {}


def _adapter(type_: Any, *, config: Any) -> TypeAdapter[Any]:
    """One that was made for an equal type: it has no state."""
    annotation, *metadata = get_args(type_)
    key = annotation, repr(metadata), repr(config)
    if key not in _MADE:
        _MADE[key] = TypeAdapter(type_, config=config)
    return _MADE[key]


def remember() -> None:
    v2.TypeAdapter = _adapter  # type: ignore[assignment,attr-defined]
