"""A client of the HTTP door, for both ways to authenticate. Every reply it hands on passed the clients' contract."""

import http.client
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt

from tests.harness.api_contract import PAGE_SIZE, Contract, Reply
from tests.harness.relay import Credentials, Relay

EMAIL = "/v2/notifications/email"
SUBJECT = "Permit ((number)) is ready"
BODY = "Hello ((name)),\n\nyour permit is ready.((late?? Please hurry.))"
LISTED = PAGE_SIZE + 10  # messages of which a list has a second page
_KEPT_SECONDS = 1  # an idle connection: long before the door ends it, however late we look
VALUES: Mapping[str, Any] = {"name": "Amélie", "number": 7, "late": "yes"}


@dataclass(frozen=True, slots=True)
class Office:
    """A service that uses the API, with one template."""

    relay: Relay
    key: Credentials
    template: str

    @property
    def url(self) -> str:
        """Where the door listens; its answers name its public URL."""
        return f"http://127.0.0.1:{self.relay.http_port}"

    def message(self, recipient: str, **fields: Any) -> dict[str, Any]:
        """The body of a POST that is accepted."""
        return {"email_address": recipient, "template_id": self.template, "personalisation": VALUES, **fields}


def open_office(relay: Relay, *key_options: str, key_type: str = "normal") -> Office:
    """With a live service of its own."""
    key = relay.create_key(*key_options, key_type=key_type)
    return Office(relay, key, relay.create_template(key.service_id, SUBJECT, BODY, name="Permit"))


def service_and_secret(api_key: str) -> tuple[str, str]:
    """As every published client cuts them out of a key."""
    return api_key[-73:-37], api_key[-36:]


def token(api_key: str, issued_at: float | None = None, **header: str) -> str:
    """A JWT as the clients make one for each request; .NET's `iat` is a float."""
    service_id, secret = service_and_secret(api_key)
    claims = {"iss": service_id, "iat": int(time.time()) if issued_at is None else issued_at}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"typ": "JWT", **header})


def bearer(api_key: str, issued_at: float | None = None) -> str:
    return f"Bearer {token(api_key, issued_at)}"


def plain(api_key: str) -> str:
    return f"ApiKey-v1 {api_key}"


def contract(relay: Relay, key: Credentials) -> Contract:
    return Contract(relay.public_url, key.service_id)


def call(relay: Relay, key: Credentials, path: str, body: object = None) -> dict[str, Any]:
    """One call by its path, with the key as it is: what was answered, where it was no failure."""
    headers = {"Authorization": f"ApiKey-v1 {key.api_key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{relay.http_port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found


class Api:
    """One service's client with one kept connection. `authorize` makes the Authorization header of each request."""

    def __init__(self, relay: Relay, key: Credentials, authorize: Callable[[str], str] = bearer) -> None:
        self._contract = contract(relay, key)
        self._authorize = lambda: authorize(key.api_key)
        self._connection = http.client.HTTPConnection("127.0.0.1", relay.http_port, timeout=60)
        self._answered_at = 0.0

    def ask(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str | None] | None = None
    ) -> Reply:
        """One request. A header of None is left out."""
        given: dict[str, str | None] = {"Authorization": self._authorize(), **(headers or {})}
        sent = {name: value for name, value in given.items() if value is not None}
        if time.monotonic() - self._answered_at > _KEPT_SECONDS:
            self._connection.close()  # the request opens another
        self._connection.request(method, target, body, sent)
        response = self._connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        content = response.read()
        self._answered_at = time.monotonic()
        return self._contract.check(Reply(method, target, response.status, found, content))

    def post(self, body: Mapping[str, Any], target: str = EMAIL, **headers: str) -> Reply:
        """JSON; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", target, json.dumps(body).encode(), {"Content-Type": "application/json", **named})

    def get(self, target: str, **query: str) -> Reply:
        return self.ask("GET", f"{target}?{urlencode(query)}" if query else target)

    def wait_for_status(self, message_id: str, status: str, seconds: float = 60) -> Reply:
        """The message, when it has reached a status."""
        deadline = time.monotonic() + seconds
        while (reply := self.get(f"/v2/notifications/{message_id}")).json["status"] != status:
            if time.monotonic() > deadline:
                raise AssertionError(f"not {status}: {reply.json}")
            time.sleep(0.1)
        return reply

    def close(self) -> None:
        self._connection.close()


def ended(relay: Relay, message_id: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while not done(history := relay.json("message", "show", message_id)):
        assert time.monotonic() < deadline, history
        time.sleep(0.1)
    return history


def told_everybody(history: dict[str, Any]) -> bool:
    return bool(history["callbacks"]) and all(each["outcome"] == "done" for each in history["callbacks"])
