"""One database handle for SQLite and PostgreSQL: engines, pragmas, and the turn that writers of one SQLite file take.

SQLite's own busy handler is unfair (commit p99 90-346 ms under four writers); with a host-wide turn taken before each
write transaction p99 falls to a few milliseconds. Knows nothing of tables.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, Executable, LargeBinary, MetaData, Row, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData()

# The database does not do what it is asked for, now. OSError: no connection, or none in time (TimeoutError is one);
# SQLAlchemy wraps only what the server or the driver says.
OUTAGES = (SQLAlchemyError, OSError)

_ONE_MOMENT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_TAKE = text("SELECT pg_try_advisory_lock(hashtext(:name))")
_HOLD = text("SELECT pg_advisory_xact_lock(:lock)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(hashtext(:name))")

# Of each dialect its own, which knows what is to be done on a conflict.
INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

T = TypeVar("T")


def is_outage(error: Exception) -> bool:
    """Whether the database itself is in trouble, so that trying row by row is pointless."""
    return isinstance(error, OSError | TimeoutError | OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def hold(connection: Connection, lock: int) -> None:
    """Waits until nobody else holds it; then nobody does before the transaction ends. On SQLite the write turn is that.

    For rules over rows that are not there yet: who looks before they write sees what the others wrote.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_HOLD, {"lock": lock})


class Id(TypeDecorator[UUID]):
    """A UUID: 16 octets on SQLite (text ids slow a million inserts down by half), uuid on PostgreSQL."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(PG_UUID(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return value if value is None or isinstance(value, UUID) else UUID(bytes=value)


class Turn:
    """The host-wide right to write one SQLite file: flock on a file beside it, waited for in a thread."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mine = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "write-turn")

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        async with self._mine:
            loop = asyncio.get_running_loop()
            taking = loop.run_in_executor(self._thread, fcntl.flock, self._descriptor, fcntl.LOCK_EX)
            try:
                await asyncio.shield(taking)
                yield
            finally:
                if not taking.done():  # cancelled while waiting: the turn still comes, and must be passed on
                    await asyncio.wait([taking])
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    async def run(self, work: Callable[[], T]) -> T:
        """Runs `work`, which takes the turn by `held`, in the thread, and to its end whoever is cancelled."""
        async with self._mine:
            running = asyncio.get_running_loop().run_in_executor(self._thread, work)
            try:
                return await asyncio.shield(running)
            finally:
                if not running.done():
                    await asyncio.wait([running])

    @contextmanager
    def held(self) -> Iterator[None]:
        """The turn, in the thread."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        self._thread.shutdown()  # no thread may be alive when the supervisor forks
        os.close(self._descriptor)


class Database:
    """Connections for reading and for writing. Use one per process and event loop; `close()` at the end.

    What is done for every message goes through `transact` and `query`: on SQLite they change threads once, where
    `write` and `read` do it four times per statement, each time behind all that the event loop has to do, and with the
    turn taken: writers of four processes waited three times as long.
    """

    def __init__(
        self, url: str, *, synchronous: str = "FULL", pool_size: int = 5, statement_seconds: float | None = 15
    ) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self._turn: Turn | None = None
        self._turn_path: Path | None = None
        if self.is_sqlite:
            path = Path(make_url(url).database or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._turn_path = path.with_name(path.name + ".turn")
            self._turn = Turn(self._turn_path)
            self.engine = create_async_engine(url, pool_size=pool_size, connect_args={"timeout": 30})
            self._plain = create_engine(f"sqlite:///{path}", pool_size=pool_size, connect_args={"timeout": 30})
            for engine in (self.engine.sync_engine, self._plain):
                _configure_sqlite(engine, synchronous)
        else:
            self.engine = create_async_engine(
                url,
                pool_size=pool_size,
                max_overflow=0,
                pool_pre_ping=False,
                connect_args={
                    "timeout": 5,
                    "command_timeout": statement_seconds,  # clients of the API wait 30 s, and then do not know
                    "server_settings": {"synchronous_commit": "on", "application_name": "notify-relay"},
                },
            )
        # What is read in one transaction is of one moment, as on SQLite; by default each statement sees another.
        self._reading = self.engine if self.is_sqlite else self.engine.execution_options(**_ONE_MOMENT)
        self._reading_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a read transaction: all that it reads is of one moment."""
        async with self._reading.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One write transaction: committed (and on disk) when the block ends, rolled back when it raises."""
        if self._turn is None:
            async with self.engine.begin() as connection:
                yield connection
            return
        async with self._turn.taken(), self.engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one write transaction; what it returned, when that is committed and on disk.

        Rolled back when it raises. `work` may run in a thread.
        """
        if self._turn is not None:
            return await self._turn.run(partial(self._transact, self._turn, work))
        async with self.engine.begin() as connection:
            return await connection.run_sync(work)

    def _transact(self, turn: Turn, work: Callable[[Connection], T]) -> T:
        # What needs no turn stands outside of it.
        with self._plain.connect().execution_options(writes=True) as connection, turn.held(), connection.begin():
            return work(connection)

    async def rows(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """What one statement reads. It is of one moment as it is: a transaction would be two more round trips."""
        if self.is_sqlite:
            return await asyncio.to_thread(self._query, lambda connection: connection.execute(statement, values).all())
        async with self._reading_once.connect() as connection:
            return (await connection.execute(statement, values)).all()

    async def query(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a read transaction and returns what it returned. `work` may run in a thread."""
        if self.is_sqlite:
            return await asyncio.to_thread(self._query, work)
        async with self._reading.connect() as connection:
            return await connection.run_sync(work)

    def _query(self, work: Callable[[Connection], T]) -> T:
        with self._plain.connect() as connection:
            return work(connection)

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[bool]:
        """Whether nobody else does `what`, on any machine, until the block ends. No reader or writer waits for it."""
        if self._turn_path is not None:
            with _only(self._turn_path.with_suffix(f".{what}")) as is_mine:
                yield is_mine
            return
        async with self.engine.connect() as connection:  # a lock of its session: it ends with it, however it ends
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            lock = {"name": f"notify-relay {what}"}
            is_mine = bool(await connection.scalar(_TAKE, lock))
            try:
                yield is_mine
            finally:
                if is_mine:
                    await connection.execute(_GIVE_BACK, lock)

    async def ping(self) -> None:
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()
        if self._turn is not None:
            self._turn.close()
            self._plain.dispose()


@contextmanager
def _only(path: Path) -> Iterator[bool]:
    """Whether nobody else has the file's lock; until the block ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _taken(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _configure_sqlite(engine: Engine, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is DEFERRED: it fails late, under load
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",
            "busy_timeout=30000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
