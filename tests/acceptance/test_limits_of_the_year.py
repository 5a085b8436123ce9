"""A year's limit: what both doors answer, who is warned by mail, and what the operator sees."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from auth.fiscal_year import TIME_ZONE, FiscalYear
from auth.limits import PATIENCE_SECONDS
from tests.harness.api import Api, Office
from tests.harness.mail import address, connect, group_id, read
from tests.harness.relay import Relay

LIFTS_AT = FiscalYear.at(time.time(), TIME_ZONE).ends_at(TIME_ZONE)


def service_of(relay: Relay, *options: str) -> str:
    return str(relay.create_service("--live", *options)["id"])


def usage(relay: Relay, service: str, period: str = "year", counts: str = "emails") -> dict[str, Any]:
    found: Any = relay.json("service", "usage", service)["usage"]
    return next(each for each in found if (each["period"], each["counts"]) == (period, counts))


def letters(relay: Relay, contact: str, count: int, seconds: float = 60) -> list[Any]:
    deadline = time.monotonic() + seconds
    while len(found := relay.mail_to(contact)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return [read(octets) for _, octets in sorted(found, key=lambda each: str(each[0]["id"]))]


def test_the_contact_is_warned_once_at_80_and_100_percent_and_the_limit_holds(relay: Relay) -> None:
    contact = address("contact")
    service = service_of(relay, "--emails-per-year", "5", "--contact", contact)
    key = relay.create_key(service=service)
    with connect(relay, key) as client:
        for _ in range(3):
            assert group_id(client.submit([address()]))
        assert usage(relay, service)["warned_percent"] is None
        assert group_id(client.submit([address()]))
        (near,) = letters(relay, contact, 1)
        assert group_id(client.submit([address()]))
        near, full = letters(relay, contact, 2)
        answers = [client.submit([address()]) for _ in range(3)]

    assert "has used 80% of its emails for the year" in near["Subject"]
    assert "a utilisé 80 % de ses courriels pour l\u2019année" in near["Subject"]
    assert "has used 100% of its emails for the year" in full["Subject"]
    page = near.get_body(("html",)).get_content()
    assert 'lang="en-CA"' in page
    assert 'lang="fr-CA"' in page
    assert service in page
    lifts_at = datetime.fromtimestamp(LIFTS_AT, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    far = LIFTS_AT - time.time() > PATIENCE_SECONDS
    code, cure = ("550 5.7.1", "ask for a higher one, or wait until") if far else ("452 4.2.2", "lifts at")
    said = f"{code} limit of 5 emails a year for this service reached; {cure} {lifts_at} - "
    assert all(answer.startswith(said) for answer in answers)
    assert answers[0].endswith(f"/smtp#{'year-over' if far else 'year-limit'}")

    of_year = usage(relay, service)
    assert (of_year["used"], of_year["limit"], of_year["lifts_at"]) == (5, 5, lifts_at)
    assert (of_year["warned_percent"], bool(of_year["warned_at"])) == (100, True)
    assert usage(relay, service, "day")["used"] == 5
    own = relay.json("service", "show", "notify-relay")
    assert own["live"]
    assert len(relay.mail_to(contact)) == 2


@pytest.mark.parametrize(("live", "mode"), [("--live", "Live"), ("--trial", "Trial")])
def test_the_api_answers_429_in_notifys_words_and_says_when_to_come_again(relay: Relay, live: str, mode: str) -> None:
    service = str(relay.create_service(live, "--emails-per-year", "1")["id"])
    guest = address("guest")
    relay.run("service", "guest", "add", service, guest)
    key = relay.create_key(service=service)
    office = Office(relay, key, relay.create_template(service, "Permit", "Hello"))
    api = Api(relay, key)
    assert api.post(office.message(guest)).status == 201
    refused = api.post(office.message(guest))
    api.close()

    assert refused.status == 429
    assert refused.json["errors"] == [
        {
            "error": f"{mode}ServiceRequestExceedsEmailAnnualLimitError",
            "message": "Exceeded annual email sending limit of 1 messages",
        }
    ]
    assert abs(int(refused.headers["retry-after"]) - (LIFTS_AT - time.time())) < 60


def test_a_higher_limit_opens_the_year_again_and_another_zone_loses_no_count(relay: Relay) -> None:
    service = service_of(relay, "--emails-per-year", "2")
    key = relay.create_key(service=service)
    with connect(relay, key) as client:
        assert group_id(client.submit([address(), address()]), 2)
        relay.run("service", "update", service, "--time-zone", "Pacific/Kiritimati", "--emails-per-year", "3")
        deadline = time.monotonic() + 25  # doors follow within 5 seconds
        while not (answer := client.submit([address()])).startswith("250 ") and time.monotonic() < deadline:
            time.sleep(0.2)
    of_year = usage(relay, service)

    assert answer.startswith("250 ")
    assert (of_year["used"], of_year["limit"], of_year["warned_percent"]) == (3, 3, 100)
    assert of_year["warned_at"] is None  # nobody to tell
    assert datetime.fromisoformat(of_year["lifts_at"]).hour == 10  # midnight at UTC+14


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--time-zone", "Toronto", "the --time-zone has a name such as America/Toronto"),
        ("--time-zone", "localtime", "the --time-zone has a name such as America/Toronto"),
        ("--contact", "nobody", "the --contact cannot be used: "),
        ("--texts-per-year", "99999999999", "a limit is 1 to "),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_changed(relay: Relay, option: str, value: str, said: str) -> None:
    service = service_of(relay)
    before = relay.json("service", "show", service)
    refused = relay.run("service", "update", service, option, value, check=False)

    assert refused.returncode == 1
    assert said in refused.stderr
    assert relay.json("service", "show", service) == before


def test_people_see_each_limit_on_a_line(relay: Relay) -> None:
    service = service_of(relay)
    shown = relay.run("service", "show", service).stdout
    lines = [re.split(r"\s{2,}", line) for line in shown.partition("\n\n")[2].splitlines()]

    assert [line[:4] for line in lines] == [
        ["period", "counts", "used", "limit"],
        ["year", "emails", "0", "10000000"],
        ["day", "emails", "0", "100000"],
        ["year", "parts", "0", "25000"],
        ["day", "parts", "0", "1500"],
        ["day", "tests", "0", "100000"],
    ]
