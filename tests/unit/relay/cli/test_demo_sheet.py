"""What a first start prints fits a terminal."""

import pytest

from config.words import Words
from messages.message import Language
from messages.text import Text
from relay.cli import texts


@pytest.mark.parametrize("language", [Language.EN, Language.FR])
def test_sheet_is_at_most_100_characters_wide_but_for_its_api_keys(language: Language) -> None:
    key = {"username": "demo-service-normal-bqx5izvb", "password": "f" * 32, "api_key": "gcntfy-" + "f" * 90}
    values = {f"{kind}_{name}": value for kind in ("normal", "test") for name, value in key.items()}
    values |= {"host": "127.0.0.1", "port": "2587", "tls_port": "2465"}
    values |= {
        "outbox": "var/outbox",
        "metrics": "127.0.0.1:9464",
        "http": "127.0.0.1:8080",
        "site": "http://127.0.0.1:8090/",
        "template_id": "f" * 36,
    }
    values |= {"account_email": "you@dept.example", "account_password": "f" * 16}
    values["sms_template_id"] = values["template_id"]
    sheet = Text(texts.DEMO_SHEET, values).render(Words.load().translator(language))
    wide = [line for line in sheet.splitlines() if len(line) > 100]

    assert all("gcntfy-" in line for line in wide)
