"""A body within its two megabytes can hold 150,000 names, or one name or address of two million characters."""

import json
import time

import pytest

from relay.http import validation
from relay.http.errors import ApiError
from relay.http.reading import MAX_VALUES, parse
from relay.http.requests import EmailRequest

EMAIL = {"email_address": "reader@example.org", "template_id": "8b6e04a4-8e0f-4bd5-9a5c-0d6b3a1f2c11"}


def seconds_and_answer(body: object) -> tuple[float, bytes]:
    octets = json.dumps(body).encode()
    started = time.thread_time()  # of the processor: neighbours do not count
    with pytest.raises(ApiError) as refused:
        _read(octets)
    return time.thread_time() - started, refused.value.body()


def _read(octets: bytes) -> None:
    from pydantic import ValidationError

    try:
        EmailRequest.model_validate(parse(octets), context={"now": time.time()})
    except ValidationError as error:
        raise ApiError.invalid(validation.texts(error.errors(include_url=False))) from None


@pytest.mark.parametrize(
    "body",
    [
        EMAIL | {f"n{at}": 1 for at in range(150_000)},
        EMAIL | {"personalisation": {f"n{at}": 1 for at in range(50_000)}},
        EMAIL | {"personalisation": {"n" * 1_900_000: 1}},
        EMAIL | {"sanitise_content_for": ["n"] * 200_000},
        EMAIL | {"sanitise_content_for": list(range(MAX_VALUES - 10))},
        EMAIL | {"email_address": "a" * 1_900_000},
    ],
    ids=["fields", "placeholders", "one placeholder", "sanitised names", "wrong types", "address"],
)
def test_it_is_refused_soon_and_in_few_words(body: object) -> None:
    seconds, answer = min(seconds_and_answer(body) for _ in range(3))  # what disturbs one does not disturb all

    assert seconds < 0.8
    assert len(answer) < 10_000


def test_the_longest_list_that_a_message_may_have_is_read() -> None:
    asked = EMAIL | {"personalisation": {"name": ["a"] * 10_000}}

    assert parse(json.dumps(asked).encode()) == asked
