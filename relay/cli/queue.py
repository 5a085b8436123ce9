"""notify-relay queue: what waits, and what people do to it. What cannot be undone is counted, shown and asked first."""

import re
import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from delivery.queue.sql import SqlQueue
from messages.message import Lane, parse_id
from messages.text import Text, TextError
from relay.actions import holds
from relay.actions import queue as changing
from relay.actions.queue import Found, Meant
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.input import InputError, octets_of
from relay.cli.output import Json, done, say, show, show_list, spoken
from relay.cli.session import read, with_database, with_transactions, write
from relay.plain import moment, plain

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_HELD = (texts.QUEUE_HELD, texts.QUEUE_HELD_OF, texts.QUEUE_HELD_LANE, texts.QUEUE_HELD_LANE_OF)
_RELEASED = (texts.QUEUE_RELEASED, texts.QUEUE_RELEASED_OF, texts.QUEUE_RELEASED_LANE, texts.QUEUE_RELEASED_LANE_OF)
_APART = {  # by whether they are held then: which can be, what is done with them, and said of it
    True: (changing.to_be_held, changing.hold_apart, texts.QUEUE_HELD_APART),
    False: (changing.to_be_released, changing.release_apart, texts.QUEUE_RELEASED_APART),
}
_YES = {"y", "yes", "o", "oui"}


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip())
    if found is None:
        raise typer.BadParameter(spoken(texts.SPAN))
    return int(found[1]) * _SECONDS[found[2]]


OfLane = Annotated[Lane | None, typer.Option("--lane", help=texts.QUEUE_LANE)]
OfDomain = Annotated[str | None, typer.Option("--domain", metavar=texts.DOMAIN_ARGUMENT, help=texts.QUEUE_DOMAIN)]
OlderThan = Annotated[
    int | None, typer.Option("--older-than", metavar=texts.SPAN_ARGUMENT, parser=_seconds, help=texts.QUEUE_OLDER_THAN)
]
OfKey = Annotated[str | None, typer.Option("--key", metavar=texts.KEY_ARGUMENT, help=texts.QUEUE_KEY)]
DryRun = Annotated[bool, typer.Option("--dry-run", help=texts.QUEUE_DRY_RUN)]
Ids = Annotated[str | None, typer.Option("--ids", metavar="FILE|-", help=texts.QUEUE_IDS)]
Yes = Annotated[bool, typer.Option("--yes", help=texts.QUEUE_YES)]


class NotSureError(TextError):
    """Nobody said that it is to be done."""


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.QUEUE, no_args_is_help=True)
    app.command("stats", help=texts.QUEUE_STATS)(stats)
    app.command("holds", help=texts.QUEUE_HOLDS)(list_holds)
    app.command("hold", help=texts.QUEUE_HOLD)(hold)
    app.command("release", help=texts.QUEUE_RELEASE)(release)
    app.command("retry", help=texts.QUEUE_RETRY)(retry)
    app.command("cancel", help=texts.QUEUE_CANCEL)(cancel)
    return app


def stats(as_json: Json = False) -> None:
    found = with_database(lambda _, database: SqlQueue(database).stats(time.time()))
    rows = [{"lane": lane.value, **plain(waits)} for lane, waits in found.lanes.items()]
    held = sorted(texts.QUEUE_OF_ALL if service is None else str(service) for service in found.held)
    if as_json:
        show({"lanes": rows, "held": held}, as_json)
        return
    for row in rows:
        row["oldest_seconds"] = round(row["oldest_seconds"])
    show_list("lanes", rows, tuple(rows[0]), as_json)
    say(texts.QUEUE_ON_HOLD, held=" ".join(map(spoken, held)) or Text(texts.NOTHING))


def list_holds(service: OfServiceIfAny = None, as_json: Json = False) -> None:
    found = read(lambda t: holds.every(t, service))
    rows = [
        plain(each) | {"since": moment(each.since), "lifts": texts.QUEUE_LIFTS[each.reason.value]} for each in found
    ]
    if not as_json:
        for row in rows:
            row["service_id"] = row["service_id"] or texts.QUEUE_OF_ALL
            row["lifts"] = spoken(row["lifts"])
    show_list("holds", rows, ("service_id", "lane", "reason", "since", "lifts"), as_json)


