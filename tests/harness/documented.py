"""The OpenAPI document of the HTTP door, without the parts that serve it, and every text in it that people read."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from relay.http import documentation
from relay.http.application import application
from relay.metrics import DoorMetrics
from tests.harness.words import words

ROOT = "https://api.example.ca/"


@cache
def document() -> dict[str, Any]:
    parts: dict[str, Any] = dict.fromkeys(inspect.signature(application).parameters)
    parts |= {"public_url": ROOT, "metrics": DoorMetrics(CollectorRegistry()), "words": words()}
    app: Any = application(**parts)
    assert isinstance(app, FastAPI)
    return documentation.openapi(app, ROOT)


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
