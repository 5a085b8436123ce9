"""What a change of statuses adds to the counts, in the transaction that makes it. It locks nothing."""

import os
import time
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, insert

from delivery.figures.tables import QUARTER_SECONDS, count_changes
from messages.message import Channel, Door, KeyType, new_id
from messages.status import Status

_NAMES = ("service_id", "start", "channel", "door", "key_type", "key_id", "template_id", "status")


class Counted(Protocol):
    """What a message is counted by: a Message, or a row of one."""

    @property
    def service_id(self) -> UUID: ...
    @property
    def created_at(self) -> float: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def door(self) -> Door: ...
    @property
    def key_type(self) -> KeyType: ...
    @property
    def key_id(self) -> UUID: ...
    @property
    def template_id(self) -> UUID: ...
    @property
    def billable_units(self) -> int: ...


def count(connection: Connection, changes: Iterable[tuple[Counted, Status, int]]) -> None:
    """Adds, for each message, a status and 1 or -1: CREATED for each once, and an end while it is the present one."""
    now = time.time()  # of this machine: the fold leaves what is young, whoever counts
    totals: dict[tuple[Any, ...], list[int]] = {}
    for message, status, number in changes:
        total = totals.setdefault(_place(message, status), [0, 0])
        total[0] += number
        total[1] += number * message.billable_units
    rows = [
        dict(zip(_NAMES, place, strict=True)) | {"id": new_id(now, os.urandom(10)), "messages": number, "units": units}
        for place, (number, units) in totals.items()
        if number
    ]
    if rows:
        connection.execute(insert(count_changes), rows)


def _place(message: Counted, status: Status) -> tuple[Any, ...]:
    start = int(message.created_at // QUARTER_SECONDS) * QUARTER_SECONDS
    kinds = (str(message.channel), str(message.door), str(message.key_type))
    return (message.service_id, start, *kinds, message.key_id, message.template_id, status.value)
