"""The commands for services, keys, guests and domains, as a person or a script gives them."""

import json
from importlib.metadata import version
from uuid import UUID, uuid4

import pytest

from tests.integration.conftest import Answer, Run

SERVICE = ("service", "create", "--name", "Passports", "--email-from", "passports")


def test_service_and_key_are_made_as_the_interface_says(answer: Answer) -> None:
    service = answer(*SERVICE)
    assert (service["name"], service["email_from"], service["domain"], service["live"], service["per_day"]) == (
        "Passports",
        "passports",
        "notification.example.ca",
        False,
        50,
    )
    key = answer("key", "create", "--service", service["id"], "--name", "Scan room", "--type", "team", "--lane", "bulk")
    assert list(key) == ["id", "service_id", "name", "type", "api_key", "smtp_username", "smtp_password"]
    assert key["service_id"] == service["id"]
    assert UUID(key["api_key"][-36:]).hex == key["smtp_password"]


def test_service_is_changed_held_released_and_made_live(answer: Answer) -> None:
    service_id = answer(*SERVICE, "--reply-to-address", "info@example.ca", "--per-day", "9")["id"]
    assert answer("service", "hold", service_id)["held"] is True
    assert answer("service", "release", service_id)["held"] is False
    assert answer("service", "go-live", service_id)["live"] is True
    changed = answer("service", "update", service_id, "--reply-to", "any", "--reply-to-address", "", "--per-day", "0")
    assert (changed["reply_to"], changed["reply_to_address"], changed["per_day"]) == ("any", None, 100_000)
    assert answer("service", "show", service_id) == changed
    assert answer("service", "list") == {"services": [changed]}


def test_guests_and_senders_are_added_listed_and_removed(answer: Answer) -> None:
    service_id = answer(*SERVICE)["id"]
    answer("service", "guest", "add", service_id, "Someone@example.ca")
    answer("service", "guest", "add", service_id, "+1 613 555 0100")
    assert answer("service", "guest", "list", service_id) == {"guests": ["+16135550100", "someone@example.ca"]}
    answer("service", "guest", "remove", service_id, "someone@example.ca")
    assert answer("service", "guest", "list", service_id) == {"guests": ["+16135550100"]}
    answer("service", "sender", "add", service_id, "@example.ca")
    assert answer("service", "sender", "list", service_id) == {"senders": ["@example.ca"]}
    answer("service", "sender", "remove", service_id, "@example.ca")
    assert answer("service", "sender", "list", service_id) == {"senders": []}


def test_key_is_updated_rotated_and_revoked(answer: Answer) -> None:
    service_id = answer(*SERVICE)["id"]
    made = answer("key", "create", "--service", service_id, "--name", "n", "--type", "normal")
    updated = answer("key", "update", made["id"], "--per-minute", "5", "--allow-ip", "192.0.2.1", "--lane", "priority")
    assert (updated["per_minute"], updated["networks"], updated["lane"]) == (5, ["192.0.2.1/32"], "priority")
    new = answer("key", "rotate", made["id"], "--overlap", "60")
    assert new["smtp_password"] != made["smtp_password"]
    assert answer("key", "revoke", new["id"])["revoked_at"].endswith("Z")
    listed = answer("key", "list", "--service", service_id)["keys"]
    assert [each["id"] for each in listed] == [made["id"], new["id"]]
    assert listed[0]["expires_at"] is not None
    assert listed[1]["per_minute"] == 5
    assert made["smtp_password"] not in json.dumps(listed)


TERMS = {
    "--lane": ("bulk", "lane", "bulk", None),
    "--language": ("fr", "language", "fr", None),
    "--branding": ("none", "branding", "none", None),
    "--reply-to-address": ("Desk@example.ca", "reply_to_address", "Desk@example.ca", None),
    "--lifetime": ("600", "lifetime_seconds", 600, None),
    "--fix": ("reply-to", "fixed", ["reply-to"], []),
    "--per-minute": ("5", "per_minute", 5, 3000),
    "--max-bytes": ("2048", "max_message_bytes", 2048, None),
    "--max-recipients": ("3", "max_recipients", 3, None),
    "--allow-from": ("@Example.ca", "allowed_from", ["@example.ca"], []),
    "--allow-ip": ("192.0.2.1", "networks", ["192.0.2.1/32"], []),
    "--expires-at": ("2040-01-01", "expires_at", "2040-01-01T00:00:00Z", None),
}


