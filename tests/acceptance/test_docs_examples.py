"""The examples of /docs, copied from its pages and run as they stand: curl, and the published Python and Node clients.

Each call's page is shown with the ids of a service, as who gives a key gets it. The key comes from the environment.
"""

import base64
import hashlib
import hmac
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from relay.http.pages.calls import calls as calls_of
from tests.conftest import skip_or_fail
from tests.harness import documented
from tests.harness.api import Api, Office, open_office
from tests.harness.examples import Example, calls, examples
from tests.harness.mail import address
from tests.harness.node import missing
from tests.harness.relay import Relay
from tests.harness.sampled import IS_WHOLE, sampled

CALLS = [call for call in calls_of(documented.document()) if call.is_offered]
# Those that change what the next ones need, or take a key of another type, are not run here.
RUN = [call.name for call in CALLS if call.method != "DELETE" and call.group in ("Messages", "Templates")]
SECRET = base64.b64encode(b"s" * 32).decode()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Of a relay whose pages name the address where it listens; its service sent one message."""
    if shutil.which("curl") is None or missing():
        skip_or_fail(f"EXAMPLES OF THE DOCUMENTATION NOT RUN: {missing() or 'curl is not installed'}")
    relay = Relay(tmp_path_factory.mktemp("documented"), PROCESSES=1, HTTP__PUBLIC_URL="").start()
    opened = open_office(relay, key_type="test")
    opened.relay.public_url = opened.url
    with closing(Api(opened.relay, opened.key)) as api:
        assert api.post(opened.message(address(), reference="case-17")).status == 201
    yield opened
    relay.end()


@pytest.fixture(scope="module")
def text_template(office: Office) -> str:
    """Of a text that the service sends."""
    file = office.relay.folder / "text.txt"
    file.write_text("Hello ((name)), your permit is ready.")
    named = ("--service", office.key.service_id, "--type", "sms", "--name", "Ready", "--body-file", str(file))
    return str(office.relay.json("template", "create", *named)["id"])


def own_page(office: Office, name: str) -> str:
    answer = requests.post(f"{office.url}/docs/{name}?lang=fr", {"key": office.key.api_key}, timeout=60)
    assert answer.status_code == 200
    return answer.text


def test_every_call_has_a_page(office: Office) -> None:
    assert calls(office.url) == [call.name for call in CALLS]


def test_every_example_can_be_read_by_its_language(office: Office, tmp_path: Path) -> None:
    for call in CALLS if IS_WHOLE else CALLS[::3]:
        for each in examples(own_page(office, call.name)):
            each.read(tmp_path)


# What they list was sent or received: of this office, nothing.
_NAMES_NOTHING = ("get_received_texts", "get_statistics")


@pytest.mark.parametrize("name", sampled(RUN, lambda at: at % 3 == 0))
def test_examples_of_a_call_run_as_they_stand(office: Office, text_template: str, name: str, tmp_path: Path) -> None:
    found = examples(own_page(office, name))
    assert [each.language for each in found] == ["sh", "python", "js"]

    for each in found:
        said = each.run(tmp_path, NOTIFY_API_KEY=office.key.api_key)
        assert office.template in said or text_template in said or name in _NAMES_NOTHING, each.code
        assert "status_code" not in said


def test_first_message_is_sent_as_the_first_page_says(office: Office, tmp_path: Path) -> None:
    found = examples(requests.get(f"{office.url}/docs?lang=en", timeout=60).text)
    variables = {"NOTIFY_API_KEY": office.key.api_key}
    asked = [each for each in found if "client" in each.code or "curl" in each.code]
    listing, *sending = [each for each in asked if "install" not in each.code]

    assert office.template in listing.run(tmp_path, **variables)
    relay = office.relay
    template = relay.create_template(office.key.service_id, "Hello ((name))", "You may go.", name="First")
    assert [each.language for each in sending] == ["sh", "python", "js"]
    for each in sending:
        said = each.run(tmp_path, **variables, TEMPLATE_ID=template)
        assert "status_code" not in said
        assert "-7" in said  # an id: UUIDv7


@pytest.mark.parametrize("language", ["en", "fr"])
def test_signature_is_checked_as_the_page_says(office: Office, language: str, tmp_path: Path) -> None:
    python, node = examples(requests.get(f"{office.url}/docs/callbacks?lang={language}", timeout=60).text)
    runs: dict[Example, Callable[[str], str]] = {
        python: lambda given: f"print(is_ours({SECRET!r}, {given}, {BODY!r}))",
        node: lambda given: f"console.log(isOurs({SECRET!r}, {given}, Buffer.from({BODY.decode()!r})))",
    }
    now = int(time.time())

    for example, call in runs.items():
        for timestamp, signature, right in (
            (now, signed(now), True),
            (now - 301, signed(now - 301), False),
            (now + 1, signed(now), False),
            (now, "v1=00", False),
        ):
            given = f"{str(timestamp)!r}, {signature!r}"
            said = Example(example.language, f"{example.code}\n{call(given)}\n").run(tmp_path)
            assert said.strip().lower() == str(right).lower()


BODY = b'{"id": "019e", "status": "delivered"}'


def signed(timestamp: int) -> str:
    return "v1=" + hmac.new(base64.b64decode(SECRET), f"{timestamp}.".encode() + BODY, hashlib.sha256).hexdigest()
