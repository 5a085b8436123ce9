"""Users, passwords and codes, on both databases. The numbers are of OWASP ASVS 5.0."""

import asyncio
import time
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher

from auth.errors import AuthError
from auth.people import codes, devices, digits, passwords, users
from auth.people.codes import AGAIN_SECONDS, LASTING_SECONDS, MAX_AN_HOUR, MAX_TRIES, CodeError, Purpose
from auth.people.passwords import BusyError, PasswordError, Passwords
from auth.people.users import User
from config.database import Database
from config.keyring import Keyring
from messages.message import Language
from tests.fakes.auth import NOW

GOOD = "a walrus on Baffin reads mail"
SESSION = uuid4()


@pytest.fixture
async def ann(database: Database, keyring: Keyring) -> User:
    async with database.write() as c:
        given = {"email": "Ann@dept.gc.ca", "name": " Ann  Lee ", "language": Language.FR, "operator": False}
        return await users.create(c, keyring, NOW, **given)  # type: ignore[arg-type]


async def issue(
    database: Database, keyring: Keyring, who: User, now: float = NOW, session: UUID = SESSION
) -> tuple[codes.Made, str]:
    async with database.write() as c:
        return await codes.issue(c, keyring, Purpose.SIGN_IN, who.id, session, now)


async def use(
    database: Database,
    keyring: Keyring,
    who: User,
    code: str,
    now: float = NOW,
    session: UUID = SESSION,
    purpose: Purpose = Purpose.SIGN_IN,
) -> CodeError | None:
    async with database.write() as c:
        return await codes.use(c, keyring, purpose, who.id, session, code, now)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_user_is_found_however_the_address_is_written_and_nothing_of_a_person_is_in_clear(
    database: Database, keyring: Keyring, ann: User
) -> None:
    async with database.write() as c:
        assert await users.by_email(c, keyring, " ann@DEPT.gc.ca ") == ann
        assert await users.by_email(c, keyring, "no address") is None
        assert (ann.name, ann.email, ann.may_sign_in) == ("Ann Lee", "Ann@dept.gc.ca", False)
        with pytest.raises(AuthError, match="already"):
            await users.create(
                c, keyring, NOW, email="ANN@dept.gc.ca", name="Other", language=Language.EN, operator=True
            )
        changed = await users.change(
            c, keyring, ann, phone="+16135550100", password="$argon2id$x", verified_at=NOW, name="Anne"
        )
        assert (changed.phone, changed.name, changed.may_sign_in) == ("+16135550100", "Anne", True)
        (row,) = (await c.execute(users.users.select())).mappings()
    stored = b"".join(each for each in row.values() if isinstance(each, bytes))
    assert not [each for each in (b"Anne", b"anne", b"dept.", b"555010", b"argon") if each in stored]


async def test_an_address_moves_with_its_hash(database: Database, keyring: Keyring, ann: User) -> None:
    async with database.write() as c:
        await users.change(c, keyring, ann, email="ann@city.example")
        assert await users.by_email(c, keyring, "ann@dept.gc.ca") is None
        found = await users.by_email(c, keyring, "ann@city.example")
    assert found
    assert found.id == ann.id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("elevenchars", "at least 12"),
        ("x" * 257, "at most 256"),
        ("aaaaaaaaaaaaaa", "lists"),
        ("qwertyuiop123", "lists"),
        ("passwordpassword", "lists"),
        ("notify-relay2026", "your name"),
        ("ann.lee@dept.gc.ca", "your name"),
    ],
)
def test_asvs_6_1_2_6_2_4_6_2_11_6_2_12_common_passwords_and_ours_are_refused(text: str, says: str) -> None:
    with pytest.raises(PasswordError, match=says):
        passwords.check(text, context=["notify-relay", "Ann Lee", "ann.lee@dept.gc.ca"])


@pytest.mark.parametrize(
    "text", [GOOD, "Ann Lee likes 7 walruses", "x7 é" * 64, "éàü éàü éàü 12", "correcthorsebatterystaple"]
)
def test_asvs_6_2_5_6_2_9_any_characters_up_to_256_are_taken(text: str) -> None:
    passwords.check(text, context=["notify-relay", "Ann Lee"])


async def test_a_password_is_told_from_another_and_from_none_in_the_same_time() -> None:
    ours = Passwords()
    kept = await ours.hash("ann", "é" + GOOD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await ours.verify("ann", kept, "e\u0301" + GOOD)
    assert not await ours.verify("ann", kept, GOOD)
    assert not await ours.verify("ann", "no hash", GOOD)
    times = []
    for encoded in (kept, None) * 5:
        began = time.process_time()
        assert not await ours.verify("ann", encoded, "wrong" * 4)
        times.append(time.process_time() - began)
    known, unknown = sorted(times[::2])[2], sorted(times[1::2])[2]
    assert 0.3 < known / unknown < 3
    assert not ours.is_outdated(kept)
    assert ours.is_outdated(PasswordHasher(time_cost=1, memory_cost=8192).hash(GOOD))
    ours.close()


async def test_guesses_at_one_account_wait_for_each_other_and_keep_nobody_else_waiting() -> None:
    ours = Passwords()
    guesses = [asyncio.create_task(ours.verify("ann", None, f"guess {n}")) for n in range(50)]
    await asyncio.sleep(0)
    assert not await ours.verify("bob", None, "mine")
    done = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(each, BusyError) for each in done) == 46
    assert not await ours.verify("ann", None, "again")
    ours.close()


