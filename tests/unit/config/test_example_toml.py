"""config/relay.example.toml shows every setting with its default."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.settings import PREFIX, Settings, load

pytestmark = pytest.mark.usefixtures("no_variables")

EXAMPLE = Path(__file__).parents[3] / "config/relay.example.toml"


def names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and "host" not in kind.model_fields:
            yield from (f"{name}.{inner}" for inner in names(kind))
        else:
            yield name


def written(text: str) -> list[str]:
    """Names in the file, also those that stand there as a comment."""
    found, section = [], ""
    for line in text.splitlines():
        if header := re.match(r"\[(\w+)\]", line):
            section = header[1] + "."
        elif setting := re.match(r"(?:# )?(\w+) = ", line):
            found.append(section + setting[1])
    return found


def test_example_names_every_setting_once_in_their_order() -> None:
    assert written(EXAMPLE.read_text()) == list(names(Settings))


def test_example_gives_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load()
    monkeypatch.setenv(PREFIX + "CONFIG", str(EXAMPLE))

    assert load() == defaults


def test_only_settings_without_a_fixed_default_are_commented_out() -> None:
    text = EXAMPLE.read_text()
    given = tomllib.loads(text)
    inside = {f"{section}.{name}" for section, table in given.items() if isinstance(table, dict) for name in table}
    absent = set(written(text)) - inside - given.keys()

    assert absent == {
        *("database_url_file", "secret_key_file", "sealing_key_file"),
        *("secret_key", "sealing_key", "processes", "smtp.listen_devices", "branding.dir"),
        *(
            "aws.endpoint_url",
            "aws.configuration_set",
            "aws.tenant_prefix",
            "aws.events_queue_url",
            "aws.sns_endpoint_url",
        ),
        *("sms.endpoint_url", "sms.configuration_set", "sms.max_price", "site.contact"),
    }


def test_every_line_with_a_setting_stays_short_and_says_what_it_is() -> None:
    for line in EXAMPLE.read_text().splitlines():
        assert len(line) <= 120
