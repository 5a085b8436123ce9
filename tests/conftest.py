"""What all tests share: databases. A missing server or client is a loud skip, or a failure where CI demands all."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from config.database import Database
from config.keyring import Keyring
from config.settings import PREFIX
from tests.harness import hashes, signing_keys, statements, trust
from tests.harness.kept import Kept
from tests.harness.migrated import migrated
from tests.harness.postgres import Postgres, server_binaries
from tests.harness.sampled import databases_in_turn, examples

signing_keys.remember()
statements.remember()
trust.remember()
hashes.hasten()

# `make test` runs few examples, always the same; `make fuzz` (HYPOTHESIS_PROFILE=long) many new ones. No clock decides:
# a machine that is busy elsewhere makes an example slow, and no code wrong.
_NO_CLOCK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _NO_CLOCK, max_examples=examples(60), derandomize=True)
settings.register_profile("long", _NO_CLOCK, max_examples=20_000, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

gc.disable()  # until all is collected: none of it is garbage


# Minutes each, in a browser: begun last, one process would work on while the others have nothing left to take.
_LONGEST = {"test_forms", "test_pages_seen", "test_seen", "test_site_walk"}
_TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Each process begins to collect at another folder: what is new, one of them compiles, and not all at once."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        folders = sorted({each.relative_to(_TESTS).parts[0] for each in _TESTS.rglob("test_*.py")})
        first = int(worker.removeprefix("gw")) * len(folders) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        config.args = [str(_TESTS / each) for each in (*folders[first:], *folders[:first])]


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    databases_in_turn(items)
    items.sort(key=lambda item: (item.path.stem not in _LONGEST, not _shares_the_relay(item), item.path))


def _shares_the_relay(item: pytest.Item) -> bool:
    """Of these a process has all, unless others run out of tests: they have no such relay to start."""
    known = getattr(item, "_fixtureinfo", None)
    return known is not None and any(
        fixture.scope == "session" for fixture in known.name2fixturedefs.get("relay", ())[-1:]
    )


def pytest_collection_finish() -> None:
    """What is imported and collected stays; to look through it for garbage takes a fifth of the time."""
    gc.enable()
    gc.freeze()
    # Seldom: most has gone by then. No full one, which takes seconds in the middle of a test that some limit holds for.
    gc.set_threshold(10_000, 10, 1_000_000)


def pytest_runtest_logfinish() -> None:
    if next(_ended) % 200 == 0:
        gc.collect()
        gc.freeze()


_ended = count(1)


def skip_or_fail(reason: str) -> None:
    """RELAY_TESTS_NEED_ALL=1 (set by .ci/run) turns skips for missing programs into failures."""
    if os.environ.get("RELAY_TESTS_NEED_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The command sets its own; where a test calls it in this process, the next one's servers could not read a file."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of ours, whatever is set where the tests are started."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@contextmanager
def _server() -> Iterator[Postgres]:
    binaries = server_binaries()
    if binaries is None:
        skip_or_fail("NOT TESTED ON POSTGRESQL: no server binaries here (Debian: apt-get install postgresql)")
        return
    server = Postgres(binaries)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with _server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may stop, and in which others have written nothing."""
    with _server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """An empty database on a real server."""
    return postgres.create_database()


@pytest.fixture
def migrated_postgres_url(postgres: Postgres) -> Iterator[str]:
    """A database with the schema on a real server."""
    url = postgres.take_migrated()
    yield url
    postgres.give_back(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/relay.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each test that takes this runs on SQLite and on PostgreSQL, of a sample on one of them.

    With `database` beside it, it has the schema.
    """
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    elif "database" not in request.fixturenames:
        yield request.getfixturevalue("postgres_url")
    else:
        yield request.getfixturevalue("migrated_postgres_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the schema, on SQLite and on PostgreSQL."""
    handle = await migrated(database_url) if database_url.startswith("sqlite") else Database(database_url)
    yield handle
    await handle.close()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.parse(Keyring.generate())


@pytest.fixture(scope="session")
def sealing() -> Keyring:
    return Keyring.parse(Keyring.generate())


@pytest.fixture
async def kept(sqlite_url: str, keyring: Keyring) -> AsyncIterator[Kept]:
    """An SQLite database with the schema, and what it keeps."""
    handle = await migrated(sqlite_url, synchronous="OFF")
    yield Kept(sqlite_url, handle, keyring)
    await handle.close()