def test_terms_of_a_key_are_given_changed_and_taken_off_by_the_same_names(
    answer: Answer,
) -> None:
    create = ("key", "create", "--service", answer(*SERVICE)["id"], "--name", "n", "--type", "normal")
    options = [text for option, (value, *_) in TERMS.items() for text in (option, value)]
    full, bare = answer(*create, *options)["id"], answer(*create)["id"]

    assert (terms := answer("key", "show", full)) == answer("key", "list")["keys"][0]
    assert {field: terms[field] for _, field, *_ in TERMS.values()} == {
        field: kept for _, field, kept, _ in TERMS.values()
    }
    for option, (value, field, kept, default) in TERMS.items():
        assert answer("key", "update", bare, option, value)[field] == kept
        assert answer("key", "update", bare, "--clear", option.removeprefix("--"))[field] == default
    cleared = [text for option in TERMS for text in ("--clear", option.removeprefix("--"))]
    changed = answer("key", "update", full, *cleared, "--name", "m")
    assert {field: changed[field] for _, field, *_ in TERMS.values()} == {
        field: none for _, field, _, none in TERMS.values()
    }
    assert changed["name"] == "m"


def test_lists_of_a_key_take_what_is_repeated(answer: Answer) -> None:
    create = ("key", "create", "--service", answer(*SERVICE)["id"], "--name", "n", "--type", "normal")
    key = answer(*create, "--fix", "lane", "--fix", "expires", "--allow-from", "b@x.ca", "--allow-from", "@a.ca")

    shown = answer("key", "show", key["id"])
    assert (shown["fixed"], shown["allowed_from"]) == (["expires", "lane"], ["@a.ca", "b@x.ca"])


