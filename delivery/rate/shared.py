"""The bucket of each account in the database: one for all workers of all machines."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, case, select, update

from config.database import INSERT, Database
from config.settings import Settings
from delivery.rate.bucket import Bucket
from delivery.store.send_rates import send_rates

if TYPE_CHECKING:
    from delivery.providers.ses_account import Account

_c = send_rates.c
_BUCKET = [_c[field.name] for field in fields(Bucket)]
_TURN = select(_c.taken_until, _c.asked_at)
_SET_BACK_SECONDS = 3600.0
_QUOTA_SECONDS = 3600.0  # after it was told last; then the provider says itself when it is spent


def account_of(settings: Settings) -> str | None:
    """None: what mail goes by takes all that comes."""
    if not settings.email.traits.grants_rate:
        return None
    return f"{settings.email.provider.value}:{settings.aws.region}"


async def find(database: Database, account: str) -> Bucket | None:
    """None: nobody knows its rate. A read."""
    rows = await database.rows(select(*_BUCKET).where(_c.account == account))
    return _bucket(rows[0] if rows else None)


def locked(connection: Connection, account: str, *, patient: bool = True) -> Bucket | None:
    """As `find`, and nobody else's until the transaction ends. The impatient get None where somebody has it."""
    asked = select(*_BUCKET).where(_c.account == account).with_for_update(skip_locked=not patient)
    return _bucket(connection.execute(asked).one_or_none())


def save(connection: Connection, account: str, bucket: Bucket) -> None:
    connection.execute(update(send_rates).where(_c.account == account).values(asdict(bucket)))


def is_asked(connection: Connection, account: str) -> bool:
    """Whether the provider ever said what it grants."""
    return bool(connection.scalar(select(_c.asked_at).where(_c.account == account)))


def is_due(connection: Connection, account: str, now: float, every: float) -> bool:
    """Whether it is time to ask the provider, and nobody does. A read."""
    row = connection.execute(_TURN.where(_c.account == account)).one_or_none()
    return row is None or _is_due(row, now, every)


def take_turn(connection: Connection, account: str, now: float, every: float, lease_seconds: float) -> bool:
    """Whether it is ours to ask, until we say what came of it."""
    new = {"account": account, "taken_until": 0.0, "asked_at": 0.0} | asdict(Bucket(0.0, 0.0))
    connection.execute(INSERT[connection.dialect.name](send_rates).values(new).on_conflict_do_nothing())
    if not _is_due(connection.execute(_TURN.where(_c.account == account).with_for_update()).one(), now, every):
        return False
    connection.execute(update(send_rates).where(_c.account == account).values(taken_until=now + lease_seconds))
    return True


def end_turn(connection: Connection, account: str, until: float, now: float) -> None:
    """It said nothing: nobody asks again before. What was given out of a quota is soon none of its day."""
    quota = case((_c.asked_at < now - _QUOTA_SECONDS, None), else_=_c.quota)
    connection.execute(update(send_rates).where(_c.account == account).values(taken_until=until, quota=quota))


def grant(connection: Connection, account: str, said: "Account", now: float) -> None:
    """What it said, and the end of the turn."""
    row = connection.execute(select(*_BUCKET).where(_c.account == account).with_for_update()).one()
    bucket = Bucket(**row._mapping).granting(said.max_per_second, said.max_per_day, said.sent_last_day)
    values = asdict(bucket) | {"taken_until": 0.0, "asked_at": now}
    connection.execute(update(send_rates).where(_c.account == account).values(values))


def _is_due(row: Any, now: float, every: float) -> bool:
    """Also where the clock was set back."""
    return not now - every < row.asked_at <= now and not now < row.taken_until < now + _SET_BACK_SECONDS


def _bucket(row: Row[Any] | None) -> Bucket | None:
    return None if row is None or row.granted <= 0 else Bucket(**row._mapping)
