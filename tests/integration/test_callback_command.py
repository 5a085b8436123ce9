"""The command that says where a service hears of its messages."""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from delivery.callbacks.headers import signature
from tests.fakes.receiver import HANG, Receiver, Reply
from tests.fakes.threads import in_a_thread
from tests.integration.conftest import Run

TOKEN = "a-token-of-theirs"
URL = "https://receiver.example/notify"


@pytest.fixture
def service(run: Run) -> str:
    _, out, _ = run("service", "create", "--name", "Passports", "--email-from", "passports", "--json")
    return str(json.loads(out)["id"])


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return str(path)


def answer(run: Run, *arguments: str) -> dict[str, Any]:
    code, out, err = run("service", "callback", *arguments, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_url_is_set_shown_without_its_secrets_and_removed(run: Run, service: str, token_file: str) -> None:
    made = answer(run, "set", service, "--url", URL, "--bearer-token-file", token_file)
    assert (made["service_id"], made["url"]) == (service, URL)
    assert len(base64.b64decode(made["signing_secret"])) == 32

    shown = answer(run, "show", service)
    assert list(shown) == [
        *("service_id", "kind", "url", "created_at", "waiting", "failed_last_day", "last_outcome"),
        *("first_failed_at", "failed_as", "suspended_at", "next_probe_at"),
    ]
    assert (shown["waiting"], shown["failed_last_day"], shown["last_outcome"]) == (0, 0, None)
    assert not any(secret in str(shown) for secret in (TOKEN, made["signing_secret"]))

    assert answer(run, "remove", service) == {"service_id": service}
    code, out, err = run("service", "callback", "show", service)
    assert (code, out) == (1, "")
    assert "has no callback URL" in err


def test_token_comes_by_standard_input_too(run: Run, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TOKEN.encode() + b"\r\n")))
    assert answer(run, "set", service, "--url", URL, "--bearer-token-file", "-")["url"] == URL


def test_person_is_told_that_the_secret_is_shown_once_and_the_token_never(
    run: Run, service: str, token_file: str
) -> None:
    code, out, _ = run("service", "callback", "set", service, "--url", URL, "--bearer-token-file", token_file)
    assert code == 0
    assert "this once" in out
    assert TOKEN not in out


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("http://receiver.example/", TOKEN, "by https only"),
        ("http://receiver.example/", TOKEN, "write a URL that begins with https://"),
        ("https://localhost/", TOKEN, "write a URL that the Internet can reach"),
        ("https://user:word@receiver.example/", TOKEN, "https://host/path"),
        ("https://169.254.169.254/", TOKEN, "public addresses only"),
        (URL, "short", "10 to 1000 printable ASCII"),
        (URL, "jeton-accentué", "10 to 1000 printable ASCII"),
        (URL, "t" * 5000, "10 to 1000 printable ASCII"),
    ],
)
def test_what_can_not_be_used_is_refused_in_one_line(
    run: Run, service: str, tmp_path: Path, url: str, token: str, told: str
) -> None:
    path = tmp_path / "token"
    path.write_text(token)
    code, out, err = run("service", "callback", "set", service, "--url", url, "--bearer-token-file", str(path))
    assert (code, out) == (1, "")
    assert told in err
    assert err.count("\n") == 1
    assert token not in err


def test_address_inside_is_taken_where_the_setting_allows_it(
    run: Run, service: str, token_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_CALLBACKS__ALLOW_PRIVATE", "true")
    url = "http://127.0.0.1:8000/notify"
    assert answer(run, "set", service, "--url", url, "--bearer-token-file", token_file)["url"] == url


def test_unknown_service_and_missing_file_are_named(run: Run, service: str, token_file: str) -> None:
    nobody = str(uuid4())
    for arguments in (
        ("set", nobody, "--url", URL, "--bearer-token-file", token_file),
        ("show", nobody),
        ("remove", nobody),
    ):
        code, _, err = run("service", "callback", *arguments)
        assert (code, nobody in err) == (1, True)
    code, _, err = run("service", "callback", "set", service, "--url", URL, "--bearer-token-file", "/nowhere/token")
    assert (code, "/nowhere/token" in err) == (1, True)


def test_each_kind_has_a_url_of_its_own(run: Run, service: str, token_file: str) -> None:
    given = ("--bearer-token-file", token_file)
    answer(run, "set", service, "--url", URL, *given)
    made = answer(run, "set", service, "--type", "complaint", "--url", URL + "/complaints", *given)
    assert (made["kind"], made["url"]) == ("complaint", URL + "/complaints")
    assert answer(run, "show", service)["url"] == URL
    assert answer(run, "show", service, "--type", "complaint")["url"] == URL + "/complaints"
    code, _, err = run("service", "callback", "show", service, "--type", "inbound-sms")
    assert (code, "has no callback URL of type inbound-sms" in err) == (1, True)
    answer(run, "remove", service, "--type", "complaint")
    assert answer(run, "show", service)["url"] == URL


def test_receiver_is_tried_by_hand_with_a_signed_health_check(
    run: Run, service: str, token_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_CALLBACKS__ALLOW_PRIVATE", "true")
    with in_a_thread(Receiver([Reply(204), Reply(500), HANG])) as receiver:
        made = answer(run, "set", service, "--url", receiver.url, "--bearer-token-file", token_file)
        good = answer(run, "test", service)
        code, out, err = run("service", "callback", "test", service, "--json")
        monkeypatch.setenv("NOTIFY_RELAY_CALLBACKS__TIMEOUT_SECONDS", "0.3")
        late, slow, _ = run("service", "callback", "test", service, "--json")
    assert (good["works"], good["http_status"], good["reason"]) == (True, 204, None)
    assert (code, err, late) == (1, "", 1)
    assert [json.loads(each)["reason"] for each in (out, slow)] == ["http-500", "timeout"]
    told = receiver.told[0]
    assert json.loads(told.body) == {"health_check": "true"}
    assert told.headers["Authorization"] == f"Bearer {TOKEN}"
    secret, seconds = base64.b64decode(made["signing_secret"]), told.headers["X-Notify-Timestamp"]
    assert told.headers["X-Notify-Signature"] == f"v1={signature(secret, seconds, told.body)}"


def test_url_that_is_well_has_nothing_to_resume(run: Run, service: str, token_file: str) -> None:
    answer(run, "set", service, "--url", URL, "--bearer-token-file", token_file)
    code, _, err = run("service", "callback", "resume", service)
    assert (code, "nothing to resume" in err) == (1, True)
