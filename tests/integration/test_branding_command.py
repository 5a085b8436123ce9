"""The commands for brandings, as a person or a script gives them."""

import json
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest

from messages.picture import Picture
from tests.fakes.pictures import png
from tests.integration.conftest import Answer, Run


@pytest.fixture
def service(answer: Answer) -> str:
    return str(answer("service", "create", "--name", "Passports", "--email-from", "passports")["id"])


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    file = tmp_path / "logo.png"
    file.write_bytes(png(300, 100))
    return file


@pytest.fixture
def create(logo: Path) -> tuple[object, ...]:
    words = ("--alt-text-en", "Parks Agency", "--alt-text-fr", "Agence des parcs")
    return ("branding", "create", "--name", "Parks", "--type", "custom_logo", "--logo", logo, *words)


def test_branding_is_made_shown_listed_and_used_by_its_name(
    answer: Answer, create: tuple[object, ...], service: str, logo: Path
) -> None:
    made = answer(*create, "--service", service, "--colour", "#2B5A2B")
    assert list(made)[:2] == ["id", "version"]
    assert UUID(made["id"]).version == 4
    assert (made["service_id"], made["brand_type"], made["colour"]) == (service, "custom_logo", "#2b5a2b")
    assert (made["logo"], made["width"], made["height"]) == (Picture.parse(logo.read_bytes()).name, 300, 100)
    assert answer("branding", "show", made["id"]) == made
    listed = answer("branding", "list", "--service", service)["brandings"]
    assert [each["id"] for each in listed] == ["default", "fip_english", "fip_french", "none", made["id"]]
    assert answer("service", "update", service, "--branding", "Parks")["branding"] == made["id"]
    key = answer("key", "create", "--service", service, "--name", "n", "--type", "test", "--branding", "Parks")
    assert answer("key", "show", key["id"])["branding"] == made["id"]
    assert answer("key", "update", key["id"], "--branding", "fip_french")["branding"] == "fip_french"


def test_service_without_a_branding_of_its_own_has_the_default_one(answer: Answer, service: str) -> None:
    made = answer("service", "create", "--name", "Other", "--email-from", "other", "--branding", "")
    assert made["branding"] == "default"
    answer("service", "update", service, "--branding", "fip_french")
    assert answer("service", "update", service, "--branding", "")["branding"] == "default"


def test_branding_is_changed_in_versions_and_archived(answer: Answer, create: tuple[object, ...]) -> None:
    made = answer(*create)
    changed = answer("branding", "update", made["id"], "--text", "Parks", "--logo", "", "--alt-text-fr", "")
    assert (changed["version"], changed["text"], changed["logo"]) == (2, "Parks", None)
    assert (changed["alt_text_en"], changed["alt_text_fr"]) == ("Parks Agency", None)
    assert answer("branding", "show", made["id"], "--version", "1") == made
    assert answer("branding", "archive", made["id"])["archived"] is True
    assert len(answer("branding", "list")["brandings"]) == 4


def test_branding_is_found_by_its_name_while_no_other_has_it(
    run: Run, answer: Answer, create: tuple[object, ...]
) -> None:
    made = answer(*create)
    assert answer("branding", "show", "Parks") == made
    assert answer("branding", "update", "Parks", "--colour", "#2b5a2b")["version"] == 2
    other = answer(*create)
    assert run("branding", "archive", "Parks")[2] == (
        "notify-relay: several brandings have the name Parks; use the id of one\n"
    )
    answer("branding", "archive", other["id"])
    assert answer("branding", "archive", "Parks")["id"] == made["id"]


