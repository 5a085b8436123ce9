"""The calls of the OpenAPI document, as pages show them: their fields flat, and JSON as it may look.

Knows no language.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from relay.http.documentation import operations, resolve

_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Field:
    """`name` says where it stands: `template.id`, `templates[].id`."""

    name: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. `document` is what its schemas are named in."""

    method: str
    path: str
    operation: dict[str, Any]
    document: dict[str, Any]

    @property
    def name(self) -> str:
        """As it is called in links."""
        return str(self.operation["operationId"])

    @property
    def title(self) -> str:
        return str(self.operation["summary"])

    @property
    def group(self) -> str:
        return str(self.operation["tags"][0])

    @property
    def description(self) -> str:
        return one_line(self.operation["description"])

    @property
    def is_offered(self) -> bool:
        return self.success is not None

    @property
    def success(self) -> tuple[str, dict[str, Any]] | None:
        """The status and the answer of who asked well."""
        return next(((status, each) for status, each in self.operation["responses"].items() if status[0] == "2"), None)

    @property
    def failures(self) -> list[int]:
        return [int(status) for status in self.operation["responses"] if status[0] in "45"]

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of what is sent."""
        given = self.operation.get("requestBody")
        return None if given is None else resolve(self.document, _json(given))

    def parameters(self, place: str) -> list[Field]:
        """Those in `path`, `query` or `header`."""
        return [
            Field(each["name"], _whole(each["schema"]) | _said(each), bool(each.get("required")))
            for each in self.operation.get("parameters", ())
            if each["in"] == place
        ]

    def body_fields(self) -> list[Field]:
        return [] if self.body is None else list(_fields(self.document, self.body))

    def answer_fields(self) -> list[Field]:
        schema = self._answer_schema()
        return [] if schema is None else list(_fields(self.document, schema))

    def body_example(self) -> Any:
        """JSON of a request that is accepted, up to its ids; None where nothing is sent."""
        return None if self.body is None else example(self.document, self.body, required_only=True)

    def answer_example(self) -> Any:
        schema = self._answer_schema()
        return None if schema is None else example(self.document, schema)

    def _answer_schema(self) -> dict[str, Any] | None:
        content = self.success[1].get("content") if self.success else None
        return resolve(self.document, content["application/json"]["schema"]) if content else None  # 204 has none


def calls(document: dict[str, Any]) -> list[Call]:
    """All of them, in the document's order."""
    return [Call(method, path, operation, document) for method, path, operation in operations(document)]


def one_line(text: str) -> str:
    return " ".join(text.split())


def example(document: dict[str, Any], schema: dict[str, Any], *, required_only: bool = False, depth: int = 0) -> Any:
    """A value that the schema allows: its own example, or one made of its parts'."""
    schema = resolve(document, schema)
    if given := schema.get("examples"):
        return given[0]
    if "anyOf" in schema:
        return None if depth else example(document, schema["anyOf"][0], depth=depth)
    if "enum" in schema or "const" in schema:
        return schema.get("const", next(iter(schema.get("enum", ())), None))
    if schema.get("type") == "array":
        return [example(document, schema["items"], depth=depth + 1)] if depth <= _MAX_DEPTH else []
    if "properties" in schema:
        wanted = _wanted(schema) if required_only else schema["properties"]
        return {name: example(document, schema["properties"][name], depth=depth + 1) for name in wanted}
    return {"string": "...", "integer": 1, "number": 1, "boolean": True, "object": {}}.get(schema.get("type", ""))


def _wanted(schema: dict[str, Any]) -> list[str]:
    """What a request must have; where it need have nothing, what it may have and shows an example of."""
    showing = [name for name, each in schema["properties"].items() if _said(each).get("examples")]
    return schema.get("required") or showing


def inner(document: dict[str, Any], schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What an object, a list or a table holds, and how its fields are named: those of `templates` as `templates[].`."""
    schema = resolve(document, schema)
    if schema.get("type") == "array":
        suffix, held = inner(document, schema["items"])
        return f"[]{suffix}", held
    if isinstance(schema.get("additionalProperties"), dict):
        suffix, held = inner(document, schema["additionalProperties"])
        return f".(name){suffix}", held
    if "anyOf" in schema:
        return inner(document, next((each for each in schema["anyOf"] if each.get("type") != "null"), {}))
    return "", schema


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """Of what may be left out, what it is when it is there."""
    return {**schema["anyOf"][0], **_said(schema)} if "anyOf" in schema else schema


def _said(of: dict[str, Any]) -> dict[str, Any]:
    return {name: of[name] for name in ("description", "examples") if of.get(name)}


def _json(given: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = given["content"]["application/json"]["schema"]
    return schema


def _fields(document: dict[str, Any], schema: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Field]:
    schema = resolve(document, schema)
    for name, each in schema.get("properties", {}).items():
        yield Field(prefix + name, resolve(document, each), name in schema.get("required", ()))
        suffix, held = inner(document, each)
        if depth < _MAX_DEPTH:
            yield from _fields(document, held, f"{prefix}{name}{suffix}.", depth + 1)
