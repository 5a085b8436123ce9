"""What the published clients in Python, Node, Java, .NET, PHP and Ruby demand of every reply of the HTTP door.

Four of them do not run here, so what each of them reads, parses or insists on stands below as rules.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# PHP takes no other service id and no other secret.
_UUID4 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ADDRESS = re.compile(r"[^\s<>@\"]+@[^\s<>@\"]+")
# Python's iterators look for the next page's id so; the brackets hold more than they should.
_PYTHON_ID = re.compile("[0-F]{8}-[0-F]{4}-[0-F]{4}-[0-F]{4}-[0-F]{12}", re.IGNORECASE)
PAGE_SIZE = 250

_STATUSES = frozenset(
    {"created", "sending", "sent", "delivered", "pending", "failed", "technical-failure", "temporary-failure"}
    | {"permanent-failure", "cancelled", "pending-virus-check", "virus-scan-failed", "pii-check-failed"}
)
_UNDER_WAY = frozenset({"created", "sending", "pending", "pending-virus-check"})


class ContractBroken(AssertionError):
    """A reply that one of the clients would choke on: what, and where in it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request. `target` is path and query; header names are in lower case."""

    method: str
    target: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Kind and text of each error."""
        return [(each["error"], each["message"]) for each in self.json["errors"]]


# -- Rules for single values: each says whether a value will do ----------------------------------------------------
Rule = Callable[[Any], bool]


