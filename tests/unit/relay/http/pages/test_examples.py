"""Examples of calls that no published client has, and of values that would break out of where they stand."""

import ast
import json
import shlex
from typing import Any

import pytest

from relay.http.pages.calls import Call, calls, example
from relay.http.pages.examples import Ids, OwnTemplate, examples
from tests.harness.documented import document

IDS = Ids("https://api.example.ca/")
NAME = 'it\'s "((who))" \\ $HOME `x`'
OWN = Ids("https://api.example.ca/", {"email": OwnTemplate("T-1", {NAME: NAME})}, "M-1")


def call(method: str, path: str, body: dict[str, Any] | None = None, **parameters: str) -> Call:
    """One that the clients do not know."""
    operation: dict[str, Any] = {
        "operationId": "do_it",
        "summary": "Do it",
        "tags": ["Own"],
        "description": "Do it.",
        "responses": {"204": {"description": "Done"}},
        "parameters": [
            {"name": name, "in": place, "schema": {"type": "string", "examples": [name]}}
            for name, place in parameters.items()
        ],
    }
    if body is not None:
        schema = {"type": "object", "properties": {}, "examples": [body]}
        schema["properties"] = {name: {"type": "string"} for name in body}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return Call(method, path, operation, {"components": {"schemas": {}}})


def by_name(shown: Call, ids: Ids = IDS) -> dict[str, str]:
    return {name: code for name, _, code in examples(shown, ids)}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_any_method_and_body_can_be_shown(method: str) -> None:
    body = None if method in ("GET", "DELETE") else {"name": "A", "limits": [1, None, True]}
    shown = by_name(call(method, "/v2/things/{thing_id}", body, thing_id="path", after="query"))

    words = shlex.split(shown["curl"].replace("\\\n", " "))
    assert ("-X" in words) == (method not in ("GET", "POST"))
    assert any(each.startswith("https://api.example.ca/v2/things/THING_ID") for each in words)
    assert "import requests" in shown["Python"]
    ast.parse(shown["Python"])
    assert f'method: "{method}"' in shown["Node"]
    if body is None:
        assert "?after=after" in shown["curl"] + shown["Node"]
        assert 'params={"after": "after"}' in shown["Python"]
    else:
        assert json.loads(words[words.index("-d") + 1]) == body
        assert '"limits": [1, None, True]' in shown["Python"]


def test_values_stay_within_their_quotes() -> None:
    (send,) = [each for each in calls(document()) if each.name == "send_email"]
    shown = by_name(send, OWN)

    words = shlex.split(shown["curl"].replace("\\\n", " "))
    assert json.loads(words[words.index("-d") + 1])["personalisation"] == {NAME: NAME}
    strings = {each.value for each in ast.walk(ast.parse(shown["Python"])) if isinstance(each, ast.Constant)}
    assert NAME in strings
    assert json.dumps(NAME) in shown["Node"]


def test_ids_stand_where_the_call_has_them() -> None:
    shown = {each.name: by_name(each, OWN)["curl"] for each in calls(document()) if each.is_offered}

    assert "/v2/notifications/M-1" in shown["get_notification"]
    assert "/v2/template/T-1/version/1" in shown["get_template_version"]
    assert '"template_id": "T-1"' in shown["send_email"]


def test_key_is_never_within_an_example() -> None:
    for each in calls(document()):
        assert not each.is_offered or all("NOTIFY_API_KEY" in code for _, _, code in examples(each, IDS))


def test_example_of_an_answer_has_all_its_fields() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "examples": ["x"]},
            "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "c": {"type": "array", "items": {"$ref": "#/components/schemas/C"}},
            "d": {"enum": ["first", "second"]},
            "e": {"type": "boolean"},
        },
        "required": ["a"],
    }
    known = {"components": {"schemas": {"C": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}

    assert example(known, schema) == {"a": "x", "b": None, "c": [{"n": 1}], "d": "first", "e": True}
    assert example(known, schema, required_only=True) == {"a": "x"}
    assert example(known, {**schema, "required": []}, required_only=True) == {"a": "x"}  # nothing is: what shows one
