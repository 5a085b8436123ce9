"""What clients in Java, .NET, PHP and Ruby need, by hand; and that the checker of every reply would notice a breach."""

import json
import math
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.api import EMAIL, VALUES, Api, Office, bearer, contract, plain
from tests.harness.api_contract import Contract, ContractBroken, Reply, check_api_key
from tests.harness.mail import address

# -- The other languages -------------------------------------------------------------------------------------------


def test_a_key_has_the_parts_that_each_client_cuts_out_of_it(office: Office) -> None:
    for key_type in ("normal", "team", "test"):
        check_api_key(office.relay.create_key(key_type=key_type, service=office.key.service_id).api_key)


def test_a_key_with_a_name_in_spaces_has_none_in_it(office: Office) -> None:
    made = office.relay.json(
        "key", "create", "--service", office.key.service_id, "--name", "a b\u00a0c", "--type", "test"
    )
    check_api_key(str(made["api_key"]))


@pytest.mark.parametrize(
    "authorize",
    [
        pytest.param(plain, id="plain-key"),
        pytest.param(lambda key: bearer(key).replace("Bearer", "bearer"), id="scheme-in-lower-case"),
        pytest.param(lambda key: bearer(key, float(int(time.time()))), id="dotnet-float-iat"),
        pytest.param(lambda key: bearer(key, math.ceil(time.time() + 0.5)), id="node-rounds-up"),
    ],
)
def test_each_client_s_authentication_is_taken(office: Office, authorize: Callable[[str], str]) -> None:
    api = Api(office.relay, office.key, authorize)
    sent = api.post({"email_address": address(), "template_id": office.template, "personalisation": VALUES})
    assert sent.status == 201
    assert api.get(f"/v2/notifications/{sent.json['id']}").status == 200
    api.close()


def test_content_type_with_a_charset_and_nulls_of_the_contract_are_taken(office: Office) -> None:
    api = Api(office.relay, office.key)
    nothing = {"scheduled_for": None, "sanitise_content_for": None}
    message = {"email_address": address(), "template_id": office.template.upper(), "personalisation": VALUES}
    sent = api.post({**message, **nothing}, Content_Type="application/json; charset=utf-8")
    assert sent.status == 201
    api.close()


# -- The checker itself --------------------------------------------------------------------------------------------

BREAKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a field is missing": lambda page: page["notifications"][0].pop("postage"),
    "a body is null": lambda page: page["notifications"][0].update(body=None),
    "a time has no zone": lambda page: page["notifications"][0].update(created_at="2025-03-07T10:11:12.000000"),
    "a time has three digits": lambda page: page["notifications"][0].update(created_at="2025-03-07T10:11:12.000Z"),
    "a version is a text": lambda page: page["notifications"][0]["template"].update(version="1"),
    "an id is no UUID": lambda page: page["notifications"][0].update(id="1"),
    "a uri is relative": lambda page: page["notifications"][0]["template"].update(uri="/services/1/templates/2"),
    "an end without a time": lambda page: page["notifications"][0].update(status="delivered", completed_at=None),
    "no next page": lambda page: page["links"].pop("next"),
    "another next page": lambda page: page["links"].update(next=page["links"]["next"].replace("older_than", "after")),
    "no current page": lambda page: page["links"].update(current=None),
    "an end with a next page": lambda page: page.update(notifications=[]),
}


@pytest.mark.parametrize("case", BREAKS)
def test_checker_refuses_what_a_client_would_choke_on(office: Office, listed: str, case: str) -> None:
    api = Api(office.relay, office.key)
    reply = api.get("/v2/notifications", reference=listed)
    api.close()
    body = reply.json
    BREAKS[case](body)
    broken = Reply(reply.method, reply.target, reply.status, reply.headers, json.dumps(body).encode())
    with pytest.raises(ContractBroken):
        contract(office.relay, office.key).check(broken)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status_code": 400, "errors": [], "message": "no"}',
        b'{"status_code": 400, "errors": []}',
        b'{"status_code": "400", "errors": [{"error": "A", "message": "b"}]}',
        b'{"result": "error", "message": "no"}',
        b'{"status_code": 400, "errors": [{"error": "A", "message": ""}]}',
        b'{"status_code": 400, "errors": [{"error": "A"}]}',
    ],
)
def test_checker_refuses_failures_without_a_list_of_errors(body: bytes) -> None:
    judge = Contract("https://api.relay.example", str(uuid4()))
    with pytest.raises(ContractBroken):
        judge.check(Reply("POST", EMAIL, 400, {"content-type": "application/json"}, body))
