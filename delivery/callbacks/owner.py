"""The owner of a URL hears that it was suspended, and that it answers again: noted here, told by relay/notices."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection
from yarl import URL

from auth import notices
from auth.notices import Kind, Notice
from delivery.store.base import CallbackKind


class Change(StrEnum):
    """The value is also the metric's label."""

    SUSPENDED = "suspended"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Changed:
    """What happened to a URL. Times are seconds since the epoch; `failed_as` is a short code."""

    change: Change
    service_id: UUID
    kind: CallbackKind
    url: str
    failing_since: float
    failed_as: str
    at: float


class Inform(Protocol):
    """Tells the owner: writes, in the transaction of the change, what is to be sent."""

    def __call__(self, connection: Connection, changed: Changed, /) -> None: ...


def inform_owner(connection: Connection, changed: Changed) -> None:
    """An Inform."""
    said = {
        "type": changed.kind.value,
        "change": changed.change.value,
        "host": URL(changed.url).host,
        "failing_since": changed.failing_since,
        "failed_as": changed.failed_as,
    }
    about = f"{changed.service_id} {changed.kind} {changed.change} {changed.at}"
    notices.note(connection, [Notice(Kind.CALLBACK, about, changed.service_id, said, changed.at)])


def nobody(*_: object) -> None:
    """Tells nobody."""
