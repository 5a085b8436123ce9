"""The OpenAPI document says what is: its statuses, its bodies, and nothing of FastAPI's own."""

import time
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from config.words import Words
from relay.http import documentation
from relay.http.application import application
from relay.http.documentation import operations, page
from relay.metrics import DoorMetrics


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app: Any = application(
        public_url="https://api.example.ca/",
        sms_domain="sms.example.ca",
        verifier=None,  # type: ignore[arg-type]
        throttle=None,  # type: ignore[arg-type]
        acceptor=None,  # type: ignore[arg-type]
        searching=None,  # type: ignore[arg-type]
        contents=None,  # type: ignore[arg-type]
        received_=None,  # type: ignore[arg-type]
        templates_=None,  # type: ignore[arg-type]
        brandings=None,  # type: ignore[arg-type]
        database=None,  # type: ignore[arg-type]
        settings=None,  # type: ignore[arg-type]
        secret=None,  # type: ignore[arg-type]
        feed=None,  # type: ignore[arg-type]
        metrics=DoorMetrics(CollectorRegistry()),
        words=Words.load(),
        now=time.time,
    )
    assert isinstance(app, FastAPI)
    return documentation.openapi(app, "https://api.example.ca/")


def test_it_has_exactly_the_routes_of_the_api(document: dict[str, Any]) -> None:
    assert [(method, path) for method, path, _ in operations(document)] == [
        ("POST", "/v2/notifications/email"),
        ("POST", "/v2/notifications/sms"),
        ("POST", "/v2/notifications/bulk"),
        ("GET", "/v2/received-text-messages"),
        ("GET", "/v2/reports"),
        ("POST", "/v2/reports"),
        ("GET", "/v2/reports/{id}"),
        ("GET", "/v2/reports/{id}/content"),
        ("POST", "/v2/manage-template-folder"),
        ("GET", "/v2/manage-template-folder/{id}"),
        ("PATCH", "/v2/manage-template-folder/{id}"),
        ("DELETE", "/v2/manage-template-folder/{id}"),
        ("GET", "/service/{service_id}/template/{id}/versions"),
        ("POST", "/v2/notifications/letter"),
        ("GET", "/v2/notifications/{id}/pdf"),
        ("GET", "/v2/notifications/{notification_id}"),
        ("DELETE", "/v2/notifications/{notification_id}"),
        ("GET", "/v2/notifications"),
        ("GET", "/v2/received-text-messages"),
        ("GET", "/v2/events"),
        ("GET", "/v2/template/{id}"),
        ("GET", "/v2/template/{id}/version/{version}"),
        ("GET", "/v2/templates"),
        ("POST", "/v2/template/{id}/preview"),
        ("GET", "/v2/manage-template"),
        ("POST", "/v2/manage-template"),
        ("GET", "/v2/manage-template/template-categories"),
        ("GET", "/v2/manage-template/{id}"),
        ("PATCH", "/v2/manage-template/{id}"),
        ("DELETE", "/v2/manage-template/{id}"),
        ("GET", "/v2/manage-template/{id}/versions"),
        ("GET", "/v2/manage-callback"),
        ("PUT", "/v2/manage-callback"),
        ("DELETE", "/v2/manage-callback"),
        ("GET", "/v2/manage-guest"),
        ("POST", "/v2/manage-guest"),
        ("DELETE", "/v2/manage-guest/{id}"),
        ("DELETE", "/v2/manage-group/{id}"),
    ]
    assert document["servers"] == [{"url": "https://api.example.ca"}]


def test_every_failure_has_the_same_body(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        answers = operation["responses"]
        failures = {status: answer for status, answer in answers.items() if int(status) >= 400}
        assert {"400", "401", "403", "500", "503"} <= set(failures), path
        for answer in failures.values():
            schema = answer["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Errors"}
        assert ("422" in answers) == (path in ("/v2/notifications/email", "/v2/notifications/sms"))
        assert operation["security"] == [{"jwt": []}, {"apiKey": []}]


def test_every_reference_leads_somewhere_and_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [found for each in value for found in references(each)]
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [found for each in value.values() for found in references(each)]
        return []

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) == known
    assert all(operation["description"] for _, _, operation in operations(document))


def test_the_page_shows_every_operation_and_schema(document: dict[str, Any]) -> None:
    shown = page(document)

    for _, path, operation in operations(document):
        assert path in shown
        assert f'id="{operation["operationId"]}"' in shown
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in shown
    assert "None" not in shown
    assert "src=" not in shown
