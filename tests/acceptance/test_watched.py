"""Somebody looks on while a product is set up: whichever process of the door it meets."""

from auth.watches import Step
from config.database import Database
from tests.harness.mail import address
from tests.harness.programs import by_swaks
from tests.harness.relay import Credentials, Relay
from tests.harness.watched import watched

TIMES = 8
CONTENT = b"From: clerk@city.example\r\nSubject: Test\r\n\r\nIt works.\r\n"


async def test_each_session_of_swaks_is_told_whole_by_whichever_process_has_it(relay: Relay, key: Credentials) -> None:
    database = Database(f"sqlite+aiosqlite:///{relay.folder}/var/relay.db")
    try:
        found = await watched(database, key, lambda: by_swaks(relay, key, True, CONTENT, [address()], None), TIMES)
    finally:
        await database.close()
    sessions = {each.session: [one.step for one in found if one.session == each.session] for each in found}
    assert len(sessions) == TIMES
    whole = [Step.CONNECTED, Step.TLS, Step.LOGGED_IN, Step.SENDER, Step.RECIPIENT, Step.ACCEPTED]
    assert list(sessions.values()) == [whole] * TIMES
