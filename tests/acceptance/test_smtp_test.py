"""`notify-relay smtp test` against the running relay, as somebody who sets up a client uses it."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relay.cli import main
from relay.cli.output import speak
from tests.harness.mail import address, group_id, read
from tests.harness.relay import Credentials, Relay


class Said(NamedTuple):
    code: int
    out: str
    err: str


SmtpTest = Callable[..., Said]


@pytest.fixture
def smtp_test(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[SmtpTest]:
    """The command on localhost in this process, as it needs nothing of a relay's own; `given` is its standard input."""
    umask = os.umask(0o077)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(user: str, *options: str, given: str) -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        with pytest.raises(SystemExit) as ended:
            main(["smtp", "test", "--host", "localhost", "--user", user, *options])
        out, err = capsys.readouterr()
        assert not given.strip() or given.strip() not in out + err
        return Said(int(ended.value.code or 0), out, err)

    yield run
    os.umask(umask)
    speak(str)


def told(smtp_test: SmtpTest, key: Credentials, *options: str, password: str | None = None) -> tuple[int, Any]:
    """Exit code, and what the JSON on standard output says."""
    said = smtp_test(key.username, *options, "--json", given=f"{password or key.password}\n")
    assert said.err == ""
    return said.code, json.loads(said.out)


def trusted(relay: Relay) -> tuple[str, str]:
    return "--ca-file", str(relay.folder / "var/tls.crt")


@pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])
def test_every_step_works_and_the_message_arrives(
    relay: Relay, key: Credentials, smtp_test: SmtpTest, tls: bool
) -> None:
    recipient = address()
    port = ("--port", str(relay.tls_port), "--tls", "implicit") if tls else ("--port", str(relay.port))
    code, found = told(smtp_test, key, *port, *trusted(relay), "--to", recipient)

    assert (code, found["works"]) == (0, True)
    assert {step["result"] for step in found["steps"]} == {"ok"}
    steps = {step["step"]: step["detail"] for step in found["steps"]}
    assert "TLSv1.3" in steps["TLS"]
    assert "localhost" in steps["TLS"]
    assert "AUTH PLAIN LOGIN" in steps["extensions"]
    assert group_id(steps["content"])
    assert read(relay.wait_for_mail(recipient)[1])["Subject"] == "Test"


def test_nothing_is_sent_without_a_recipient(relay: Relay, key: Credentials, smtp_test: SmtpTest) -> None:
    code, found = told(smtp_test, key, "--port", str(relay.port), *trusted(relay))

    assert (code, found["works"]) == (0, True)
    assert [step["step"] for step in found["steps"] if step["result"] == "ok"][-1] == "sending address"
    assert found["steps"][-1]["result"] == "not tried"


def test_self_made_certificate_is_told_apart(relay: Relay, key: Credentials, smtp_test: SmtpTest) -> None:
    code, found = told(smtp_test, key, "--port", str(relay.port))

    assert (code, found["works"]) == (1, False)
    assert found["steps"][-1]["step"] == "TLS"
    assert found["steps"][-1]["detail"].startswith("the certificate is self-made, for localhost")
    assert "--ca-file" in found["steps"][-1]["cure"]


def test_wrong_password_is_told(relay: Relay, key: Credentials, smtp_test: SmtpTest) -> None:
    options = ("--port", str(relay.tls_port), "--tls", "implicit", *trusted(relay))
    code, found = told(smtp_test, key, *options, password="0" * 32)

    assert code == 1
    assert (found["steps"][-1]["step"], found["steps"][-1]["detail"][:26]) == ("log-in", "the server says: 535 5.7.8")


def test_people_read_lines_in_their_language(
    relay: Relay, key: Credentials, smtp_test: SmtpTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, given = (key.username, "--port", str(relay.port)), f"{key.password}\n"
    english = smtp_test(*options, given=given)

    assert english.code == 1
    assert "TLS              PROBLEM     the certificate is self-made, for " in english.out
    assert "To change: trust it by its file" in english.out
    monkeypatch.setenv("LC_ALL", "fr_CA.UTF-8")
    french = smtp_test(*options, given=given)
    assert "le certificat est autosigné" in french.out
    assert "To change" not in french.out


def test_wrong_use_is_told_in_one_line(smtp_test: SmtpTest, tmp_path: Path) -> None:
    def said(*options: str, given: str = "secret\n") -> str:
        found = smtp_test("user", *options, given=given)
        assert (found.code, found.out, found.err.count("\n")) == (1, "", 1)
        return found.err

    assert "no password" in said(given="\n")
    assert "no @ sign" in said("--to", "nobody")
    (tmp_path / "empty.pem").touch()
    assert "holds no certificate" in said("--ca-file", str(tmp_path / "empty.pem"))
    assert "/no/such/file: No such file" in said("--ca-file", "/no/such/file")