def test_what_cannot_be_done_is_one_line_with_the_reason(
    run: Run, answer: Answer, create: tuple[object, ...], service: str, logo: Path
) -> None:
    other = answer("service", "create", "--name", "Other", "--email-from", "other")["id"]
    made, unknown = answer(*create, "--service", other), uuid4()
    band = ("branding", "create", "--name", "n", "--type", "custom_logo_with_background_colour", "--text", "t")
    for command, reason in (
        (("service", "update", service, "--branding", made["id"]), f"the service has no branding {made['id']}; "),
        (("service", "update", service, "--branding", "Parks"), "the service has no branding Parks; "),
        (("service", "create", "--name", "N", "--email-from", "n", "--branding", "Parks"), "has no branding Parks"),
        (("key", "create", "--service", service, "--name", "n", "--type", "test", "--branding", "Parks"), "Parks; "),
        (("branding", "show", unknown), f"there is no branding {unknown}"),
        (("branding", "update", "default", "--name", "n"), "branding default is built in: make another one"),
        (("branding", "update", made["id"]), "nothing is named that is to change"),
        (("branding", "archive", "unheard-of"), "there is no branding unheard-of"),
        ((*create, "--service", unknown), f"there is no service {unknown}"),
        ((*band, "--colour", "#ffcc00"), "white text on #ffcc00 has a contrast of 1.51:1; take a darker colour"),
        (("branding", "create", "--name", "n", "--type", "both_english"), "type both_english needs a logo"),
    ):
        code, out, err = run(*command)
        assert (code, out, err.count("\n")) == (1, "", 1), command
        assert reason in err
    logo.write_text("<svg/>")
    assert run(*create) == (1, "", "notify-relay: a picture is a PNG, JPEG or GIF file\n")
    logo.unlink()
    assert "No such file or directory" in run(*create)[2]


def test_people_read_a_table(run: Run, create: tuple[object, ...]) -> None:
    assert run(*create)[0] == 0
    code, out, _ = run("branding", "list")
    assert code == 0
    assert out.splitlines()[0].split() == ["id", "version", "service_id", "brand_type", "name"]
    assert out.splitlines()[-1].endswith("custom_logo  Parks")
    assert "logo         -\n" in run("branding", "show", "default")[1]


@pytest.mark.parametrize(
    ("settings", "result", "detail"),
    [
        ({}, "ok", "pictures are links, served at http://127.0.0.1:8080/branding/"),
        ({"EMAIL__PROVIDER": "ses"}, "PROBLEM", "which others cannot open"),
        ({"EMAIL__PROVIDER": "ses", "HTTP__PUBLIC_URL": "http://localhost:1"}, "PROBLEM", "others cannot open"),
        ({"EMAIL__PROVIDER": "ses", "HTTP__PUBLIC_URL": "https://api.example.ca"}, "ok", "https://api.example.ca/bran"),
        ({"EMAIL__PROVIDER": "ses", "BRANDING__IMAGES": "cid"}, "ok", "each message carries its pictures"),
        ({"BRANDING__DIR": "/nowhere"}, "PROBLEM", "NOTIFY_RELAY_BRANDING__DIR cannot be read"),
    ],
)
def test_check_says_who_can_see_the_pictures(
    run: Run, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], result: str, detail: str
) -> None:
    for name, value in {"AWS__ENDPOINT_URL": "http://127.0.0.1:1", **settings}.items():
        monkeypatch.setenv(f"NOTIFY_RELAY_{name}", value)
    _, out, _ = run("check", "--json")
    (row,) = [each for each in json.loads(out)["checks"] if each["part"] == "branding"]
    assert (row["result"], detail in row["detail"]) == (result, True), row


def branding_of(run: Run) -> dict[str, str]:
    _, out, _ = run("check", "--json")
    (row,) = [each for each in json.loads(out)["checks"] if each["part"] == "branding"]
    return cast("dict[str, str]", row)


def test_check_says_that_words_stand_in_until_artwork_is_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_BRANDING__DIR", str(tmp_path))
    for name, asked in (("signature-en.png", "signature-fr.png, wordmark.png"), ("signature-fr.png", "wordmark.png")):
        (tmp_path / name).write_bytes(png(572, 110))
        row = branding_of(run)
        assert row["result"] == "ok"
        assert "; the words Government of Canada / Gouvernement du Canada stand in for its artwork" in row["detail"]
        assert f"NOTIFY_RELAY_BRANDING__DIR names has {asked} (" in row["detail"]
    (tmp_path / "wordmark.png").write_bytes(png(246, 110))
    assert "the words" not in branding_of(run)["detail"]


def test_government_that_cannot_be_named_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_RELAY_BRANDING__GOVERNMENT", "a/b/c")
    _, out, err = run("check")
    assert "NOTIFY_RELAY_BRANDING__GOVERNMENT" in out + err
    assert "write its name in English / in French" in out + err
