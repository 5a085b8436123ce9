"""What FastAPI makes of a type, and of all routes: made anew for each door, it takes longer than most tests."""

from typing import Any, get_args

from fastapi import FastAPI, routing
from fastapi._compat import v2
from fastapi.utils import create_model_field
from pydantic import TypeAdapter

from relay.http import documentation

_MADE: dict[object, TypeAdapter[Any]] = {}
_DOCUMENTS: dict[str, dict[str, Any]] = {}
_FIELDS: dict[object, v2.ModelField] = {}


def _adapter(type_: Any, *, config: Any) -> TypeAdapter[Any]:
    """One that was made for an equal type: it has no state."""
    annotation, *metadata = get_args(type_)
    key = annotation, repr(metadata), repr(config)
    if key not in _MADE:
        _MADE[key] = TypeAdapter(type_, config=config)
    return _MADE[key]


def _answer(name: str, type_: Any, mode: Any) -> v2.ModelField:
    """What a route says of one of its answers: each door has hundreds, by their names, and few types."""
    key = type_, mode
    if key not in _FIELDS:
        _FIELDS[key] = create_model_field(name, type_, mode=mode)
    field = v2.ModelField.__new__(v2.ModelField)
    vars(field).update(vars(_FIELDS[key]), name=name)
    return field


_openapi = documentation.openapi


def _document(app: FastAPI, root: str) -> dict[str, Any]:
    """Every door has the same routes."""
    if root not in _DOCUMENTS:
        _DOCUMENTS[root] = _openapi(app, root)
    return _DOCUMENTS[root]


def remember() -> None:
    v2.TypeAdapter = _adapter  # type: ignore[assignment,attr-defined]
    documentation.openapi = _document
    routing.create_model_field = _answer  # type: ignore[assignment,attr-defined]
