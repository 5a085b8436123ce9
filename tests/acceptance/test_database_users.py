"""Each role on PostgreSQL as a database user of its own: it can do all that it does, and not what others do."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from config.database import Database
from config.keyring import Keyring
from delivery.grants import GRANTS
from delivery.store.base import Event, EventKind, Fate, InboundMail, MailFate
from messages.address import Address
from messages.status import Status
from relay.site.sweeping import Sweeping
from tests.fakes.receiver import Receiver
from tests.harness.api import BODY, SUBJECT, Api, Office, plain
from tests.harness.at_work import at_work, open_to_people
from tests.harness.mail import send
from tests.harness.postgres import Postgres
from tests.harness.relay import Credentials, Relay
from tests.harness.ses_process import Ses, settings
from tests.harness.site import OPENABLE
from tests.harness.store import Store
from tests.harness.watched import watched

ROLES = ("smtp", "http", "site", "worker", "feedback")
DENIED = {
    "relay_smtp": (
        "SELECT private_key FROM dkim_keys",
        "SELECT * FROM dkim_keys",
        "SELECT data FROM contents",
        "SELECT signing_secret FROM callback_urls",
        "UPDATE services SET live = true",
        "UPDATE keys SET secret_hash = ''",
        "UPDATE keys SET revoked_at = NULL",
        "INSERT INTO keys DEFAULT VALUES",
        "UPDATE messages SET status = 'delivered'",
        "DELETE FROM messages",
        "DELETE FROM queue",
        "DELETE FROM roots",
        "DELETE FROM limits",
        "DELETE FROM notices",
        "UPDATE notices SET said = '{}'",
        "UPDATE services SET contact = ''",
        "INSERT INTO watches DEFAULT VALUES",
        "UPDATE sightings SET said = ''",
        "SELECT * FROM audit",
        "INSERT INTO audit DEFAULT VALUES",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE messages ADD COLUMN mine int",
        "ALTER ROLE relay_worker PASSWORD 'mine'",
        "SET ROLE relay_worker",
    ),
    "relay_http": (
        "UPDATE callback_urls SET service_id = gen_random_uuid()",
        "UPDATE guests SET service_id = gen_random_uuid()",
        "UPDATE services SET live = true",
        "DELETE FROM templates",
        "DELETE FROM callbacks",
        "UPDATE queue SET owner = 'mine'",
        "UPDATE messages SET recipient = ''",
        "DELETE FROM audit",
        "SELECT private_key FROM dkim_keys",
        "SELECT * FROM sightings",
        "UPDATE callback_urls SET signing_secret = ''",
        "UPDATE callbacks SET outcome = 'done'",
        "INSERT INTO inbound_texts DEFAULT VALUES",
        "SELECT * FROM audit",
        "UPDATE services SET live = true",
        "UPDATE templates SET body = ''",
        "UPDATE contents SET data = ''",
        "DELETE FROM messages",
    ),
    "relay_site": (
        "UPDATE keys SET secret = ''",
        "UPDATE keys SET type = 'normal'",
        "UPDATE keys SET service_id = gen_random_uuid()",
        "DELETE FROM keys",
        "INSERT INTO sightings DEFAULT VALUES",
        "SELECT private_key FROM dkim_keys",
        "UPDATE callback_urls SET signing_secret = ''",
        "UPDATE audit SET action = ''",
        "DELETE FROM audit",
        "DELETE FROM messages",
        "DELETE FROM queue",
        "UPDATE messages SET recipient = ''",
        "UPDATE contents SET data = ''",
        "UPDATE domains SET verified_at = 1",
        "CREATE TABLE mine (id int)",
        "SET ROLE relay_worker",
    ),
    "relay_worker": (
        "SELECT secret FROM keys",
        "SELECT signing_secret FROM callback_urls",
        "SELECT * FROM audit",
        "SELECT failures FROM logins",
        "UPDATE dkim_keys SET private_key = ''",
        "DELETE FROM dkim_keys",
        "UPDATE messages SET recipient = ''",
        "INSERT INTO messages DEFAULT VALUES",
        "UPDATE services SET live = true",
        "SELECT * FROM notices",
    ),
    "relay_feedback": (
        "SELECT private_key FROM dkim_keys",
        "SELECT secret FROM keys",
        "SELECT data FROM contents",
        "SELECT * FROM audit",
        "UPDATE callback_urls SET url = ''",
        "DELETE FROM feeds",
        "UPDATE messages SET recipient = ''",
        "DELETE FROM messages",
        "INSERT INTO queue DEFAULT VALUES",
        "SELECT said FROM notices",
        "UPDATE notices SET due_at = NULL",
    ),
}


@dataclass
class Installation:
    """Five machines, each with one role and its user, and the operator's, who owns the tables."""

    owner: Relay
    machines: dict[str, Relay]
    url: str
    server: Postgres
    secret: Keyring

    def url_of(self, user: str) -> str:
        return self.url.replace("//relay@", f"//{user}@")


