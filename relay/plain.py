"""A frozen value as JSON has it: what commands print and the audit keeps."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def plain(value: Any) -> dict[str, Any]:
    """Its fields by name: ids as text, times as ISO 8601 in UTC."""
    return {field.name: _plain(field.name, getattr(value, field.name)) for field in fields(value)}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if value is not None and (name.endswith("_at") or name == "scheduled_for"):
        return moment(value)
    return value


def moment(at: float) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
