"""The OpenAPI document of the HTTP door, without the parts that serve it, and every text in it that people read."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI

from relay.http import documentation
from relay.http.application import application
from tests.harness import adapters
from tests.harness.words import words

ROOT = "https://api.example.ca/"
adapters.remember()


def door() -> FastAPI:
    """One that serves nobody."""
    parts: dict[str, Any] = dict.fromkeys(inspect.signature(application).parameters)
    app: Any = application(**parts | {"public_url": ROOT, "words": words()})
    assert isinstance(app, FastAPI)
    return app


@cache
def document() -> dict[str, Any]:
    return documentation.openapi(door(), ROOT)


def described() -> set[str]:
    """Titles, groups, and what is said of calls, fields and answers, each on one line."""
    found = document()
    texts = {*_descriptions(found["components"]["schemas"]), *_descriptions(found["paths"])}
    for _, _, operation in documentation.operations(found):
        texts |= {operation["summary"], *operation["tags"]}
    return {" ".join(text.split()) for text in texts}


def _descriptions(value: Any) -> Iterator[str]:
    """A field can be called `description`, too: its value is no text then."""
    if isinstance(value, list):
        for each in value:
            yield from _descriptions(each)
    elif isinstance(value, dict):
        if isinstance(said := value.get("description"), str):
            yield said
        for each in value.values():
            yield from _descriptions(each)
