"""Sessions and drafts: what each token opens, for how long, and whose the drafts are."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from auth.people import drafts, sessions
from auth.people.drafts import Draft
from auth.people.sessions import IDLE_SECONDS, WHOLE_SECONDS, Factor, Session, State
from config.database import Database
from config.keyring import Keyring

NOW = 1_800_000_000.0
BOTH = {Factor.PASSWORD: NOW, Factor.TOTP: NOW}


async def test_asvs_7_2_3_a_token_is_kept_as_its_hash_only(database: Database) -> None:
    token = sessions.new_token()
    async with database.write() as connection:
        made = await sessions.begin(connection, token, NOW, user_id=uuid4(), factors=BOTH, device="Firefox")
        row = (await connection.execute(select(sessions.sessions))).one()
        found = await sessions.find(connection, token, NOW)

    assert found == made
    assert token.encode() not in repr(row).encode()
    assert len(token) == sessions.TOKEN_CHARACTERS


async def test_a_session_ends_after_its_hours_whatever_happens_in_them(database: Database) -> None:
    token = sessions.new_token()
    async with database.write() as connection:
        made = await sessions.begin(connection, token, NOW, user_id=uuid4(), factors=BOTH)
        for hour in range(1, 13):
            await sessions.see(connection, made.id, "192.0.2.1", NOW + hour * 3600)
        assert await sessions.find(connection, token, NOW + WHOLE_SECONDS) is not None
        assert await sessions.find(connection, token, NOW + WHOLE_SECONDS + 1) is None


async def test_one_more_factor_makes_a_new_token_and_opens_a_lock(database: Database) -> None:
    old, new, later = sessions.new_token(), sessions.new_token(), NOW + IDLE_SECONDS + 60
    async with database.write() as connection:
        made = await sessions.begin(connection, old, NOW, user_id=uuid4(), factors=BOTH)
        assert made.state(later) is State.LOCKED
        proved = await sessions.prove(connection, made, new, Factor.PASSKEY, later)
        assert await sessions.find(connection, old, later) is None
        found = await sessions.find(connection, new, later)

    assert found == proved
    assert found.state(later) is State.OPEN
    assert found.factors == {**BOTH, Factor.PASSKEY: later}
    assert found.proved_within(60, later)


def session(*factors: Factor, user: bool = True) -> Session:
    return Session(uuid4(), uuid4() if user else None, dict.fromkeys(factors, NOW), "", "", NOW, NOW)


@pytest.mark.parametrize(
    ("factors", "is_signed_in", "is_strong"),
    [
        ((), False, False),
        ((Factor.PASSWORD,), False, False),
        ((Factor.EMAIL, Factor.TEXT), False, False),
        ((Factor.PASSWORD, Factor.EMAIL), True, False),
        ((Factor.PASSWORD, Factor.TEXT), True, False),
        ((Factor.PASSWORD, Factor.RECOVERY), True, False),
        ((Factor.PASSWORD, Factor.TOTP), True, True),
        ((Factor.PASSKEY,), True, True),
    ],
)
def test_two_factors_sign_in_and_some_are_strong(
    factors: tuple[Factor, ...], is_signed_in: bool, is_strong: bool
) -> None:
    assert (session(*factors).is_signed_in, session(*factors).is_strong) == (is_signed_in, is_strong)
    assert not session(*factors, user=False).is_signed_in


async def test_asvs_7_1_2_a_users_sessions_are_listed_and_ended_but_for_the_one_they_are_in(database: Database) -> None:
    user_id, tokens = uuid4(), [sessions.new_token() for _ in range(4)]
    async with database.write() as connection:
        made = [
            await sessions.begin(connection, token, NOW + n, user_id=user_id, factors=BOTH)
            for n, token in enumerate(tokens[:3])
        ]
        other = await sessions.begin(connection, tokens[3], NOW, user_id=uuid4(), factors=BOTH)
        listed = await sessions.of_user(connection, user_id, NOW + 5)
        ended = await sessions.end_all(connection, user_id, but=made[1].id)
        left = [await sessions.find(connection, token, NOW + 5) for token in tokens]

    assert [each.id for each in listed] == [each.id for each in reversed(made)]
    assert ended == 2
    assert [each and each.id for each in left] == [None, made[1].id, None, other.id]


async def test_what_has_ended_is_swept(database: Database) -> None:
    async with database.write() as connection:
        await sessions.begin(connection, sessions.new_token(), NOW)  # nobody's
        kept = await sessions.begin(connection, sessions.new_token(), NOW, user_id=uuid4(), factors=BOTH)
        assert await sessions.sweep(connection, NOW + IDLE_SECONDS - 1) == 0
        assert await sessions.sweep(connection, NOW + IDLE_SECONDS + 1) == 1
        assert list(await connection.scalars(select(sessions.sessions.c.id))) == [kept.id]
        assert await sessions.sweep(connection, NOW + WHOLE_SECONDS + 1) == 1


DRAFT = Draft({"message": ["Bonjour, Zoë"]}, {"name": {"source": "Enter your name", "values": {}}})


async def test_a_draft_is_its_owners_and_is_encrypted(database: Database, keyring: Keyring) -> None:
    ours, theirs = uuid4(), uuid4()
    async with database.write() as connection:
        await drafts.keep(connection, keyring, ours, "contact", Draft({"message": ["older"]}), NOW)
        await drafts.keep(connection, keyring, ours, "contact", DRAFT, NOW)
        assert await drafts.find(connection, keyring, ours, "contact", NOW) == DRAFT
        assert await drafts.find(connection, keyring, theirs, "contact", NOW) is None
        assert await drafts.find(connection, keyring, ours, "contact", NOW + drafts.KEPT_SECONDS + 1) is None
        stored = (await connection.execute(select(drafts.drafts))).one()
        assert b"Bonjour" not in stored.content
        await drafts.drop(connection, ours, "contact")
        assert await drafts.find(connection, keyring, ours, "contact", NOW) is None


async def test_an_owner_has_few_drafts_the_newest(database: Database, keyring: Keyring) -> None:
    owner = uuid4()
    async with database.write() as connection:
        for n in range(25):
            await drafts.keep(connection, keyring, owner, f"form/{n:02}", DRAFT, NOW + n)
        left = sorted(await connection.scalars(select(drafts.drafts.c.form)))

    assert left == [f"form/{n:02}" for n in range(5, 25)]


async def test_who_signs_in_takes_drafts_along(database: Database, keyring: Keyring) -> None:
    user_id, session_id = uuid4(), uuid4()
    async with database.write() as connection:
        await drafts.keep(connection, keyring, user_id, "contact", Draft({"message": ["older"]}), NOW)
        await drafts.keep(connection, keyring, session_id, "contact", DRAFT, NOW)
        await drafts.adopt(connection, session_id, user_id)
        assert await drafts.find(connection, keyring, user_id, "contact", NOW) == DRAFT
        assert await drafts.find(connection, keyring, session_id, "contact", NOW) is None
