"""Four workers, one provider that takes so much in a second: the rate is kept and used, and nobody waits for bulk."""

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from config.database import Database
from config.keyring import Keyring
from messages.message import Lane, Message
from tests.harness import proc
from tests.harness.postgres import Postgres
from tests.harness.rates import installed, left_at, most_in_a_second, outcomes, p99, put, running, told, waits
from tests.harness.relay import Relay
from tests.harness.sampled import one_database, sampled
from tests.harness.ses_process import Ses
from tests.harness.store import Store
from tests.harness.texts import emptied

WORKERS = 4
MANY, CODES, LETTERS = UUID(int=1), UUID(int=2), UUID(int=3)  # services


@pytest.fixture
def root() -> str:
    return Keyring.generate()


@pytest.fixture
def store(database: Database, root: str) -> Store:
    return Store(database, Keyring.parse(root))


@pytest.fixture
def relay(tmp_path: Path, database: Database, root: str) -> Iterator[Relay]:
    made = installed(tmp_path, database, root)
    yield made
    made.end()


@pytest.fixture
def server(request: pytest.FixtureRequest, database: Database) -> Postgres | None:
    return None if database.is_sqlite else request.getfixturevalue("postgres")


async def first_left(ses: Ses, seconds: float = 60) -> float:
    async with asyncio.timeout(seconds):
        while not (left := left_at(ses)):
            await asyncio.sleep(0.1)
    return min(left.values())


@pytest.mark.alone
@one_database("sqlite")
@pytest.mark.parametrize(
    ("many", "rate", "seconds", "least"),
    [
        *sampled([(200, 20, 3, 0.75), (200, 20, 5, 0.75)], lambda at: at == 0),
        pytest.param(50_000, 50, 120, 0.95, marks=pytest.mark.soak),
    ],
    ids=["sample", "short", "soak"],
)
async def test_bulk_of_one_service_delays_no_code_and_no_letter_of_another(
    relay: Relay,
    store: Store,
    server: Postgres | None,
    tmp_path: Path,
    many: int,
    rate: int,
    seconds: int,
    least: float,
) -> None:
    await put(store, many, service_id=MANY, lane=Lane.BULK)
    codes: list[Message] = []
    letters: list[Message] = []
    ses = Ses(tmp_path / "ses.log", max_per_second=rate)
    with running(relay, ses, WORKERS, server):
        began = await first_left(ses) + 2  # imports, connections and caches are over
        while time.time() < began + seconds:
            codes += await put(store, 1, service_id=CODES, lane=Lane.PRIORITY)
            letters += await put(store, 1, service_id=LETTERS, lane=Lane.NORMAL)
            await asyncio.sleep(0.15)
        ended = time.time()
        async with asyncio.timeout(60):
            while not {each.id for each in (*codes, *letters)} <= (left := left_at(ses)).keys():
                await asyncio.sleep(0.1)

    times = [at for at in left.values() if began <= at < ended]
    quick, slow = waits(codes, left), waits(letters, left)
    used, most, found = len(times) / (ended - began), most_in_a_second(times), outcomes(relay)
    print(f"{used:.1f} of {rate} a second used, {most} in the fullest; {dict(found)}")
    print(f"codes waited {told(quick)}; letters {told(slow)}")
    assert p99(quick) < 2
    assert p99(slow) < 10
    assert most <= 1.02 * rate  # as SES counts; what came above it was turned away:
    assert used > least * rate  # seconds are too few to make up for one slow start
    assert found["throttled"] <= 0.02 * len(left) + rate / 4  # a second's, at the start


@pytest.mark.alone
@one_database("sqlite")
@pytest.mark.parametrize(
    ("of_each", "nothing_for"),
    [*sampled([(12, 2), (20, 3)], lambda at: at == 0), pytest.param(300, 60, marks=pytest.mark.soak)],
    ids=["sample", "short", "soak"],
)
async def test_a_provider_that_takes_nothing_for_a_while_costs_no_message_and_no_memory(
    relay: Relay,
    database: Database,
    store: Store,
    server: Postgres | None,
    tmp_path: Path,
    of_each: int,
    nothing_for: int,
) -> None:
    lanes = {lane: await put(store, of_each, lane=lane) for lane in reversed(Lane)}
    ses = Ses(tmp_path / "ses.log", max_per_second=50, nothing_for=nothing_for)
    with running(relay, ses, WORKERS, server):
        workers = [pid for pid, name in relay.children().items() if name.startswith("worker")]
        await asyncio.sleep(nothing_for / 2)
        before = sum(map(proc.resident, workers))
        await asyncio.sleep(nothing_for / 2)
        after = sum(map(proc.resident, workers))
        await emptied(database, 120)
        left = left_at(ses)

    ends = {lane: sorted(left[each.id] for each in lanes[lane]) for lane in Lane}
    began, most = min(left.values()), most_in_a_second(list(left.values()))
    middles = [ends[lane][of_each // 2] - began for lane in Lane]
    print(f"{(after - before) / proc.MIB:+.1f} MiB; {dict(outcomes(relay))}; {most} in the fullest second")
    print(f"of {', '.join(Lane)} half had left after {', '.join(f'{at:.1f}' for at in middles)} s")
    assert set(outcomes(relay)) == {"relayed", "throttled"}
    assert outcomes(relay)["relayed"] == len(left) == 3 * of_each
    assert most <= 51
    assert all(sooner < later for sooner, later in pairwise(middles))
    assert after - before < 4 * proc.MIB * WORKERS