@pytest.mark.parametrize(
    ("option", "value", "code", "words"),
    [
        ("--max-bytes", "26214401", 1, "the door takes messages of at most 26214400 octets"),
        ("--max-bytes", "100", 1, "the largest message has at least 1024 octets"),
        ("--lifetime", "2592001", 1, "a message lives 1 to 2592000 seconds"),
        ("--allow-from", "example.ca", 1, "neither a mail address nor a domain written as @example.ca"),
        ("--allow-from", "zoë@example.ca", 1, "ASCII characters only"),
        ("--reply-to-address", "nobody", 1, "the --reply-to-address cannot be used: no @ sign"),
        ("--fix", "colour", 2, "'colour' is not one of"),
        ("--expires-at", "2020-01-01", 1, "use key revoke"),
        ("--branding", "maple", 1, "the service has no branding maple"),
        ("--max-recipients", "-1", 2, "--max-recipients"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(
    run: Run, answer: Answer, option: str, value: str, code: int, words: str
) -> None:
    create = ("key", "create", "--service", answer(*SERVICE)["id"], "--name", "n", "--type", "normal")
    exit_code, _, said = run(*create, option, value)

    assert (exit_code, words in said) == (code, True), said
    assert answer("key", "list") == {"keys": []}


def test_term_that_is_given_and_cleared_at_once_changes_nothing(run: Run, answer: Answer) -> None:
    create = ("key", "create", "--service", answer(*SERVICE)["id"], "--name", "n", "--type", "normal")
    key = answer(*create, "--allow-from", "@example.ca")

    code, _, said = run("key", "update", key["id"], "--clear", "allow-from", "--allow-from", "@example.org")

    assert (code, "--allow-from is given, too" in said) == (2, True), said
    assert answer("key", "show", key["id"])["allowed_from"] == ["@example.ca"]


def test_domain_shows_the_records_to_publish(answer: Answer) -> None:
    for shown in (answer("domain", "show"), answer("domain", "show", "notification.example.ca")):
        assert shown["domain"] == "notification.example.ca"
        assert {each["purpose"] for each in shown["records"]} == {"dkim", "mail-from", "dmarc"}
        assert all(set(each) == {"purpose", "name", "type", "value"} for each in shown["records"])
    added = answer("domain", "add", "Mail.Example.CA")
    assert answer("domain", "show", "mail.example.ca") == added
    assert answer(*SERVICE, "--domain", "mail.example.ca")["domain"] == "mail.example.ca"
    assert [each["name"] for each in answer("domain", "list")["domains"]] == [
        "mail.example.ca",
        "notification.example.ca",
    ]


def test_people_see_lines_and_the_secret_once(run: Run) -> None:
    code, out, _ = run(*SERVICE)
    assert code == 0
    service_id = out.split()[1]
    code, out, _ = run("key", "create", "--service", service_id, "--name", "n", "--type", "test")
    assert "smtp_password" in out
    assert "this once" in out
    for command in (("service", "list"), ("key", "list"), ("domain", "list"), ("domain", "show")):
        code, out, _ = run(*command)
        assert code == 0
        assert len(out.splitlines()) >= 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("service", "show", str(uuid4())),
        ("service", "guest", "add", str(uuid4()), "a@example.ca"),
        ("key", "create", "--service", str(uuid4()), "--name", "n", "--type", "test"),
        ("key", "revoke", str(uuid4())),
        ("domain", "show", "unknown.example.ca"),
        ("domain", "add", "localhost"),
        (*SERVICE, "--domain", "unknown.example.ca"),
    ],
)
def test_what_can_not_be_done_is_one_line_and_exit_code_1(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("notify-relay: ")


def test_service_goes_by_its_name_and_key_by_its_user_name(run: Run, answer: Answer) -> None:
    passports = answer(*SERVICE)
    assert answer("service", "show", " passPORTS ") == passports
    assert answer("service", "hold", "Passports")["held"]
    key = answer("key", "create", "--service", "Passports", "--name", "k", "--type", "test")
    assert key["service_id"] == passports["id"]
    assert answer("key", "show", key["smtp_username"])["id"] == key["id"]
    assert answer("key", "revoke", key["smtp_username"].upper())["revoked_at"]
    code, out, err = run("key", "show", "nobody-at-all")
    assert (code, out, err) == (1, "", "notify-relay: there is no key nobody-at-all; see: notify-relay key list\n")


def test_name_of_several_services_is_answered_with_their_ids(run: Run, answer: Answer) -> None:
    ids = [answer(*SERVICE[:-1], local)["id"] for local in ("one", "two")]
    code, out, err = run("service", "update", "passports", "--name", "Other")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert all(each in err for each in ids)
    answer("service", "update", ids[0], "--name", "Other")
    assert answer("service", "show", "Passports")["id"] == ids[1]


def test_address_where_its_first_part_is_wanted_is_told(run: Run) -> None:
    code, out, err = run("service", "create", "--name", "n", "--email-from", "permits@city.example")
    assert (code, out) == (1, "")
    assert "the part before the @ only, here permits;" in err


def test_change_of_nothing_is_refused(run: Run, answer: Answer) -> None:
    answer(*SERVICE)
    key = answer("key", "create", "--service", "Passports", "--name", "k", "--type", "test")["smtp_username"]
    for command in (("service", "update", "Passports"), ("key", "update", key)):
        assert run(*command) == (1, "", "notify-relay: nothing is named that is to change\n")


def test_check_names_variables_that_no_setting_reads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_HTTP__PUBLIC_ULR", "https://api.example.ca")
    _, out, _ = run("check", "--json")
    (row,) = [each for each in json.loads(out)["checks"] if each["part"] == "settings"]
    assert (row["result"], "NOTIFY_RELAY_HTTP__PUBLIC_ULR" in row["detail"]) == ("warning", True)


def test_version_is_told(run: Run) -> None:
    assert run("--version") == (0, f"notify-relay {version('notify-relay')}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [("message", "show", "no-id"), ("service", "create"), ("unknown",), ("key", "create", "--type", "other")],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_failed_command_leaves_nothing_behind(run: Run, answer: Answer) -> None:
    answer(*SERVICE)
    assert run(*SERVICE)[0] == 1
    assert len(answer("service", "list")["services"]) == 1


def test_unusable_database_is_one_line_without_its_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_DATABASE_URL", "postgresql+asyncpg://someone:hunter2@127.0.0.1:1/none")
    monkeypatch.setenv("NOTIFY_RELAY_SECRET_KEY", "A" * 43 + "=")
    monkeypatch.setenv("NOTIFY_RELAY_SEALING_KEY", "A" * 43 + "=")
    code, _, err = run("service", "list")
    assert (code, err.count("\n")) == (1, 1)
    assert "hunter2" not in err
