"""Every command, but the one that runs the relay, prints one JSON object with --json, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from relay.cli import build
from tests.fakes.dns import FakeDns
from tests.integration.conftest import Run

SUBJECT = ("--subject", "s")
EXEMPT = {("serve",)}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, each in below.items():
        yield from leaves(each, (*path, name))


COMMANDS = dict(leaves(get_command(build())))


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[dict[str, str]]:
    with FakeDns().in_a_thread() as dns:
        yield {
            "OUTBOX__DIR": str(tmp_path / "outbox"),
            "DNS__RESOLVERS": dns.address,
            "CALLBACKS__ALLOW_PRIVATE": "true",
        }


def file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def script(folder: Path) -> list[tuple[str, ...]]:
    """Each command once, in an order in which each finds what it needs; {id} is that of the last object printed."""
    token = file(folder, "token", "a-token-of-some-length")
    body = file(folder, "body", "Hello")
    letter = file(folder, "letter.eml", "From: a@example.ca\nTo: b@example.ca\nSubject: s\n\nHello\n")
    return [
        ("db", "upgrade"),
        ("db", "grant"),
        ("db", "backup", str(folder / "copy.db")),
        ("check",),
        ("service", "create", "--name", "Scan room", "--email-from", "scan"),
        ("person", "export", "ann@example.com"),
        ("person", "delete", "ann@example.com"),
        ("statistics", "rebuild"),
        ("service", "list"),
        ("service", "show", "Scan room"),
        ("service", "usage", "Scan room"),
        ("service", "update", "scan ROOM", "--per-day", "7"),
        ("service", "hold", "Scan room"),
        ("service", "release", "Scan room"),
        ("service", "go-live", "Scan room"),
        *(
            ("service", kind, verb, "Scan room", *((entry,) if verb != "list" else ()))
            for kind, entry in (("guest", "a@example.ca"), ("sender", "@example.ca"))
            for verb in ("add", "list", "remove")
        ),
        *(("service", "reply-to", "add", "Scan room", f"{name}@example.ca") for name in ("desk", "chef")),
        ("service", "reply-to", "default", "Scan room", "{id}"),
        ("service", "reply-to", "remove", "Scan room", "desk@example.ca"),
        ("service", "reply-to", "list", "Scan room"),
        ("organisation", "create", "--name", "Department", "--name-fr", "Ministère"),
        *(("organisation", "domain", verb, "ministère", "gc.ca") for verb in ("add", "remove")),
        ("user", "create", "--email", "amala@dept.gc.ca"),
        ("user", "list"),
        *(("organisation", "approver", verb, "Department", "amala@dept.gc.ca") for verb in ("add", "remove")),
        ("organisation", "list"),
        ("service", "member", "add", "Scan room", "amala@dept.gc.ca", "--permission", "view_activity"),
        ("service", "member", "list", "Scan room"),
        ("service", "member", "remove", "Scan room", "amala@dept.gc.ca"),
        *(("user", verb, "amala@dept.gc.ca") for verb in ("hold", "release")),
        ("domain", "add", "mail.example.ca"),
        ("domain", "show", "mail.example.ca"),
        ("domain", "list"),
        ("domain", "register", "mail.example.ca"),
        ("domain", "check", "mail.example.ca"),
        ("domain", "rotate", "mail.example.ca"),
        *(
            ("service", "domain", verb, "Scan room", *(("mail.example.ca",) if verb != "list" else ()))
            for verb in ("add", "list", "remove")
        ),
        ("service", "callback", "set", "Scan room", "--url", "http://127.0.0.1:9/", "--bearer-token-file", token),
        ("service", "callback", "show", "Scan room"),
        ("service", "callback", "test", "Scan room"),
        ("service", "callback", "resume", "Scan room"),
        ("service", "callback", "remove", "Scan room"),
        ("key", "create", "--service", "Scan room", "--name", "k", "--type", "normal"),
        ("key", "list", "--service", "Scan room"),
        ("message", "preview", letter, "--service", "Scan room"),
        ("message", "find", "--service", "Scan room"),
        ("message", "show", "00000000-0000-0000-0000-000000000000"),
        ("message", "cancel", "00000000-0000-0000-0000-000000000000"),
        ("branding", "create", "--name", "Plain", "--type", "fip_english"),
        ("branding", "list"),
        ("branding", "show", "Plain"),
        ("branding", "update", "Plain", "--name", "Plainer"),
        ("branding", "archive", "Plainer"),
        ("template", "list", "--service", "Scan room"),
        (
            "template",
            "create",
            "--service",
            "Scan room",
            "--type",
            "email",
            "--name",
            "t",
            "--body-file",
            body,
            *SUBJECT,
        ),
        ("template", "show", "{id}"),
        ("template", "update", "{id}", "--subject", "other"),
        ("template", "preview", "{id}"),
        ("template", "archive", "{id}"),
        ("queue", "stats"),
        ("queue", "hold", "--service", "Scan room"),
        ("queue", "holds", "--service", "Scan room"),
        ("queue", "release", "--service", "Scan room"),
        ("queue", "retry"),
        ("queue", "cancel", "--lane", "bulk", "--dry-run"),
        ("audit", "list", "--service", "Scan room", "--since", "2026-01-01"),
        ("sender", "add", "+16135550100", "--kind", "long-code"),
        ("sender", "list"),
        ("sender", "show", "{id}"),
        ("sender", "update", "{id}", "--parts-per-second", "2"),
        ("sender", "check"),
        ("sender", "remove", "{id}"),
        ("opt-out", "list"),
        ("opt-out", "remove", "+16135550100"),
        ("suppression", "add", "gone@example.org", "--service", "Scan room", "--until", "2100-01-01"),
        ("suppression", "list", "--service", "Scan room", "--reason", "by-hand"),
        ("suppression", "show", "gone@example.org"),
        ("suppression", "remove", "gone@example.org", "--service", "Scan room"),
        ("ban", "list"),
        ("ban", "lift", "192.0.2.1"),
        ("secrets", "rotate"),
        ("key", "create", "--service", "Scan room", "--name", "k", "--type", "test"),
        ("key", "show", "{id}"),
        ("key", "update", "{id}", "--name", "l"),
        ("key", "unslow", "{id}"),
        ("key", "rotate", "{id}"),
        ("key", "revoke", "{id}"),
        ("smtp", "test", "--host", "127.0.0.1", "--port", "1", "--user", "u"),
    ]


# Nothing to show, to cancel or to resume, nobody to forgive, and on SQLite.
REFUSED = {
    ("message", "show"),
    ("message", "cancel"),
    ("ban", "lift"),
    ("opt-out", "remove"),
    ("service", "callback", "resume"),
    ("db", "grant"),
}


def test_every_command_takes_json() -> None:
    without = {path for path, command in COMMANDS.items() if "as_json" not in {each.name for each in command.params}}
    assert without == EXEMPT


def test_every_command_prints_one_object(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.cli.smtp._password", lambda: "secret")
    called, last = set(), ""
    for step in script(tmp_path):
        path = next(path for path in COMMANDS if step[: len(path)] == path)
        called.add(path)
        code, out, err = run(*(last if part == "{id}" else part for part in step), "--json")
        if path in REFUSED:
            assert (code, out, err.startswith("notify-relay: ")) == (1, "", True), step
            continue
        assert err == "", step
        assert len(out.splitlines()) == 1, step
        printed = json.loads(out)
        assert isinstance(printed, dict), step
        last = printed.get("id", last)
    assert called == COMMANDS.keys() - EXEMPT
