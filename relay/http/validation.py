"""What is wrong with a request, in the words of JSON Schema (draft 7) that Notify's clients know.

pydantic finds it; here its kinds of error become texts: `<field> <what>`, values without quotes. Knows no request.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from messages.text import Text
from relay.http import requests
from relay.http.errors import ApiError

M = TypeVar("M", bound=BaseModel)

_MAX_VALUE_CHARACTERS = 100  # of a value that stands in a text: enough to find it
_MAX_TOLD = 50  # mistakes in one answer: it would be larger than the request

_MISSING = Text("{field} is a required property")
_ONE_ADDITIONAL = Text("Additional properties are not allowed ({names} was unexpected)")
_ADDITIONAL = Text("Additional properties are not allowed ({names} were unexpected)")
_NOT_OBJECT = Text("{value} is not of type object")
_NOT_OF_TYPE = Text("{field} {value} is not of type {type}")
_TOO_LONG = Text("{field} {value} is too long")
_NOT_ONE_OF = Text("{field} {value} is not one of [{words}]")
_TOO_SMALL = Text("{field} {value} is less than the minimum of {limit}")
_UNUSABLE = Text("{field} {value} is not valid")

_TYPES = {
    "string_type": "string",
    "dict_type": "object",
    "list_type": "array",
    "int_parsing": "integer",
    "int_from_float": "integer",
    "int_type": "integer",
}


def validated(model: type[M], value: Any, **context: object) -> M:
    """What a request says, as `model` has it. Raises ApiError."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        raise ApiError.invalid(texts(error.errors(include_url=False), _or_null(model))) from None


@cache
def _or_null(model: type[BaseModel]) -> frozenset[str]:
    """The fields that may be null."""
    return frozenset(name for name, field in model.model_fields.items() if type(None) in get_args(field.annotation))


def texts(found: Iterable[Mapping[str, Any]], or_null: Collection[str] = ()) -> list[Text]:
    """Of pydantic's errors, the first of them in their order; fields that nobody knows are named together.

    Locations begin with the field; those of `or_null` may be null, too.
    """
    found = list(islice(found, _MAX_TOLD))
    unknown = [str(error["loc"][-1]) for error in found if error["type"] == "extra_forbidden"]
    said = [_text(error, or_null) for error in found if error["type"] != "extra_forbidden"]
    if unknown:
        source = (_ONE_ADDITIONAL if len(unknown) == 1 else _ADDITIONAL).source
        said.append(Text(source, {"names": ", ".join(map(_shown, unknown))}))
    return said


def _text(error: Mapping[str, Any], or_null: Collection[str]) -> Text:
    kind, context = error["type"], error.get("ctx", {})
    field = _field(error["loc"])
    values: dict[str, object] = {"field": field, "value": _shown(error["input"])}
    if kind == "told":
        return Text(context["source"], {**context, "field": field})
    if kind == "missing":
        return Text(_MISSING.source, values)
    if not field:
        return Text(_NOT_OBJECT.source, values)
    if kind == "uuid_parsing":
        return Text(requests.NOT_UUID.source, values)
    if kind in _TYPES:
        type_ = _TYPES[kind] + (", null" if field in or_null and len(error["loc"]) == 1 else "")
        return Text(_NOT_OF_TYPE.source, {**values, "type": type_})
    if kind == "string_too_long":
        return Text(_TOO_LONG.source, values)
    if kind in ("literal_error", "enum"):
        words = ", ".join(re.findall("'([^']*)'", context["expected"]))
        return Text(_NOT_ONE_OF.source, {**values, "words": words})
    if kind == "greater_than_equal":
        return Text(_TOO_SMALL.source, {**values, "limit": context["ge"]})
    return Text(_UNUSABLE.source, values)


def _field(location: tuple[str | int, ...]) -> str:
    return str(location[0]) if location else ""


def _shown(value: object) -> str:
    """A value as JSON Schema's Python library shows it, without quotes."""
    text = repr(value[: _MAX_VALUE_CHARACTERS + 1] if isinstance(value, str | list) else value).replace("'", "")
    return text if len(text) <= _MAX_VALUE_CHARACTERS else text[:_MAX_VALUE_CHARACTERS] + "..."
