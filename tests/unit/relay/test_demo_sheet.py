"""What a first start prints fits a terminal."""

from relay.cli import texts


def test_sheet_is_at_most_100_characters_wide_but_for_its_api_keys() -> None:
    key = {"username": "demo-service-normal-bqx5izvb", "password": "f" * 32, "api_key": "gcntfy-" + "f" * 90}
    values = {f"{kind}_{name}": value for kind in ("normal", "test") for name, value in key.items()}
    sheet = texts.DEMO_SHEET.format(
        host="127.0.0.1", port=2587, tls_port=2465, outbox="var/outbox", metrics="127.0.0.1:9464", **values
    )
    wide = [line for line in sheet.splitlines() if len(line) > 100]

    assert all("gcntfy-" in line for line in wide)