def uuid(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def moment(value: Any) -> bool:
    """Java's ZonedDateTime.parse wants the zone; always six digits, so that texts sort."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    return datetime.fromisoformat(value).year > 2000


def text(value: Any) -> bool:
    return isinstance(value, str)


def filled(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def one_line(value: Any) -> bool:
    return isinstance(value, str) and len(value.splitlines()) <= 1


def address(value: Any) -> bool:
    """Without a display name."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def version(value: Any) -> bool:
    return type(value) is int and value >= 1


def null(value: Any) -> bool:
    return value is None


def truth(value: Any) -> bool:
    return isinstance(value, bool)


def nothing_to_pay(value: Any) -> bool:
    return type(value) in (int, float) and value == 0


def or_null(rule: Rule) -> Rule:
    def holds(value: Any) -> bool:
        return value is None or rule(value)

    holds.__name__ = f"{rule.__name__} or null"
    return holds


def among(words: frozenset[str]) -> Rule:
    def holds(value: Any) -> bool:
        return value in words

    holds.__name__ = f"one of {sorted(words)}"
    return holds


# -- Shapes: the keys that must be there; more keys harm no client -------------------------------------------------
_USED_TEMPLATE = {"id": uuid, "version": version, "uri": filled}
_EMAIL = {
    "id": uuid,
    "reference": or_null(filled),
    "email_address": address,
    "phone_number": null,
    **{f"line_{number}": null for number in range(1, 7)},
    "postcode": null,
    "type": among(frozenset({"email"})),
    "status": among(_STATUSES),
    "status_description": filled,
    "provider_response": or_null(filled),
    "template": _USED_TEMPLATE,
    "body": text,  # Java: never null
    "subject": or_null(one_line),
    "created_at": moment,
    "created_by_name": or_null(filled),
    "sent_at": or_null(moment),
    "completed_at": or_null(moment),
    "scheduled_for": or_null(moment),
    "postage": null,
    "one_click_unsubscribe_url": or_null(filled),
    "cost_in_pounds": nothing_to_pay,
    "cost_details": {},
    "is_cost_data_ready": truth,
}
_TEXT = _EMAIL | {
    "email_address": null,
    "phone_number": filled,
    "type": among(frozenset({"sms"})),
    "subject": null,
    "cost_in_pounds": null,
}
_ACCEPTED = {
    "id": uuid,
    "reference": or_null(filled),
    "content": {
        "from_email": address,
        "subject": one_line,
        "body": text,
        "one_click_unsubscribe_url": or_null(filled),
    },
    "uri": filled,
    "template": _USED_TEMPLATE,
    "scheduled_for": or_null(filled),
    "sanitised_content": {},
}
_ACCEPTED_TEXT = _ACCEPTED | {"content": {"from_number": or_null(filled), "body": text}}
_RECEIVED = {
    "id": uuid,
    "created_at": moment,
    "service_id": uuid,
    "notify_number": filled,
    "user_number": filled,
    "content": text,
}
_TEMPLATE = {
    "id": uuid,
    "type": among(frozenset({"email", "sms", "letter"})),
    "created_at": moment,
    "updated_at": or_null(moment),
    "created_by": filled,
    "version": version,
    "name": filled,
    "body": text,
    "subject": or_null(text),
    "personalisation": {},
    "postage": null,
    "letter_contact_block": null,
}
_PREVIEW = {
    "id": uuid,
    "type": among(frozenset({"email", "sms", "letter"})),
    "version": version,
    "body": text,
    "html": or_null(text),
    "subject": or_null(text),
    "postage": null,
}
_ERROR = {"error": filled, "message": filled}


def _check(holds: bool, where: str, problem: str) -> None:
    if not holds:
        raise ContractBroken(f"{where}: {problem}")


def _check_shape(value: Any, shape: Mapping[str, Any], where: str) -> None:
    _check(isinstance(value, dict), where, f"{value!r} is no object")
    for key, rule in shape.items():
        place = f"{where}.{key}"
        _check(key in value, place, "is missing")
        if isinstance(rule, Mapping):
            _check_shape(value[key], rule, place)
        else:
            _check(rule(value[key]), place, f"{value[key]!r} is not {rule.__name__}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check(len(dict(pairs)) == len(pairs), "reply", f"a key twice: {pairs}")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ContractBroken(f"reply: {name} is not JSON")


def check_api_key(api_key: str) -> None:
    """All clients cut service id and secret out of the end of it; .NET wants no space and 74 characters, PHP UUIDv4."""
    _check(" " not in api_key and len(api_key) >= 74, "api key", "has a space, or is too short")
    _check(api_key[-74] == "-" and api_key[-37] == "-", "api key", "is not cut by hyphens")
    for name, part in (("service id", api_key[-73:-37]), ("secret", api_key[-36:])):
        _check(_UUID4.fullmatch(part) is not None, name, "is no UUID of version 4")


@dataclass(frozen=True, slots=True)
class Contract:
    """For one service at one public URL, which is without a slash at its end."""

    public_url: str
    service_id: str

    def check(self, reply: Reply) -> Reply:
        """The reply, if every client can use it. Raises ContractBroken."""
        where = f"{reply.method} {reply.target} {reply.status}"
        kind = reply.headers.get("content-type", "").partition(";")[0]
        _check(kind == "application/json", where, f"content type {kind!r}")
        body = json.loads(reply.content, object_pairs_hook=_once, parse_constant=_no_constant)
        if reply.status >= 300 or reply.status < 200:
            _check_failure(reply, body, where)
            return reply
        # Java: exactly 201 for what was sent, 200 for what was read.
        makes_none = urlsplit(reply.target).path.endswith(
            ("/preview", "/manage-callback/test", "/manage-callback/resume", "/code", "/verify", "/default", "/find")
        )
        wanted = 201 if reply.method == "POST" and not makes_none else 200
        _check(reply.status == wanted, where, f"not {wanted}")
        self._check_success(reply, body, where)
        return reply

    def _check_success(self, reply: Reply, body: Any, where: str) -> None:
        path = urlsplit(reply.target).path
        if (reply.method, path) == ("POST", "/v2/notifications/email"):
            self._check_accepted(body, where)
        elif (reply.method, path) == ("POST", "/v2/notifications/sms"):
            self._check_accepted(body, where, _ACCEPTED_TEXT)
        elif reply.method == "GET" and path == "/v2/received-text-messages":
            self._check_received(body, where)
        elif reply.method == "GET" and path == "/v2/notifications":
            self._check_page(reply.target, body, where)
        elif reply.method == "GET" and path == "/v2/templates":
            _check(isinstance(body.get("templates"), list), where, "no list of templates")
            for number, template in enumerate(body["templates"]):
                _check_template(template, f"{where}[{number}]")
        elif path.startswith("/v2/manage-") or (reply.method == "DELETE" and path.startswith("/v2/notifications/")):
            _check(isinstance(body, dict) and len(body) > 0, where, f"{body!r} is no object")  # no client knows it
        elif reply.method == "POST" and path.startswith("/v2/template/"):
            _check_shape(body, _PREVIEW, where)
            _check(path.split("/")[3].lower() == body["id"], where, "another template")
        elif reply.method == "GET" and path.startswith("/v2/template/"):
            _check_template(body, where)
            _check(path.split("/")[3].lower() == body["id"], where, "another template")
        elif reply.method == "GET" and path == "/v2/events":  # our own: no Notify has it
            _check(set(body) == {"events", "links"}, where, "its keys")
            _check(("next" in body["links"]) == bool(body["events"]), where, "a next page of an empty one, or none")
        elif reply.method == "GET" and path == "/v2/statistics":  # likewise
            _check(set(body) == {"by", "since", "until", "time_zone", "statistics"}, where, "its keys")
            _check(isinstance(body["statistics"], list), where, "no list of statistics")
        elif reply.method == "GET" and path.startswith("/v2/notifications/"):
            self._check_notification(body, where)
            _check(path.split("/")[3].lower() == body["id"], where, "another notification")
        else:
            raise ContractBroken(f"{where}: a success that no rule is for")

    def _check_accepted(self, body: Any, where: str, shape: Mapping[str, Any] = _ACCEPTED) -> None:
        _check_shape(body, shape, where)
        _check(body["uri"] == f"{self.public_url}/v2/notifications/{body['id']}", where, f"uri {body['uri']}")
        self._check_template_uri(body["template"], where)
        for key, value in body["sanitised_content"].items():
            _check_shape(value, {"unsanitised": text, "sanitised": text}, f"{where}.sanitised_content.{key}")

    def _check_received(self, body: Any, where: str) -> None:
        _check_shape(body, {"links": {"current": filled}}, where)
        for number, received in enumerate(body["received_text_messages"]):
            _check_shape(received, _RECEIVED, f"{where}[{number}]")

    def _check_notification(self, body: Any, where: str) -> None:
        _check_shape(body, _TEXT if body.get("type") == "sms" else _EMAIL, where)
        self._check_template_uri(body["template"], where)
        is_over = body["status"] not in _UNDER_WAY
        _check((body["completed_at"] is not None) == is_over, where, f"{body['status']}, {body['completed_at']}")
        times = [body[name] for name in ("created_at", "sent_at", "completed_at") if body[name] is not None]
        _check(times == sorted(times), where, f"out of order: {times}")

    def _check_template_uri(self, template: Mapping[str, Any], where: str) -> None:
        wanted = f"{self.public_url}/services/{self.service_id}/templates/{template['id']}"
        _check(template["uri"] == wanted, where, f"template.uri {template['uri']}")

    def _check_page(self, target: str, body: Any, where: str) -> None:
        _check_shape(body, {"links": {"current": filled}}, where)  # Java: current is always a text
        _check(isinstance(body.get("notifications"), list), where, "no list of notifications")
        page, links = body["notifications"], body["links"]
        for number, notification in enumerate(page):
            self._check_notification(notification, f"{where}[{number}]")
        ids = [each["id"] for each in page]
        _check(len(ids) == len(set(ids)) <= PAGE_SIZE, where, "more than a page, or one twice")
        created = [each["created_at"][:-4] for each in page]  # by the millisecond, as ids are
        _check(created == sorted(created, reverse=True), where, "not newest first")
        self._check_link(links["current"], _query(target), where)
        if not page:
            _check("next" not in links, where, "the end has a next page")  # else iterators never stop
            return
        _check(filled(links.get("next")), where, "no next page")  # Python: a TypeError without it, on any page
        others = [(name, value) for name, value in _query(target) if name != "older_than"]
        self._check_link(links["next"], [*others, ("older_than", ids[-1])], where)
        found = _PYTHON_ID.search(links["next"])
        _check(found is not None and found[0] == ids[-1], where, f"Python reads another id in {links['next']}")

    def _check_link(self, link: str, query: list[tuple[str, str]], where: str) -> None:
        _check(link.partition("?")[0] == f"{self.public_url}/v2/notifications", where, f"link {link}")
        _check(sorted(_query(link)) == sorted(query), where, f"link {link} does not ask for {query}")


def _query(target: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(target).query, keep_blank_values=True)


def _check_template(body: Any, where: str) -> None:
    _check_shape(body, _TEMPLATE, where)
    for name, value in body["personalisation"].items():
        _check(value == {"required": True}, where, f"personalisation.{name}: {value}")


def _check_failure(reply: Reply, body: Any, where: str) -> None:
    # Python's HTTPError.message would be a text instead of the list if there were a `message` beside `errors`.
    _check(isinstance(body, dict) and body.keys() == {"status_code", "errors"}, where, f"{body}")
    _check(body["status_code"] == reply.status, where, f"status_code {body['status_code']}")
    errors = body["errors"]
    _check(isinstance(errors, list) and len(errors) > 0, where, "no errors")  # PHP and Ruby walk through them
    for error in errors:
        _check_shape(error, _ERROR, where)
        _check(error.keys() == _ERROR.keys(), where, f"{error}")
        _check("Traceback" not in error["message"] and '.py"' not in error["message"], where, "tells our insides")
    unsaid = {401: "www-authenticate", 405: "allow", 429: "retry-after", 503: "retry-after"}  # RFC 9110 15.5.2, 15.5.6
    if name := unsaid.get(reply.status):
        _check(bool(reply.headers.get(name)), where, f"no {name}")
