"""The commands for templates, as a person or a script gives them."""

import io
import json
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.integration.conftest import Answer, Run


@pytest.fixture
def service(answer: Answer) -> str:
    return str(answer("service", "create", "--name", "Passports", "--email-from", "passports")["id"])


@pytest.fixture
def body_file(tmp_path: Path) -> Path:
    file = tmp_path / "body.md"
    file.write_bytes("\ufeffBonjour ((pr\u00e9nom)),\r\nà bientôt".encode())
    return file


@pytest.fixture
def create(service: str, body_file: Path) -> tuple[object, ...]:
    texts = ("--name", "Letter", "--subject", "Dear ((first name))", "--body-file", body_file)
    return ("template", "create", "--service", service, "--type", "email", *texts)


def test_template_is_made_as_the_interface_says(answer: Answer, create: tuple[object, ...], service: str) -> None:
    made = answer(*create)
    assert list(made)[:2] == ["id", "version"]
    assert UUID(made["id"]).version == 4
    assert (made["version"], made["service_id"], made["type"], made["updated_at"]) == (1, service, "email", None)
    assert (made["subject"], made["body"]) == ("Dear ((first name))", "Bonjour ((pr\u00e9nom)),\nà bientôt")
    assert made["placeholders"] == ["first name", "pr\u00e9nom"]
    assert answer("template", "show", made["id"]) == made
    assert answer("template", "list", "--service", service) == {"templates": [made]}


def test_template_is_changed_in_versions_and_archived(answer: Answer, create: tuple[object, ...], service: str) -> None:
    made = answer(*create)
    changed = answer("template", "update", made["id"], "--subject", "Hello")
    assert (changed["version"], changed["subject"], changed["body"]) == (2, "Hello", made["body"])
    assert answer("template", "show", made["id"], "--version", "1") == made
    assert answer("template", "archive", made["id"])["archived"] is True
    assert answer("template", "list", "--service", service) == {"templates": []}


def test_body_comes_from_standard_input_too(
    answer: Answer, create: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Piped ((name))")))
    assert answer(*create[:-1], "-")["body"] == "Piped ((name))"


def test_template_that_nothing_could_use_is_not_made(answer: Answer, run: Run, service: str, body_file: Path) -> None:
    texts = ("--service", service, "--type", "sms", "--name", "Text", "--body-file", body_file)
    assert run("template", "create", *texts, "--subject", "s") == (1, "", "notify-relay: an SMS has no subject\n")
    body_file.write_text("x" * 602 + "((name))\n\n")  # with "Passports: " before it, one too many
    code, out, err = run("template", "create", *texts)
    assert (code, out) == (1, "")
    assert "has 602, and 613 with the name of the service before it: 1 too many" in err
    assert answer("template", "list", "--service", service)["templates"] == []
    body_file.write_text("x" * 601 + "((name))\n\n")
    template = answer("template", "create", *texts)["id"]
    body_file.write_text("x" * 602 + "((name))")
    code, _, err = run("template", "update", template, "--body-file", body_file)
    assert (code, "1 too many" in err) == (1, True)


def test_body_that_is_not_utf_8_is_refused_with_its_line(run: Run, create: tuple[object, ...], body_file: Path) -> None:
    body_file.write_bytes("one\ntwo é".encode("latin-1"))
    assert run(*create) == (1, "", "notify-relay: the body file is not UTF-8 text; look at line 2\n")


def test_change_of_nothing_makes_no_version(answer: Answer, run: Run, create: tuple[object, ...]) -> None:
    template = answer(*create)["id"]
    assert run("template", "update", template) == (1, "", "notify-relay: nothing is named that is to change\n")
    assert answer("template", "show", template)["version"] == 1


def test_what_does_not_exist_is_named(run: Run, create: tuple[object, ...], body_file: Path, service: str) -> None:
    unknown = uuid4()
    no_service = f"there is no service {unknown}; see: notify-relay service list"
    assert run("template", "show", unknown) == (1, "", f"notify-relay: there is no template {unknown}\n")
    assert run("template", "list", "--service", unknown) == (1, "", f"notify-relay: {no_service}\n")
    assert run("template", "create", "--service", unknown, *create[4:])[0] == 1
    body_file.unlink()
    code, out, err = run(*create)
    assert (code, out) == (1, "")
    assert "No such file or directory" in err


def test_people_read_lines_and_a_table(run: Run, create: tuple[object, ...], service: str) -> None:
    code, out, _ = run(*create)
    assert code == 0
    assert "subject       Dear ((first name))\n" in out
    assert "Letter  Dear ((first name))" in run("template", "list", "--service", service)[1]


def test_a_text_is_shown_as_it_would_be_sent_with_what_it_costs(
    answer: Answer, run: Run, service: str, body_file: Path, tmp_path: Path
) -> None:
    body_file.write_text("Bonjour ((name)), «\u202fprêt\u202f»" + " x" * 40)
    texts = ("--service", service, "--type", "sms", "--name", "Text", "--body-file", body_file)
    template = answer("template", "create", *texts)["id"]
    values = tmp_path / "values.json"
    values.write_text('{"name": "Zoé"}')

    told = answer("template", "preview", template, "--personalisation", f"@{values}")
    assert (told["accepted"], told["type"], told["subject"]) == (True, "sms", None)
    assert told["body"].startswith("Bonjour Zoé, «\u202fprêt\u202f»")
    assert told["text"]["sent"] == f"Passports: {told['body']}"
    assert (told["text"]["encoding"], told["text"]["parts"], told["text"]["parts_without"]) == ("ucs-2", 2, 1)
    assert told["text"]["beyond_gsm"][0] == {"sign": "«", "place": 25, "times": 1}
    answer("service", "update", service, "--sms-downgrade")
    body_file.write_text("Bonjour ((name)), «\u202fvu\u202f»")
    answer("template", "update", template, "--body-file", body_file)
    told = answer("template", "preview", template, "--personalisation", '{"name": "Zoé"}')["text"]
    assert (told["sent"], told["encoding"], told["parts"]) == ('Passports: Bonjour Zoé, "vu"', "gsm", 1)
    assert {"old": "«\u202f", "new": '"', "times": 1} in told["rewritten"]
    assert "Bonjour Zoé" in run("template", "preview", template, "--personalisation", '{"name": "Zoé"}')[1]


def test_a_filled_email_is_shown(answer: Answer, create: tuple[object, ...]) -> None:
    template = answer(*create)["id"]
    told = answer("template", "preview", template, "--personalisation", '{"first name": "Ann", "prénom": "Ève"}')
    assert (told["subject"], told["body"], told["text"]) == ("Dear Ann", "Bonjour Ève,\nà bientôt", None)


def test_what_cannot_be_filled_or_is_too_long_is_said(run: Run, answer: Answer, service: str, body_file: Path) -> None:
    body_file.write_text("((name))")
    texts = ("--service", service, "--type", "sms", "--name", "Text", "--body-file", body_file)
    template = answer("template", "create", *texts)["id"]
    for values, said in (
        ("{}", "name"),
        (json.dumps({"name": "x" * 620}), "more than 612 characters"),
    ):
        code, out, _ = run("template", "preview", template, "--personalisation", values, "--json")
        told = json.loads(out)
        assert (code, told["accepted"]) == (1, False)
        assert said in told["reply"]
    code, _, err = run("template", "preview", template, "--personalisation", "name=Ann")
    assert (code, "takes a JSON object" in err) == (1, True)
