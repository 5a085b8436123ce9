"""Where older messages of a key or a template can be: their counts tell it of whole days and months at once."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, Select, Table, select

from delivery.figures.spans import Span
from delivery.figures.tables import QUARTER_SECONDS, count_changes, key_counts, template_counts
from delivery.store.base import Search
from messages.message import first_id, id_time
from messages.status import FINAL, Status

_DAY = timedelta(days=1).total_seconds()
# How long each is at most; more by a day, since days of before 0028 are those of UTC.
_LASTS = {Span.HOUR: _DAY, Span.DAY: 2.2 * _DAY, Span.MONTH: 32.2 * _DAY}
_NOBODY = UUID(int=0)  # what processes of an older version counted, they counted as nobody's


def latest(connection: Connection, search: Search, before: UUID) -> UUID | None:
    """Before which message all is that fits and is before this one; None: there is nothing.

    It is `before` itself where the counts tell nothing.
    """
    found = start = id_time(before)
    for table, name in ((key_counts, "key_id"), (template_counts, "template_id")):
        if getattr(search, name) is not None:
            end = _end(connection, table, name, search, found)
            if end is None:
                return None
            found = min(found, end)
    return before if found == start else first_id(found)


def _end(connection: Connection, table: Table, name: str, search: Search, before: float) -> float | None:
    """Of the newest count before then, of what was folded and what was appended since."""
    folded = connection.execute(_newest(table, name, search, before).add_columns(table.c.span)).first()
    appended = connection.execute(_newest(count_changes, name, search, before)).first()
    ends = [row.start + _LASTS[Span(row.span)] for row in (folded,) if row]
    ends += [row.start + QUARTER_SECONDS for row in (appended,) if row]
    return max(ends, default=None)


def _newest(table: Table, name: str, search: Search, before: float) -> Select[int]:
    c = table.c
    counted = search.statuses if search.statuses and search.statuses <= FINAL else {Status.CREATED}
    asked = select(c.start).where(c.service_id == search.service_id, c.start <= before + _DAY)
    asked = asked.where(c[name].in_([getattr(search, name), _NOBODY]), c.status.in_([each.value for each in counted]))
    return asked.order_by(c.start.desc()).limit(1)
