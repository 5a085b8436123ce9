"""What an operator sees of bans, and how one is lifted."""

import asyncio
import json
import time
from typing import Any

from structlog.testing import capture_logs

from auth.throttle import Throttle
from config.settings import load
from relay.wiring import open_database, secret_keyring
from tests.integration.conftest import Run

HERE, ELSEWHERE = "192.0.2.1", "2001:db8:1:2::25"


def listed(run: Run) -> list[dict[str, Any]]:
    code, out, err = run("ban", "list", "--json")
    assert (code, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)["bans"]
    return found


def fail(*log_ins: tuple[str, str]) -> None:
    """Wrong passwords, as a door shares them."""

    async def work() -> None:
        settings = load()
        async with open_database(settings) as database:
            domain = settings.email.default_domain
            throttle = Throttle(database, secret_keyring(settings), time.time, default_domain=domain)
            for address, username in log_ins:
                throttle.failed(address, username)
            await throttle._share()

    with capture_logs():  # or they stand on standard output, where the commands' is looked at
        asyncio.run(work())


def test_ban_names_the_key_and_never_a_user_name_that_is_none(run: Run) -> None:
    service = json.loads(run("service", "create", "--name", "P", "--email-from", "p", "--json")[1])["id"]
    key = json.loads(run("key", "create", "--service", service, "--name", "k", "--type", "normal", "--json")[1])
    pasted = "gcntfy-secret"
    fail(*[(HERE, key["smtp_username"])] * 10, *[(HERE, pasted)] * 10)
    found = {ban["key_id"]: ban for ban in listed(run)}

    assert found[key["id"]].pop("ends_at") > "2020"
    assert found[key["id"]] == {
        "address": HERE,
        "whole": False,
        "service_id": service,
        "key_id": key["id"],
        "smtp_username": key["smtp_username"],
        "failures": 10,
    }
    assert found[None]["smtp_username"] is None
    assert pasted not in run("ban", "list")[1]


def test_ban_of_a_whole_address_is_lifted_by_any_address_of_its_network(run: Run) -> None:
    fail(*((ELSEWHERE, f"user-{number}") for number in range(20)))
    (ban,) = listed(run)
    assert (ban["address"], ban["whole"], ban["failures"]) == ("2001:db8:1:2::/64", True, 20)

    assert run("ban", "lift", "2001:db8:1:2::99") == (0, "2001:db8:1:2::99 may log in again\n", "")
    assert listed(run) == []


def test_lifting_where_nobody_failed_says_so_in_one_line(run: Run) -> None:
    assert run("ban", "lift", HERE) == (1, "", f"notify-relay: no log-in failed from {HERE} lately\n")
