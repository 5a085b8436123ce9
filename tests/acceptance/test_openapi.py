"""The OpenAPI document is true: whatever it allows, and much that it does not, is answered as it says.

schemathesis calls each operation with what the document allows and with what it forbids, with our key, with wrong ones
and without. The key is of type test: nothing is sent.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from config.keyring import Keyring
from tests.harness.api import VALUES, Api, Office, open_office, plain
from tests.harness.command import ROOT
from tests.harness.mail import address
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,"
    "allow_header_conformance,ignored_auth,published_clients_contract"
)
# The whole has every bound of the document, too: each value within it, and each just beyond.
FEW = "--phases examples,fuzzing,stateful --max-examples"


def document(office: Office) -> dict[str, Any]:
    """As served, with examples that exist here: every id that is made up is unknown."""
    served: dict[str, Any] = requests.get(f"{office.url}/openapi.json", timeout=60).json()
    with closing(Api(office.relay, office.key)) as api:
        sent = api.post(office.message(address(), reference="case 7")).json["id"]
    known = {"notification_id": sent, "id": office.template, "version": 1, "older_than": sent, "reference": "case 7"}
    for path, operations in served["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in known:
                    parameter["example"] = known[parameter["name"]]
            if path == "/v2/template/{id}/preview":
                (body,) = operation["requestBody"]["content"].values()
                body["examples"] = {"filled": {"value": {"personalisation": dict(VALUES)}}}
            if path == "/v2/notifications/email":
                (body,) = operation["requestBody"]["content"].values()
                few, many = office.message(address()), office.message(address(), reference="case 8")
                body["examples"] = {
                    "few": {"value": {**few, "personalisation": {**VALUES, "more": 1}}},
                    "many": {"value": many},
                }
    return served


def run_schemathesis(
    office: Office, folder: Path, *options: str, seconds: float, key: Credentials | None = None
) -> str:
    """What it says; it fails the test with that."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document(office)))
    told = ["--url", office.url, "--header", f"Authorization:{plain((key or office.key).api_key)}", "--checks", CHECKS]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "--no-color", "run", file, *told, *options],
        cwd=folder,
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": "tests.harness.schemathesis_checks",
            "PYTHONPATH": str(ROOT),
            "CONTRACT_PUBLIC_URL": office.relay.public_url,
            "CONTRACT_SERVICE_ID": office.key.service_id,
        },
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def trying(relay: Relay) -> Office:
    """A service with a test key, and no limit that generated requests would reach."""
    return open_office(relay, "--per-minute", "1000000", key_type="test")


@pytest.fixture(params=sampled(["SQLite", "PostgreSQL"], lambda at: at == 1))
def office(request: pytest.FixtureRequest, make_relay: Callable[..., Relay]) -> Office:
    """On each database: PostgreSQL refuses texts that SQLite takes."""
    if request.param == "SQLite":
        return trying(request.getfixturevalue("relay"))
    keys = {"SECRET_KEY": Keyring.generate(), "SEALING_KEY": Keyring.generate()}
    relay = make_relay(DATABASE_URL=request.getfixturevalue("migrated_postgres_url"), **keys)
    return trying(relay.start())


@pytest.mark.parametrize(
    ("managed", "amount"),
    sampled(
        [(False, f"{FEW} 2"), (True, f"{FEW} 2"), (False, "--max-examples 20"), (True, "--max-examples 10")],
        lambda at: at == 0,
    ),
)
def test_each_operation_answers_as_the_document_says(
    office: Office, tmp_path: Path, managed: bool, amount: str
) -> None:
    """Those of the management answer to a key of type admin."""
    if not managed:
        run_schemathesis(office, tmp_path, *amount.split(), "--generation-deterministic", seconds=120)
        return
    admin = office.relay.create_key("--per-minute", "1000000", service=office.key.service_id, key_type="admin")
    managing = ("--include-path-regex", "^/v2/(manage-|notifications/[{]notification_id)", *amount.split())
    run_schemathesis(office, tmp_path, *managing, "--generation-deterministic", seconds=120, key=admin)


@pytest.mark.soak
def test_each_operation_answers_as_the_document_says_for_long(office: Office, tmp_path: Path) -> None:
    print(run_schemathesis(office, tmp_path, "--max-time", "600", seconds=900))
