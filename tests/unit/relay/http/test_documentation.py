"""The OpenAPI document says what is: its statuses, its bodies, and nothing of FastAPI's own."""

from typing import Any

import pytest

from relay.http.documentation import operations
from relay.http.pages.calls import calls
from tests.harness import documented


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return documented.document()


def test_it_has_exactly_the_routes_of_the_api(document: dict[str, Any]) -> None:
    assert [(method, path) for method, path, _ in operations(document)] == [
        ("POST", "/v2/notifications/email"),
        ("POST", "/v2/notifications/sms"),
        ("POST", "/v2/notifications/bulk"),
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
        ("GET", "/v2/events"),
        ("GET", "/v2/received-text-messages"),
        ("GET", "/v2/statistics"),
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
        ("PUT", "/v2/manage-callback"),
        ("GET", "/v2/manage-callback"),
        ("DELETE", "/v2/manage-callback"),
        ("POST", "/v2/manage-callback/test"),
        ("POST", "/v2/manage-callback/resume"),
        ("GET", "/v2/manage-guest"),
        ("POST", "/v2/manage-guest"),
        ("DELETE", "/v2/manage-guest/{id}"),
        ("GET", "/v2/manage-suppression"),
        ("POST", "/v2/manage-suppression"),
        ("POST", "/v2/manage-suppression/find"),
        ("DELETE", "/v2/manage-suppression/{id}"),
        ("GET", "/v2/manage-reply-to"),
        ("POST", "/v2/manage-reply-to"),
        ("POST", "/v2/manage-reply-to/{id}/code"),
        ("POST", "/v2/manage-reply-to/{id}/verify"),
        ("POST", "/v2/manage-reply-to/{id}/default"),
        ("DELETE", "/v2/manage-reply-to/{id}"),
        ("GET", "/v2/manage-service"),
        ("PUT", "/v2/manage-service"),
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


def test_every_field_says_what_it_means(document: dict[str, Any]) -> None:
    """What stands in a list or an object counts, too; a name that means something else elsewhere says so there."""
    places = ("path", "query", "header")
    silent = {
        f"{call.name}: {field.name}"
        for call in calls(document)
        for field in (
            *(each for place in places for each in call.parameters(place)),
            *call.body_fields(),
            *call.answer_fields(),
        )
        if not field.schema.get("description")
    }
    assert silent == set()
