"""A call as curl, Python and Node: what a reader copies, and runs as it stands once it has ids of their service.

The key comes from the environment: nobody should paste one into a program. Knows no language.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from relay.http.pages.calls import Call

KEY = "NOTIFY_API_KEY"  # the variable
_WIDTH = 78  # of a line of code: more than a page shows beside its contents would have to be scrolled


@dataclass(frozen=True, slots=True)
class OwnTemplate:
    """A template of the reader's service, and a value for each of its placeholders."""

    id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ids:
    """What examples are filled with; what is not known stays a word in capitals. `root` ends with a slash."""

    root: str
    templates: Mapping[str, OwnTemplate] = field(default_factory=dict)  # by channel
    message_id: str = "MESSAGE_ID"

    def template(self, channel: str) -> OwnTemplate:
        return self.templates.get(channel, OwnTemplate("TEMPLATE_ID", {"name": "Amala"}))


@dataclass(frozen=True, slots=True)
class _Method:
    """How the published clients say it: a method's name and its arguments. `*` stands for all fields that were given.

    Of Node, `*` are those without an argument of their own, as the options that come last.
    """

    python: tuple[str, ...]
    node: tuple[str, ...]
    iterates: bool = False


_METHODS = {
    ("POST", "/v2/notifications/email"): _Method(
        ("send_email_notification", "*"), ("sendEmail", "template_id", "email_address", "*")
    ),
    ("POST", "/v2/notifications/sms"): _Method(
        ("send_sms_notification", "*"), ("sendSms", "template_id", "phone_number", "*")
    ),
    ("GET", "/v2/notifications/{notification_id}"): _Method(
        ("get_notification_by_id", "notification_id"), ("getNotificationById", "notification_id")
    ),
    ("GET", "/v2/notifications"): _Method(
        ("get_all_notifications_iterator", "*"),
        ("getNotifications", "template_type", "status", "reference"),
        iterates=True,
    ),
    ("GET", "/v2/template/{id}"): _Method(("get_template", "id"), ("getTemplateById", "id")),
    ("GET", "/v2/template/{id}/version/{version}"): _Method(
        ("get_template_version", "id", "version"), ("getTemplateByIdAndVersion", "id", "version")
    ),
    ("GET", "/v2/templates"): _Method(("get_all_templates",), ("getAllTemplates",)),
    ("POST", "/v2/template/{id}/preview"): _Method(
        ("post_template_preview", "id", "personalisation"), ("previewTemplateById", "id", "personalisation")
    ),
    ("GET", "/v2/received-text-messages"): _Method(
        ("get_received_texts_iterator",), ("getReceivedTexts",), iterates=True
    ),
}


@dataclass(frozen=True, slots=True)
class _Filled:
    """A call with its values."""

    call: Call
    url: str
    values: Mapping[str, Any]  # of its path
    fields: Mapping[str, Any]  # of its body or its query
    has_body: bool

    @property
    def method(self) -> _Method | None:
        return _METHODS.get((self.call.method, self.call.path))


def examples(call: Call, ids: Ids) -> list[tuple[str, str, str]]:
    """For each way to call it: its name, the language of its code, the code."""
    filled = _fill(call, ids)
    return [
        ("curl", "sh", _curl(filled)),
        ("Python", "python", _python(filled, ids)),
        ("Node", "js", _node(filled, ids)),
    ]


def _fill(call: Call, ids: Ids) -> _Filled:
    own = ids.template(call.path.rpartition("/")[2])
    if own.id not in {each.id for each in ids.templates.values()} and "{" in call.path:
        own = next(iter(ids.templates.values()), own)
    values = {each.name: _value(call.path, each.name, own, ids) for each in call.parameters("path")}
    path = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), call.path)
    query = {each.name: each.schema["examples"][0] for each in call.parameters("query") if "examples" in each.schema}
    body = call.body_example()
    if isinstance(body, dict):
        given = {"template_id": own.id, "personalisation": dict(own.values)}
        body = {name: given.get(name, body[name]) for name in (call.body or {})["properties"] if name in body}
    url = ids.root.rstrip("/") + path
    return _Filled(call, url, values, query if body is None else body, body is not None)


def _value(path: str, name: str, own: OwnTemplate, ids: Ids) -> Any:
    if name == "version":
        return 1
    if name == "notification_id" or path.startswith("/v2/notifications"):
        return ids.message_id
    return own.id if "/template" in path else name.upper()


