"""What is to know of one call, as Markdown in one language: its fields, what it answers, and how it fails."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from messages.text import Text, Translate
from relay.http.documentation import FAILURES, resolve
from relay.http.pages.calls import Call, Field, one_line
from relay.http.pages.examples import Ids, examples

_FIELD, _TYPE, _MEANING = Text("Field"), Text("Type"), Text("Meaning")
_STATUS, _WHEN, _DO = Text("Status"), Text("When"), Text("What to do")
_REQUIRED, _EXAMPLE = Text("required"), Text("For example")
_PLACES = {"path": Text("In the path"), "query": Text("In the query"), "header": Text("In a header")}
_BODY, _EXAMPLES, _ANSWER, _FAILS = (
    Text("In the body (JSON)"),
    Text("Examples"),
    Text("Answer"),
    Text("When it fails"),
)
_NOT_OFFERED = Text("Every call that the published clients can make is answered. These are answered with 400 for now:")
_KINDS = {
    "string": Text("text"),
    "integer": Text("whole number"),
    "number": Text("decimal number"),
    "boolean": Text("true or false"),
    "object": Text("object"),
    "null": Text("null"),
}
_FORMATS = {
    "uuid": Text("text: a UUID"),
    "date-time": Text("text: a time (ISO 8601, UTC)"),
    "email": Text("text: an email address"),
    "uri": Text("text: a URL"),
}
_ANY, _LIST, _OR = Text("any value"), Text("list: {kind}"), Text("{kind}, or {other}")
_ONE_OF = Text("one of {values}")
_AT_MOST, _AT_LEAST = Text("at most {limit} characters"), Text("at least {limit}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A page in pieces: what stands before the examples of a call, they, its answer, and how it fails."""

    start: str
    examples: str = ""
    answer: str = ""
    failures: str = ""

    def __str__(self) -> str:
        return "\n".join((self.start, self.examples, self.answer, self.failures))


def reference(call: Call, ids: Ids, translate: Translate) -> Reference:
    pieces = _start(call, translate), _examples(call, ids), _answer(call, translate), _failures(call, translate)
    return Reference(*("\n".join(each) for each in pieces))


def statuses(call: Call, translate: Translate) -> str:
    """How it fails, for who finds elsewhere what to do."""
    return f"## {_FAILS.render(translate)}\n\n{' '.join(f'`{status}`' for status in call.failures)}"


def not_offered(calls: Iterable[Call], translate: Translate) -> str:
    """All that is answered with a refusal only, as a list."""
    listed = [f"- {translate(call.title)}: `{call.method} {call.path}`" for call in calls]
    return "\n".join([_NOT_OFFERED.render(translate), "", *listed])


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table; a bar within a cell does not end it."""
    lines = [[each.replace("|", "\\|") for each in row] for row in (head, *rows)]
    for row in (lines[0], ["---"] * len(lines[0]), *lines[1:]):
        yield f"| {' | '.join(row)} |"
    yield ""


def _start(call: Call, translate: Translate) -> Iterator[str]:
    yield from (f"# {translate(call.title)}", "", f"`{call.method} {call.path}`", "", translate(call.description), "")
    for place, title in _PLACES.items():
        if fields := call.parameters(place):
            yield from (f"## {title.render(translate)}", "")
            yield from _fields(call, fields, translate)
    if fields := call.body_fields():
        yield from (f"## {_BODY.render(translate)}", "")
        yield from _fields(call, fields, translate)
    yield from (f"## {_EXAMPLES.render(translate)}", "")


def _examples(call: Call, ids: Ids) -> Iterator[str]:
    for name, language, code in examples(call, ids):
        yield from (f"### {name}", "", f"```{language}", code, "```", "")


def _answer(call: Call, translate: Translate) -> Iterator[str]:
    if call.success is None:
        return
    status, answer = call.success
    yield from (f"## {_ANSWER.render(translate)}", "", f"`{status}` {translate(one_line(answer['description']))}", "")
    if fields := call.answer_fields():
        example = json.dumps(call.answer_example(), indent=2, ensure_ascii=False)
        yield from ("```json", example, "```", "")
        yield from _fields(call, fields, translate, of_answer=True)
    headers = [Field(name, {**each["schema"], **each}) for name, each in answer.get("headers", {}).items()]
    if headers:
        yield from _fields(call, headers, translate)


def _failures(call: Call, translate: Translate) -> Iterator[str]:
    yield from (f"## {_FAILS.render(translate)}", "")
    known = [(status, FAILURES[status]) for status in call.failures]
    rows = [(f"`{status}`", each.when.render(translate), each.cure.render(translate)) for status, each in known]
    yield from table((text.render(translate) for text in (_STATUS, _WHEN, _DO)), rows)


def _fields(call: Call, fields: list[Field], translate: Translate, *, of_answer: bool = False) -> Iterator[str]:
    """Neighbours that mean the same share a row."""
    rows = []
    for (kind, meaning), same in groupby(fields, lambda each: _row(call, each, translate, not of_answer)):
        rows.append((" ".join(_name(each, translate, of_answer) for each in same), kind, meaning))
    yield from table((text.render(translate) for text in (_FIELD, _TYPE, _MEANING)), rows)


def _name(field: Field, translate: Translate, of_answer: bool) -> str:
    is_asked_for = field.required and not of_answer  # in an answer, all that is named is there
    return f"`{field.name}`" + (f" **{_REQUIRED.render(translate)}**" if is_asked_for else "")


def _row(call: Call, field: Field, translate: Translate, said_examples: bool) -> tuple[str, str]:
    schema = field.schema
    meaning = translate(one_line(schema.get("description", ""))).removesuffix(".")
    if said_examples and (given := schema.get("examples")):
        value = given[0] if isinstance(given[0], str) else json.dumps(given[0], ensure_ascii=False)
        meaning += f". {_EXAMPLE.render(translate)} `{value}`"
    elif meaning:
        meaning += "."
    limits = [each.render(translate) for each in _limits(schema)]
    return ", ".join([_kind(call.document, schema).render(translate), *limits]), meaning


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> Text:
    schema = resolve(document, schema)
    if "anyOf" in schema:
        first, *rest = (_kind(document, each) for each in schema["anyOf"])
        return Text(_OR.source, {"kind": first, "other": rest[0]}) if rest else first
    if words := schema.get("enum"):
        return Text(_ONE_OF.source, {"values": " ".join(f"`{each}`" for each in words)})
    if schema.get("type") == "array":
        return Text(_LIST.source, {"kind": _kind(document, schema["items"])})
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _KINDS.get(schema.get("type", ""), _ANY)


def _limits(schema: dict[str, Any]) -> Iterator[Text]:
    if "anyOf" in schema:
        yield from _limits(schema["anyOf"][0])
    if "maxLength" in schema:
        yield Text(_AT_MOST.source, {"limit": schema["maxLength"]})
    if "minimum" in schema:
        yield Text(_AT_LEAST.source, {"limit": schema["minimum"]})
