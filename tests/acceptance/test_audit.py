"""`notify-relay audit list`: who changed what, as an operator asks it."""

import os
import pwd
from typing import Any

from tests.harness.relay import Relay

USER = pwd.getpwuid(os.geteuid()).pw_name


def listed(relay: Relay, *options: str) -> list[dict[str, Any]]:
    found: Any = relay.json("audit", "list", *options)
    return list(found["entries"])


def test_what_was_changed_is_listed_newest_first_with_who_did_it(relay: Relay) -> None:
    service = str(relay.create_service()["id"])
    key = relay.create_key(service=service)
    relay.run("service", "hold", service)
    relay.run("service", "guest", "add", service, "guest@home.example")
    entries = listed(relay, "--service", service)

    assert [each["action"] for each in entries] == ["service.guest.add", "service.hold", "key.create", "service.create"]
    assert {each["service_id"] for each in entries} == {service}
    assert {each["actor_kind"] for each in entries} == {"operator"}
    assert all(each["actor"].endswith(USER) for each in entries)
    assert (entries[1]["before"], entries[1]["after"]) == ({"held": False}, {"held": True})
    assert list(entries[0]) == [
        *("id", "at", "actor_kind", "actor", "action", "object_kind", "object_id", "service_id", "before", "after")
    ]
    printed = relay.run("audit", "list", "--service", service, "--json").stdout
    assert "guest@home.example" not in printed
    assert key.password not in printed


def test_entries_are_picked_by_object_time_and_number(relay: Relay) -> None:
    service = str(relay.create_service()["id"])
    key = relay.create_key(service=service)
    relay.run("key", "revoke", key.key_id)
    of_key = listed(relay, "--object", key.key_id)

    assert [each["action"] for each in of_key] == ["key.revoke", "key.create"]
    assert listed(relay, "--object", key.key_id, "--since", "2999-01-01") == []
    assert len(listed(relay, "--service", service, "--limit", "2")) == 2


def test_people_read_a_table_with_what_each_field_was_and_is(relay: Relay) -> None:
    service = str(relay.create_service()["id"])
    relay.run("service", "hold", service)
    heading, newest, *_ = relay.run("audit", "list", "--object", service).stdout.splitlines()

    assert heading.split() == ["at", "actor", "action", "object_id", "changes"]
    assert newest.endswith("held: false > true")
