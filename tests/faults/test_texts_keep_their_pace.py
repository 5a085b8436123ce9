"""Texts of four worker processes leave through one number at its pace, whatever happens to the workers and to AWS.

Measured where AWS takes them. The clock is real: what loads the machine beside it shows.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.database import Database
from config.keyring import Keyring
from tests.fakes.aws import CREDENTIALS
from tests.harness.relay import Relay
from tests.harness.sampled import one_database, sampled
from tests.harness.ses_process import Ses
from tests.harness.store import Store
from tests.harness.texts import (
    add_sender,
    emptied,
    most_in_a_second,
    parts_per_second,
    put_texts,
    quickest_half,
    sms_settings,
    tagged,
)

NUMBER = "+16135550100"
WORKERS = 4


@pytest.fixture
def root() -> str:
    return Keyring.generate()


@pytest.fixture
def relay(tmp_path: Path, database: Database, root: str) -> Iterator[Relay]:
    made = Relay(
        tmp_path,
        DATABASE_URL=database.engine.url.render_as_string(hide_password=False),
        SECRET_KEY=root,
        SEALING_KEY=Keyring.generate(),
        **CREDENTIALS,
    )
    yield made
    made.end()


def start(relay: Relay, aws: Ses, **settings: object) -> None:
    given = sms_settings(aws.url) | settings
    relay.environment |= {f"NOTIFY_RELAY_{name}": str(value) for name, value in given.items()}
    relay.start("--role", "worker", "--processes", str(WORKERS))
    assert relay.process
    # Before all else on the machine, where we may: what is measured is the pace, and not who runs beside it.
    with suppress(PermissionError):
        for pid in (relay.process.pid, *relay.children()):
            os.setpriority(os.PRIO_PROCESS, pid, -15)


@pytest.mark.alone
@one_database("postgresql")
@pytest.mark.parametrize(
    ("count", "rate", "least"),
    [
        *sampled([(60, 20, 0.75), (160, 20, 0.85)], lambda at: at == 0),
        pytest.param(1000, 10, 0.95, marks=pytest.mark.soak),
    ],
    ids=["sample", "short", "soak"],
)
async def test_four_workers_keep_the_pace_of_one_number_to_the_part(
    relay: Relay, database: Database, root: str, tmp_path: Path, count: int, rate: int, least: float
) -> None:
    store = Store(database, Keyring.parse(root))
    await add_sender(database, NUMBER, rate, time.time())
    texts = await put_texts(store, count)
    aws = Ses(numbers=[f"{NUMBER}={rate}"], text_log=tmp_path / "texts.log")
    try:
        start(relay, aws)
        await emptied(database, 30 + 2 * count / rate)
        sent = aws.texts()
    finally:
        relay.end()
        aws.end()

    kept, half = parts_per_second(sent), parts_per_second(quickest_half(sent))
    print(f"{most_in_a_second(sent)} parts in the fullest second, {kept:.2f} a second, {half:.2f} in one half")
    assert sorted(tagged(sent)) == sorted(text.id for text in texts)
    assert most_in_a_second(sent) <= rate + 1
    assert half >= 0.95 * rate
    assert kept > least * rate  # seconds are too few to make up for one that the machine takes


@pytest.mark.alone
@one_database("sqlite")
@pytest.mark.parametrize(
    ("count", "rate", "kills"),
    [*sampled([(60, 20, 3), (150, 20, 6)], lambda at: at == 0), pytest.param(1000, 10, 60, marks=pytest.mark.soak)],
    ids=["sample", "short", "soak"],
)
async def test_killed_workers_throttling_and_lost_answers_lose_no_text_and_never_quicken_the_pace(
    relay: Relay, database: Database, root: str, tmp_path: Path, count: int, rate: int, kills: int
) -> None:
    store, dice = Store(database, Keyring.parse(root)), random.Random(13)
    await add_sender(database, NUMBER, rate, time.time())
    texts = await put_texts(store, count)
    patience = {"AWS__READ_TIMEOUT_SECONDS": 1, "DELIVERY__UNKNOWN_WAIT_SECONDS": 2, "DELIVERY__LEASE_SECONDS": 3}
    rates = {"rate_429": 0.02, "rate_500": 0.01, "rate_hang": 0.01, "rate_cut": 0.02}
    aws = Ses(numbers=[NUMBER], text_log=tmp_path / "texts.log", **rates)
    try:
        start(relay, aws, **patience)
        for _ in range(kills):
            await asyncio.sleep(0.8 * count / rate / kills)
            with suppress(ProcessLookupError, IndexError):
                workers = sorted(pid for pid, name in relay.children().items() if name.startswith("worker"))
                os.kill(dice.choice(workers), signal.SIGKILL)
        await emptied(database, 60 + 5 * count / rate)
        sent = aws.texts()
    finally:
        relay.end()
        aws.end()

    times = Counter(tagged(sent))
    again = sum(times.values()) - len(times)
    lost = sum(not text["answered"] for text in sent)
    print(f"{kills} kills, {lost} answers lost, {again} texts sent again, {most_in_a_second(sent)} in a second")
    assert set(times) == {text.id for text in texts}
    assert again <= lost + kills * rate  # of a worker that dies, what was under way
    assert most_in_a_second(sent) <= rate + 1