def made(server: Postgres, folder: Path, ses: Ses) -> Installation:
    url, secret = server.take_migrated(), Keyring.generate()
    server.create_users(url)
    common = {
        **settings(ses.url),
        "AWS__EVENTS_QUEUE_URL": ses.queue_url,
        "CALLBACKS__ALLOW_PRIVATE": "true",
        "PROCESSES": 1,
        "SECRET_KEY": secret,
    }

    def machine(name: str, user: str, **environment: str) -> Relay:
        (folder / name).mkdir()
        return Relay(folder / name, DATABASE_URL=url.replace("//relay@", f"//{user}@"), **{**common, **environment})

    sealing = {"SEALING_KEY": Keyring.generate()}
    owner = machine("owner", "relay", **sealing)
    machines = {role: machine(role, f"relay_{role}", **(sealing if role == "worker" else {})) for role in ROLES}
    return Installation(owner, machines, url, server, Keyring.parse(secret))


@pytest.fixture(scope="module")
def installation(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    ses = Ses(events="envelope")
    here = made(postgres, tmp_path_factory.mktemp("users"), ses)
    here.owner.run("db", "grant")
    postgres.log_refusals(here.url)
    try:
        for role in (*ROLES[3:], *ROLES[:3]):  # the worker makes the domain that doors look for
            here.machines[role].start("--role", role)
        yield here
    finally:
        for each in here.machines.values():
            each.end()
        ses.end()


@pytest.fixture
def key(installation: Installation) -> Credentials:
    return installation.owner.create_key()


def simulator(name: str) -> str:
    return f"{name}@simulator.amazonses.com"


async def test_mail_by_both_doors_ends_as_ses_tells_and_its_service_hears(
    installation: Installation, key: Credentials
) -> None:
    owner, machines = installation.owner, installation.machines
    token = owner.folder / "token"
    token.write_text("a-token-of-theirs\n")
    template = await asyncio.to_thread(owner.create_template, key.service_id, SUBJECT, BODY)
    office = Office(machines["http"], key, template)
    async with Receiver() as receiver:
        named = ("callback", "set", key.service_id, "--url", receiver.url, "--bearer-token-file", str(token))
        await asyncio.to_thread(owner.json, "service", *named)
        group = await asyncio.to_thread(send, machines["smtp"], key, simulator("success"))
        await asyncio.to_thread(owner.wait_for_status, group, "delivered")
        api = Api(office.relay, key)
        for name, status in (("success", "delivered"), ("bounce", "permanent-failure")):
            for _ in range(2):  # the second is known by its idempotency key
                body = office.message(simulator(name))
                posted = await asyncio.to_thread(api.post, body, Idempotency_Key=f"{name}-{key.key_id}")
                assert posted.status == 201
            await asyncio.to_thread(api.wait_for_status, posted.json["id"], status)
        await receiver.wait(3)
        listed = await asyncio.to_thread(api.get, "/v2/events")
        assert {event["event_id"] for event in listed.json["events"]} == {told.callback_id for told in receiver.told}
        api.close()

    assert not installation.server.refusals()


def test_an_admin_key_manages_by_the_http_door(installation: Installation, key: Credentials) -> None:
    http, owner = installation.machines["http"], installation.owner
    admin = owner.create_key(service=key.service_id, key_type="admin")

    def ask(method: str, path: str, body: Any = None, by: Credentials = admin, status: int = 200) -> Any:
        headers = {"Authorization": plain(by.api_key)}
        url = f"http://127.0.0.1:{http.http_port}/v2/{path}"
        answer = requests.request(method, url, headers=headers, json=body, timeout=60)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json()

    new = {"name": "n", "template_type": "email", "content": "Hello", "subject": "s"}
    template = ask("POST", "manage-template", new, status=201)["id"]
    ask("PATCH", f"manage-template/{template}", {"content": "Dear"})
    ask("GET", f"manage-template/{template}/versions")
    sent = {"email_address": simulator("success"), "template_id": template, "scheduled_for": later_today()}
    told = ask("POST", "notifications/email", sent, key, 201)
    url = {"url": "https://city.example/", "bearer_token": "a-token-of-theirs"}
    for _ in range(2):
        ask("PUT", "manage-callback", url)
    ask("DELETE", f"notifications/{told['id']}", by=key)
    assert ask("GET", "manage-callback")["waiting"] == 1
    ask("DELETE", "manage-callback")
    ask("DELETE", f"manage-template/{template}")
    guest = ask("POST", "manage-guest", {"guest": "guest@city.example"}, status=201)["id"]
    ask("DELETE", f"manage-guest/{guest}")
    for _ in range(2):
        entry = ask("POST", "manage-suppression", {"recipient": "gone@city.example"}, status=201)["id"]
    ask("DELETE", f"manage-suppression/{entry}")
    owner.json("service", "update", key.service_id, "--contact", "clerk@city.example")  # makes who writes the code
    answers = ask("POST", "manage-reply-to", {"address": "answers@city.example"}, status=201)["id"]
    ask("POST", f"manage-reply-to/{answers}/verify", {"code": "000000"}, status=400)
    ask("DELETE", f"manage-reply-to/{answers}")
    kept = owner.json("service", "reply-to", "add", key.service_id, "kept@city.example")["id"]
    ask("POST", f"manage-reply-to/{kept}/default")
    assert not installation.server.refusals()
    entries: Any = owner.json("audit", "list", "--service", key.service_id)["entries"]
    actors = {each["actor"] for each in entries}
    assert {admin.key_id, key.key_id} <= actors


async def test_a_person_does_all_that_the_site_is_for(installation: Installation) -> None:
    await asyncio.to_thread(open_to_people, installation.owner)
    database, site = Database(installation.url), Database(installation.url_of("relay_site"))
    try:
        async with at_work(installation.machines["site"], Store(database, installation.secret)) as amala:
            await amala.everything(OPENABLE)
        await Sweeping(site, time.time).sweep()
    finally:
        await asyncio.gather(database.close(), site.close())
    assert not installation.server.refusals()


def later_today() -> str:
    return (datetime.now(UTC) + timedelta(hours=3)).isoformat()


def test_what_is_rare_is_granted_too(installation: Installation, key: Credentials) -> None:
    smtp, owner = installation.machines["smtp"], installation.owner
    group = send(smtp, key, simulator("untagged"), content=b"Subject: large\r\n\r\n" + b"x" * 60 + b"\r\n" * 400_000)
    owner.wait_for_status(group, "delivered")
    test = owner.create_key(service=key.service_id, key_type="test")
    owner.wait_for_status(send(smtp, test, "perm-fail@simulator.notify"), "permanent-failure")
    for machine in installation.machines.values():
        assert machine.get("/readyz")[0] == 200
        assert "queue_depth" in machine.get("/metrics")[1]

    owner.run("queue", "hold")
    (early,) = owner.histories(send(smtp, key, simulator("success")))
    asyncio.run(later(installation, UUID(str(early["id"]))))
    owner.run("queue", "release")
    assert not installation.server.refusals()


def test_a_door_tells_the_contact_that_a_limit_is_reached(installation: Installation) -> None:
    owner = installation.owner
    service = str(owner.create_service("--live", "--emails-per-year", "1", "--contact", simulator("success"))["id"])
    send(installation.machines["smtp"], owner.create_key(service=service), simulator("success"))
    deadline = time.monotonic() + 60
    while True:
        usage: Any = owner.json("service", "usage", service)["usage"]
        if usage[0]["warned_at"] or time.monotonic() > deadline:
            break
        time.sleep(0.2)

    assert (usage[0]["used"], usage[0]["warned_percent"], bool(usage[0]["warned_at"])) == (1, 100, True)
    assert not installation.server.refusals()


async def test_a_door_answers_who_writes_to_a_service(installation: Installation) -> None:
    owner, reader = installation.owner, f"zoe-{uuid4().hex[:6]}@example.org"
    made = await asyncio.to_thread(owner.create_service, "--live", "--contact", simulator("success"))
    feedback = Database(installation.url_of("relay_feedback"))
    try:
        ours = (f"{made['email_from']}@notification.example.ca",)
        mail = InboundMail(ours, Address.parse(reader), None, None)
        (judged,) = await Store(feedback, installation.secret).answering.take([mail], time.time())
        assert judged.fate is MailFate.ANSWERED
    finally:
        await feedback.close()
    async with asyncio.timeout(60):
        while True:
            found: Any = await asyncio.to_thread(owner.json, "message", "find", "--to", reader)
            if [each["status"] for each in found["messages"]] == ["delivered"]:  # SES takes it as it is
                break
            await asyncio.sleep(0.2)
    assert not installation.server.refusals()


async def test_a_door_tells_who_watches_a_key_what_it_sees(installation: Installation, key: Credentials) -> None:
    owner = Database(installation.url)
    try:
        assert (await watched(owner, key, lambda: send(installation.machines["smtp"], key, simulator("success"))))[-1]
    finally:
        await owner.close()
    assert not installation.server.refusals()


async def later(installation: Installation, early: UUID) -> None:
    """What processes do after days, and when an event comes before their own record of the message."""
    now = time.time()
    worker, feedback = (Database(installation.url_of(user)) for user in ("relay_worker", "relay_feedback"))
    try:
        store = Store(worker, installation.secret)
        assert (await store.retiring.contents(now + 8 * 86400)).gone
        assert await store.retiring.forget(now + 8 * 86400)
        await store.retiring.rows(now)  # none is past its time, and what hangs on them would be asked
        store = Store(feedback, installation.secret)
        event = Event(uuid4(), EventKind.DELIVERY, "ses", f"p-{early}", early, uuid4(), now, Status.DELIVERED)
        assert (await store.settling.learn([event], now)).fates == (Fate.SETTLED,)
        await store.settling.match_parked(now + 2 * 86400)
        await store.settling.time_out(now + 60, now)
    finally:
        await worker.close()
        await feedback.close()


@pytest.fixture(scope="module")
def granted(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Another, on which nobody works, and of which refusals are not kept."""
    ses = Ses()
    try:
        here = made(postgres, tmp_path_factory.mktemp("granted"), ses)
    finally:
        ses.end()
    here.owner.run("db", "grant")
    return here


@pytest.mark.parametrize("user", GRANTS)
async def test_a_role_is_denied_what_it_does_not_need(granted: Installation, user: str) -> None:
    database = Database(granted.url_of(user))
    try:
        for statement in DENIED[user]:
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                async with database.write() as connection:
                    await connection.execute(text(statement))
    finally:
        await database.close()


async def test_a_grant_takes_back_what_is_not_in_the_table(postgres: Postgres, tmp_path: Path) -> None:
    ses = Ses()
    try:
        here = made(postgres, tmp_path, ses)
    finally:
        ses.end()
    owner, smtp = Database(here.url), Database(here.url_of("relay_smtp"))
    try:
        async with owner.write() as connection:
            await connection.execute(text("GRANT SELECT (private_key) ON dkim_keys TO relay_smtp"))
            await connection.execute(text("GRANT ALL ON messages TO relay_smtp"))
        await asyncio.to_thread(here.owner.run, "db", "grant")
        for statement in ("SELECT private_key FROM dkim_keys", "DELETE FROM messages"):
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                async with smtp.write() as connection:
                    await connection.execute(text(statement))
    finally:
        await owner.close()
        await smtp.close()


def test_users_that_are_missing_are_named_and_nothing_is_granted(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.take_migrated()
    relay = Relay(tmp_path, DATABASE_URL=url, SECRET_KEY=Keyring.generate(), SEALING_KEY=Keyring.generate())
    postgres.create_users(url)
    postgres.execute("ALTER ROLE relay_http RENAME TO relay_other")
    try:
        refused = relay.run("db", "grant", check=False)
    finally:
        postgres.execute("ALTER ROLE relay_other RENAME TO relay_http")

    assert refused.returncode == 1
    assert "relay_http:" in refused.stderr
    assert "relay_smtp" not in refused.stderr


def test_sqlite_has_nothing_to_grant(tmp_path: Path) -> None:
    refused = Relay(tmp_path).run("db", "grant", check=False)

    assert refused.returncode == 1
    assert "PostgreSQL" in refused.stderr
