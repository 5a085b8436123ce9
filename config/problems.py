"""What pydantic finds wrong with a value, in our own words: one short sentence that never holds the value."""

from collections.abc import Mapping
from typing import Any

from messages.text import Text, TextError

_PROBLEMS = {
    "bool_parsing": "use true or false",
    "bool_type": "use true or false",
    "datetime_from_date_parsing": "use a date and time, as in 2030-01-31T09:00:00",
    "datetime_object_invalid": "use a date and time, as in 2030-01-31T09:00:00",
    "datetime_parsing": "use a date and time, as in 2030-01-31T09:00:00",
    "extra_forbidden": "there is no such setting",
    "finite_number": "use a finite number",
    "float_parsing": "use a number",
    "float_type": "use a number",
    "greater_than": "use a number greater than {gt}",
    "greater_than_equal": "use a number greater than or equal to {ge}",
    "int_from_float": "use a valid integer",
    "int_parsing": "use a valid integer",
    "int_parsing_size": "use a valid integer",
    "int_type": "use a valid integer",
    "less_than": "use a number less than {lt}",
    "less_than_equal": "use a number less than or equal to {le}",
    "list_type": "use a list",
    "missing": "a value is needed",
    "model_type": "this is a group of settings: set what is in it",
    "path_type": "use a path",
    "string_type": "use text",
    "uuid_parsing": "use an id, as in 123e4567-e89b-42d3-a456-426614174000",
    "uuid_type": "use an id, as in 123e4567-e89b-42d3-a456-426614174000",
}


def problem(error: Mapping[str, Any]) -> Text:
    """Of one entry of `ValidationError.errors()`."""
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, TextError):
        return cause.text
    if error["type"] in ("literal_error", "enum"):
        first, either, last = context["expected"].rpartition(" or ")
        return (
            Text("use {first} or {last}", {"first": first, "last": last})
            if either
            else Text("use {last}", {"last": last})
        )
    source = _PROBLEMS.get(error["type"])
    return Text("this value cannot be used") if source is None else Text(source, context)
