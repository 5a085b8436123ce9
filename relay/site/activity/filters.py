"""What a reader wants to see of a service's messages, as the query of the list says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from auth.principal import Service
from delivery.store.base import Search
from messages.message import Channel, Door, parse_id
from messages.status import Status
from messages.text import Text

ALL = ""
STATUSES: Mapping[str, frozenset[Status] | None] = {
    ALL: None,
    "in-transit": frozenset({Status.CREATED, Status.SENDING}),
    "delivered": frozenset({Status.DELIVERED}),
    "failed": frozenset({Status.TEMPORARY_FAILURE, Status.PERMANENT_FAILURE, Status.TECHNICAL_FAILURE}),
}
_NAMES = ("status", "channel", "door", "key", "template", "group", "since", "until")
_BAD_DATE = Text("Enter the date as year-month-day, like 2026-11-29")
_WRONG_ORDER = Text("The last day must not be before the first")
_LAST_YEAR = 9000  # a day behind it is none in every time zone


@dataclass(frozen=True, slots=True)
class Filter:
    """`values` are those of the query that say something; `errors` are by field. What is unknown says nothing."""

    search: Search
    values: Mapping[str, str]
    older_than: UUID | None = None
    errors: Mapping[str, Text] = field(default_factory=dict)

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the status is asked for."""
        return bool(self.values.keys() - {"status", "group"})


def of(query: Mapping[str, str], service: Service) -> Filter:
    values = {name: query[name].strip() for name in _NAMES if query.get(name, "").strip()}
    zone = ZoneInfo(service.time_zone)
    days = {name: _day(values[name]) for name in ("since", "until") if name in values}
    errors: dict[str, Text] = {name: _BAD_DATE for name, day in days.items() if day is None}
    since, until = (days.get(name) for name in ("since", "until"))
    if since and until and until < since:
        errors["until"] = _WRONG_ORDER
    search = Search(
        service_id=service.id,
        statuses=STATUSES.get(values.get("status", ALL)),
        channels=frozenset({Channel(values["channel"])}) if values.get("channel") in {*Channel} else None,
        door=Door(values["door"]) if values.get("door") in {*Door} else None,
        key_id=parse_id(values.get("key")),
        template_id=parse_id(values.get("template")),
        group_id=parse_id(values.get("group")),
        since=_midnight(since, zone) if since else None,
        until=_midnight(until + timedelta(1), zone) - 0.001 if until else None,
    )
    return Filter(search, values, parse_id(query.get("older")), errors)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1971 <= found.year <= _LAST_YEAR else None


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