def hold(
    service: OfServiceIfAny = None,
    lane: OfLane = None,
    domain: OfDomain = None,
    older_than: OlderThan = None,
    key: OfKey = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    apart = (domain, older_than, key) != (None,) * 3
    _hold_or_release(Meant(service, lane, domain, older_than or 0, key=key), dry_run, as_json, apart=apart, held=True)


def release(
    service: OfServiceIfAny = None,
    lane: OfLane = None,
    domain: OfDomain = None,
    older_than: OlderThan = None,
    key: OfKey = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    apart = (domain, older_than, key) != (None,) * 3
    _hold_or_release(Meant(service, lane, domain, older_than or 0, key=key), dry_run, as_json, apart=apart, held=False)


def _hold_or_release(meant: Meant, dry_run: bool, as_json: bool, *, apart: bool, held: bool) -> None:
    """`apart`: what stands in the queue now, message by message; else also what comes."""
    which, change, said = _APART[held]
    if not (apart or dry_run):
        whole = changing.hold if held else changing.release
        _done(write(lambda t: whole(t, meant.service, meant.lane)), meant.lane, held, as_json)
        return
    found = with_transactions(lambda asking: (which if apart else changing.waiting)(asking, meant))
    if dry_run:
        _show(found, as_json)
        return
    count = with_transactions(lambda asking: change(asking, found.selection))
    done({"service_id": found.selection.service_id, "held": held, "messages": count}, as_json, said, count=count)


def _done(owner: UUID | None, lane: Lane | None, held: bool, as_json: bool) -> None:
    """By whether a service, and whether a lane, was named."""
    of_all, of_service, of_lane, of_both = _HELD if held else _RELEASED
    said = (of_all if owner is None else of_service) if lane is None else of_lane if owner is None else of_both
    done({"service_id": owner, "lane": lane, "held": held}, as_json, said, id=owner, lane=lane)


def retry(
    service: OfServiceIfAny = None,
    lane: OfLane = None,
    domain: OfDomain = None,
    older_than: OlderThan = None,
    key: OfKey = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    meant = Meant(service, lane, domain, older_than or 0, key=key)
    found = with_transactions(lambda asking: changing.to_be_retried(asking, meant))
    if dry_run:
        _show(found, as_json)
        return
    if not yes and not as_json and sys.stdin.isatty():  # it loses nothing: a script need not say that it is sure
        _ask(found, texts.QUEUE_SURE_RETRY)
    count = with_transactions(lambda asking: changing.retry(asking, found.selection))
    done({"service_id": found.selection.service_id, "due": count}, as_json, texts.QUEUE_RETRIED, count=count)


def cancel(
    service: OfServiceIfAny = None,
    lane: OfLane = None,
    domain: OfDomain = None,
    older_than: OlderThan = None,
    key: OfKey = None,
    ids: Ids = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    if (service, lane, domain, older_than, key, ids) == (None,) * 6:
        raise typer.BadParameter(spoken(texts.QUEUE_CANCEL_WHICH), param_hint="--older-than")
    meant = Meant(service, lane, domain, older_than or 0, None if ids is None else _read_ids(ids), key)
    found = with_transactions(lambda asking: changing.to_be_cancelled(asking, meant))
    if dry_run:
        _show(found, as_json)
        return
    if not yes:
        if as_json or ids == "-" or not sys.stdin.isatty():
            raise NotSureError(texts.QUEUE_SAY_YES, count=found.messages)
        _ask(found, texts.QUEUE_SURE_CANCEL)
    count = with_transactions(lambda asking: changing.cancel(asking, found.selection))
    done({"service_id": found.selection.service_id, "cancelled": count}, as_json, texts.QUEUE_CANCELLED, count=count)


def _read_ids(file: str) -> frozenset[UUID]:
    """Raises InputError or OSError."""
    found: set[UUID] = set()
    for number, line in enumerate(octets_of(file).decode("utf-8", "replace").split("\n"), 1):
        if text := line.strip():
            if (message_id := parse_id(text)) is None:
                raise InputError(texts.QUEUE_NO_ID, file=file, line=number)
            found.add(message_id)
    return frozenset(found)


def _ask(found: Found, question: str) -> None:
    """Shows the counts, and goes on if whoever gave the command says so. Raises NotSureError."""
    _show(found, as_json=False)
    typer.echo(spoken(question, count=found.messages), nl=False)
    if sys.stdin.readline().strip().lower() not in _YES:
        raise NotSureError(texts.QUEUE_NOTHING_DONE)


def _show(found: Found, as_json: bool) -> None:
    show(_counts(found), as_json)


def _counts(found: Found) -> Mapping[str, Any]:
    counted = found.counted
    lanes = {lane.value: counted.lanes[lane] for lane in Lane}
    oldest = None if counted.oldest is None else moment(counted.oldest)
    return {"messages": found.messages, "lanes": lanes, "services": len(counted.services), "oldest": oldest}