def _curl(filled: _Filled) -> str:
    method, fields = filled.call.method, filled.fields
    url = filled.url if filled.has_body or not fields else f'"{filled.url}?{urlencode(fields)}"'
    lines = [f"curl {url}" if method in ("GET", "POST") else f"curl -X {method} {url}"]
    lines.append(f'-H "Authorization: ApiKey-v1 ${KEY}"')
    if filled.has_body:
        said = json.dumps(fields, indent=2, ensure_ascii=False).replace("'", "'\\''").replace("\n", "\n  ")
        lines += ['-H "Content-Type: application/json"', f"-d '{said}'"]
    elif method == "POST":
        lines.append("-d ''")
    return " \\\n  ".join(lines)


def _python(filled: _Filled, ids: Ids) -> str:
    if filled.method is None:
        return _python_by_hand(filled)
    name, *wanted = filled.method.python
    known = {each: _as_python(value) for each, value in {**filled.fields, **filled.values}.items()}
    every = [f"{each}={known[each]}" for each in filled.fields]
    given = [said for each in wanted for said in (every if each == "*" else [known[each]])]
    lines = ["import os", "", "from notifications_python_client.notifications import NotificationsAPIClient", ""]
    lines += [
        _called("client = NotificationsAPIClient", [f'os.environ["{KEY}"]', f'base_url="{ids.root.rstrip("/")}"'])
    ]
    if filled.method.iterates:
        return "\n".join([*lines, f"for each in {_called(f'client.{name}', given)}:", "    print(each)"])
    return "\n".join([*lines, _called(f"answer = client.{name}", given), "print(answer)"])


def _python_by_hand(filled: _Filled) -> str:
    given = {"json" if filled.has_body else "params": filled.fields} if filled.fields or filled.has_body else {}
    arguments = [
        f'"{filled.call.method}"',
        f'"{filled.url}"',
        f'headers={{"Authorization": "ApiKey-v1 " + os.environ["{KEY}"]}}',
        *(f"{name}={_as_python(value)}" for name, value in given.items()),
        "timeout=30",
    ]
    lines = [
        "import os",
        "",
        "import requests",
        "",
        "answer = requests.request(",
        *(f"    {each}," for each in arguments),
    ]
    return "\n".join([*lines, ")", "answer.raise_for_status()", "print(answer.text)"])


def _node(filled: _Filled, ids: Ids) -> str:
    if filled.method is None:
        return _node_by_hand(filled)
    name, *wanted = filled.method.node
    known = {**filled.fields, **filled.values}
    rest = {each: value for each, value in filled.fields.items() if each not in wanted}
    given = [
        _as_node(rest) if each == "*" else _as_node(known[each]) if each in known else "undefined" for each in wanted
    ]
    return "\n".join(
        [
            'const { NotifyClient } = require("notifications-node-client");',
            "",
            f'const client = new NotifyClient("{ids.root.rstrip("/")}", process.env.{KEY});',
            "",
            "async function main() {",
            f"  {_called('const { data } = await client.' + name, given, '  ')};",
            "  console.log(JSON.stringify(data, null, 2));",
            "}",
            "",
            "main();",
        ]
    )


def _node_by_hand(filled: _Filled) -> str:
    url = filled.url if filled.has_body or not filled.fields else f"{filled.url}?{urlencode(filled.fields)}"
    options = [f'method: "{filled.call.method}"']
    headers = [f"Authorization: `ApiKey-v1 ${{process.env.{KEY}}}`"]
    if filled.has_body:
        headers.append('"Content-Type": "application/json"')
        options.append(f"body: JSON.stringify({_as_node(filled.fields)})")
    options.insert(1, f"headers: {{ {', '.join(headers)} }}")
    lines = [
        "async function main() {",
        f'  const answer = await fetch("{url}", {{',
        *(f"    {each}," for each in options),
    ]
    return "\n".join([*lines, "  });", "  console.log(answer.status, await answer.text());", "}", "", "main();"])


def _called(name: str, arguments: list[str], indent: str = "") -> str:
    """On one line where there is room."""
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return line
    inner = "".join(f"{indent}{indent or '    '}{each},\n" for each in arguments)
    return f"{name}(\n{inner}{indent})"


def _as_python(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_as_python(name)}: {_as_python(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_python, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _as_node(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_as_name(name)}: {_as_node(each)}" for name, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _as_name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else json.dumps(name, ensure_ascii=False)