async def test_guesses_at_many_made_up_accounts_leave_other_networks_a_place() -> None:
    ours = Passwords()
    flood = [asyncio.create_task(ours.verify(f"{n}", None, "guess", place="192.0.2.1")) for n in range(110)]
    await asyncio.sleep(0)
    assert not await ours.verify("bob", None, "mine", place="192.0.2.2")
    done = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(each, BusyError) for each in done) == 90
    ours.close()


async def test_asvs_6_5_1_a_code_is_good_once(database: Database, keyring: Keyring, ann: User) -> None:
    made, code = await issue(database, keyring, ann)
    assert len(code) == 6
    assert made.expires_at == NOW + 600
    assert await use(database, keyring, ann, f" {code[:3]} {code[3:]} ") is None
    assert isinstance(await use(database, keyring, ann, code), CodeError)


def test_asvs_6_5_4_a_code_has_six_digits_each_as_likely_as_the_others() -> None:
    made = [digits.new() for _ in range(2_000)]
    assert {len(code) for code in made} == {6}
    assert {(place, code[place]) for code in made for place in range(6)} == {
        (place, digit) for place in range(6) for digit in "0123456789"
    }


async def test_asvs_6_6_2_a_code_is_bound_to_its_session_and_purpose(
    database: Database, keyring: Keyring, ann: User
) -> None:
    _, code = await issue(database, keyring, ann)
    assert isinstance(await use(database, keyring, ann, code, session=uuid4()), CodeError)
    assert isinstance(await use(database, keyring, ann, code, purpose=Purpose.RESET), CodeError)
    assert await use(database, keyring, ann, code) is None


async def test_asvs_6_5_5_a_code_lasts_ten_minutes(database: Database, keyring: Keyring, ann: User) -> None:
    _, code = await issue(database, keyring, ann)
    assert isinstance(await use(database, keyring, ann, code, NOW + LASTING_SECONDS), CodeError)
    _, code = await issue(database, keyring, ann, NOW + 700)
    assert await use(database, keyring, ann, code, NOW + 700 + LASTING_SECONDS - 1) is None


async def test_asvs_6_6_3_of_parallel_guesses_five_are_judged(database: Database, keyring: Keyring, ann: User) -> None:
    _, code = await issue(database, keyring, ann)
    guesses = [wrong(code)] * MAX_TRIES * 2
    answers = await asyncio.gather(*(use(database, keyring, ann, each) for each in guesses))
    assert all(isinstance(each, CodeError) for each in answers)
    assert isinstance(await use(database, keyring, ann, code), CodeError)


async def test_a_new_code_ends_the_old_one_and_there_are_five_an_hour(
    database: Database, keyring: Keyring, ann: User
) -> None:
    _, first = await issue(database, keyring, ann)
    with pytest.raises(CodeError, match="30 seconds"):
        await issue(database, keyring, ann, NOW + AGAIN_SECONDS - 1)
    _, second = await issue(database, keyring, ann, NOW + 31)
    if first != second:
        assert isinstance(await use(database, keyring, ann, first, NOW + 32), CodeError)
    for at in range(2, MAX_AN_HOUR):
        await issue(database, keyring, ann, NOW + 31 * at)
    with pytest.raises(CodeError, match="within an hour"):
        await issue(database, keyring, ann, NOW + 31 * 6)
    await issue(database, keyring, ann, NOW + 3700)


async def test_an_address_is_one_owner_of_codes_however_it_is_written(keyring: Keyring) -> None:
    assert codes.of_address(keyring, " Ann@DEPT.gc.ca") == codes.of_address(keyring, "ann@dept.gc.ca")
    assert codes.of_address(keyring, "bob@dept.gc.ca") != codes.of_address(keyring, "ann@dept.gc.ca")
    assert codes.of_address(keyring, "no address") == codes.of_address(keyring, "NO address ")


async def test_who_never_proved_the_address_is_swept_after_a_day(
    database: Database, keyring: Keyring, ann: User
) -> None:
    async with database.write() as c:
        given = {"name": "Bob", "language": Language.EN, "operator": False}
        bob = await users.create(c, keyring, NOW, email="bob@dept.gc.ca", verified=True, **given)
        held = await users.create(c, keyring, NOW, email="held@dept.gc.ca", **given)
        held = await users.change(c, keyring, held, held_at=NOW)
        assert await users.sweep(c, NOW + users.UNVERIFIED_SECONDS - 1) == 0
        assert await users.sweep(c, NOW + users.UNVERIFIED_SECONDS + 1) == 1
        assert [await users.find(c, keyring, each.id) for each in (ann, bob, held)] == [None, bob, held]


async def test_what_codes_and_devices_leave_is_swept(database: Database, keyring: Keyring, ann: User) -> None:
    await issue(database, keyring, ann)
    async with database.write() as c:
        assert await devices.meet(c, ann.id, "Firefox", NOW)
        assert not await devices.meet(c, ann.id, "Firefox", NOW + 1)
        for number in range(devices.MAX_KNOWN + 5):
            assert await devices.meet(c, ann.id, f"Browser {number}", NOW + 2 + number)
        assert await devices.meet(c, ann.id, "Firefox", NOW + 100)
        assert await codes.sweep(c, NOW + 3700) == 1
        assert await devices.sweep(c, NOW + 200 + devices.FORGOTTEN_SECONDS) == devices.MAX_KNOWN
