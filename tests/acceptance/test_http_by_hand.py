"""What people do to the HTTP door by hand, in a hurry or to harm: each is answered as the API answers, or refused."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from tests.harness.api import EMAIL, Api, Office, bearer, contract, open_office, plain
from tests.harness.api_contract import Reply
from tests.harness.mail import address, connect, group_id
from tests.harness.relay import Relay
from tests.harness.wire import replies, request, talk

JSON = {"Content-Type": "application/json"}
CLOSE = {"Connection": "close"}


@pytest.fixture
def api(office: Office) -> Iterator[Api]:
    with closing(Api(office.relay, office.key)) as client:
        yield client


@pytest.fixture(scope="module")
def neighbour(relay: Relay) -> Office:
    """Another service of the same relay."""
    return open_office(relay)


def posted(office: Office, body: bytes | None = None, **headers: str) -> bytes:
    """A POST of an email, as octets."""
    body = json.dumps(office.message(address())).encode() if body is None else body
    fields = {"Authorization": bearer(office.key.api_key), **JSON, "Content-Length": str(len(body))}
    return request("POST", EMAIL, fields | {name.replace("_", "-"): value for name, value in headers.items()}, body)


def asked(office: Office, octets: bytes, *what: tuple[str, str], pieces: tuple[bytes, ...] = ()) -> list[Reply]:
    """Each reply passed the contract."""
    judge = contract(office.relay, office.key)
    heard = talk(office.relay.http_port, octets, *pieces)
    return [judge.check(reply) for reply in replies(heard, *(what or [("POST", EMAIL)]))]


# -- Wrong, but HTTP -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("GET", EMAIL, "OPTIONS, POST"),
        ("PUT", EMAIL, "OPTIONS, POST"),
        ("PUT", "/v2/notifications/740e5834-3a29-46b4-9a6f-16142fde533a", "DELETE, GET, HEAD, OPTIONS"),
        ("POST", "/v2/notifications", "GET, HEAD, OPTIONS"),
        ("PATCH", "/v2/templates", "GET, HEAD, OPTIONS"),
        ("TRACE", "/v2/templates", "GET, HEAD, OPTIONS"),
        ("BREW", "/v2/templates", "GET, HEAD, OPTIONS"),
    ],
)
def test_wrong_methods_hear_which_ones_there_are(api: Api, method: str, target: str, allowed: str) -> None:
    reply = api.ask(method, target)
    assert reply.status == 405
    assert reply.headers["allow"] == allowed


def test_head_is_answered_without_a_body_and_the_connection_goes_on(office: Office) -> None:
    auth = {"Authorization": bearer(office.key.api_key)}
    octets = request("HEAD", "/v2/templates", auth) + request("GET", "/v2/templates", auth | CLOSE)
    head, get = replies(talk(office.relay.http_port, octets), ("HEAD", "/v2/templates"), ("GET", "/v2/templates"))
    assert (head.status, get.status) == (200, 200)
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.content == b""


@pytest.mark.parametrize(
    "target",
    [
        "/docs/",
        "/v2",
        "/v1/notifications/email",
        "/v2/notifications/email/",
        "/v2/notifications/",
        "//v2/templates",
        "/v2//templates",
        "/v2/%2e%2e/v2/templates",
        "/service/x/template/y",
        "/" + "a" * 8000,
        "/v2/templates%00",
        "/%ff",
    ],
)
def test_unknown_paths_are_404_in_the_shape_of_all_failures(api: Api, target: str) -> None:
    assert api.ask("GET", target).status == 404


@pytest.mark.parametrize(
    "name", ["{id}", "urn:uuid:{id}", "{{{id}}}", "{hex}", "%7B{id}%7D", "{id}%00", "../templates"]
)
def test_an_id_has_one_spelling(api: Api, name: str) -> None:
    unknown = uuid4()
    reply = api.get(f"/v2/notifications/{name.format(id=unknown, hex=unknown.hex)}")
    assert reply.status == (404 if name == "{id}" or "/" in name else 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"{}", 400),
        (b'{"email_address": NaN}', 400),
        (b'{"email_address": "a@example.org", "email_address": "b@example.org"}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b'{"email_address": "\xff"}', 400),
        (b'{"reference": "\\u0000"}', 400),
        (b'{"reference": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"personalisation": ' + b'{"a": ' * 5000 + b"1" + b"}" * 5001, 400),
        (b'{"personalisation": {"n": ' + b"9" * 10_000 + b"}}", 400),
        (b"email_address=reader@example.org&template_id=1", 400),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_bodies_that_are_no_request_are_400(api: Api, body: bytes, status: int) -> None:
    assert api.ask("POST", EMAIL, body, JSON).status == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_what_is_not_called_json_hears_what_to_call_it(office: Office, api: Api, kind: str | None) -> None:
    body = json.dumps(office.message(address())).encode()
    reply = api.ask("POST", EMAIL, body, {"Content-Type": kind})
    assert reply.status == 415
    assert "application/json" in reply.errors[0][1]


@pytest.mark.parametrize(
    "query",
    ["reference=a%00b", "reference=%ED%A0%80", "reference=%ff", "status=", "older_than=x", "page=2", "a", "=", "%"],
)
def test_odd_queries_are_answered_without_trouble(api: Api, query: str) -> None:
    assert api.ask("GET", f"/v2/notifications?{query}").status in (200, 400)


def test_curl_without_a_content_type_hears_what_to_add(office: Office) -> None:
    """`curl -d` says application/x-www-form-urlencoded."""
    options = ["-s", "-H", f"Authorization: {plain(office.key.api_key)}", "-d", json.dumps(office.message(address()))]
    done = subprocess.run(["curl", *options, office.url + EMAIL], capture_output=True, check=True, timeout=60)
    (error,) = json.loads(done.stdout)["errors"]
    assert error["message"].endswith("send the request as Content-Type application/json")


# -- Large ---------------------------------------------------------------------------------------------------------


def test_a_body_of_3_mb_is_413_and_the_sender_hears_it(office: Office) -> None:
    (reply,) = asked(office, posted(office, b'{"reference": "' + b"x" * 3_000_000 + b'"}'))
    assert (reply.status, reply.headers["connection"]) == (413, "close")


def test_a_body_of_3_mb_in_chunks_is_413_too(office: Office) -> None:
    fields = {"Authorization": bearer(office.key.api_key), **JSON, "Transfer-Encoding": "chunked"}
    chunks = b"".join(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(46)) + b"0\r\n\r\n"
    (reply,) = asked(office, request("POST", EMAIL, fields, chunks))
    assert reply.status == 413


def test_giant_header_fields_are_refused(office: Office) -> None:
    heard = talk(office.relay.http_port, request("GET", "/v2/templates", {"X-Giant": "x" * 5_000_000}))
    # Who still sends when the door has closed may hear nothing.
    for reply in replies(heard, ("GET", "/v2/templates")) if heard else ():
        assert contract(office.relay, office.key).check(reply).status == 400


def test_ten_thousand_header_fields_are_refused(office: Office) -> None:
    many = {f"X-{number}": "y" for number in range(10_000)}
    heard = talk(office.relay.http_port, request("GET", "/v2/templates", many | CLOSE))
    assert heard == b"" or heard.startswith(b"HTTP/1.1 4")


# -- Of somebody else ----------------------------------------------------------------------------------------------


def test_templates_of_another_service_are_as_if_there_were_none(api: Api, neighbour: Office) -> None:
    reply = api.post(neighbour.message(address()))
    assert (reply.status, reply.errors) == (400, [("BadRequestError", "Template not found")])
    assert api.get(f"/v2/template/{neighbour.template}").status == 404
    assert neighbour.template not in {each["id"] for each in api.get("/v2/templates").json["templates"]}


def test_messages_of_another_service_are_as_if_there_were_none(api: Api, neighbour: Office) -> None:
    with closing(Api(neighbour.relay, neighbour.key)) as theirs:
        message_id = theirs.post(neighbour.message(address())).json["id"]
        assert theirs.get(f"/v2/notifications/{message_id}").status == 200
    assert api.get(f"/v2/notifications/{message_id}").status == 404
    assert api.get("/v2/notifications", older_than=message_id).json["notifications"] == []


def test_a_test_key_lists_its_own_kind_only_and_reads_any_message_of_the_service(office: Office, api: Api) -> None:
    live_id = api.post(office.message(address())).json["id"]
    test_key = office.relay.create_key(key_type="test", service=office.key.service_id)
    with closing(Api(office.relay, test_key)) as trying:
        test_id = trying.post(office.message(address())).json["id"]
        assert [each["id"] for each in trying.get("/v2/notifications").json["notifications"]] == [test_id]
        assert trying.get(f"/v2/notifications/{live_id}").status == 200
        trying.wait_for_status(test_id, "delivered")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("Basic dXNlcjpwYXNz", 401),
        ("Bearer", 403),
        ("Bearer x.y.z", 403),
        ("Bearer " + "A" * 6000, 403),
        ("ApiKey-v1", 403),
        ("ApiKey-v1 secret", 403),
        ("ApiKey-v1 gcntfy-x-{service}-{secret}", 403),
        ("Bearer {none}", 403),
        ("Bearer \u00e9.\u00e9.\u00e9", 403),
        ("ApiKey-v1 gcntfy-\u00e9-{service}-{secret}", 403),
        ("ApiKey-v1 gcntfy-x-{service}-" + "\u00e9" * 36, 403),
    ],
)
def test_credentials_that_are_none_are_refused_without_trouble(
    office: Office, api: Api, header: str | None, status: int
) -> None:
    none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."  # alg none
    said = header.format(service=office.key.service_id, secret=uuid4(), none=none) if header else header
    reply = api.ask("GET", "/v2/templates", headers={"Authorization": said})
    assert (reply.status, reply.errors[0][0]) == (status, "AuthError")


def test_a_password_of_smtp_is_no_api_key_and_the_other_way_round_is(office: Office, api: Api) -> None:
    reply = api.ask("GET", "/v2/templates", headers={"Authorization": f"ApiKey-v1 {office.key.password}"})
    assert reply.status == 403
    with connect(office.relay, office.key) as client:
        assert group_id(client.submit([address()]))


# -- Odd HTTP ------------------------------------------------------------------------------------------------------


def test_http_1_0_is_answered_and_closed(office: Office) -> None:
    octets = posted(office).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    (reply,) = asked(office, octets)
    assert reply.status == 201


def test_expect_100_continue_is_told_to_go_on(office: Office) -> None:
    head, _, body = posted(office, Expect="100-continue", Connection="close").partition(b"\r\n\r\n")
    heard = talk(office.relay.http_port, head + b"\r\n\r\n", body)
    go_on, _, rest = heard.partition(b"\r\n\r\n")
    assert go_on.startswith(b"HTTP/1.1 100")
    (reply,) = replies(rest, ("POST", EMAIL))
    assert contract(office.relay, office.key).check(reply).status == 201


def test_who_may_not_send_hears_it_before_the_body(office: Office) -> None:
    body = b"x" * 1_000_000
    octets = posted(office, body, Expect="100-continue", Authorization="Bearer x.y.z", Connection="close")
    (reply,) = asked(office, octets[: -len(body)])
    assert reply.status == 403


def test_pipelined_requests_are_answered_in_their_order(office: Office) -> None:
    first, second = address(), address()
    posts = [posted(office, json.dumps(office.message(each)).encode()) for each in (first, second)]
    listing = request("GET", "/v2/templates", {"Authorization": bearer(office.key.api_key)})
    broken = posted(office, b"{", Connection="close")
    what = [("POST", EMAIL), ("GET", "/v2/templates"), ("POST", EMAIL), ("POST", EMAIL)]
    found = asked(office, posts[0] + listing + posts[1] + broken, *what)
    assert [reply.status for reply in found] == [201, 200, 201, 400]
    with closing(Api(office.relay, office.key)) as api:
        ids = [found[0].json["id"], found[2].json["id"]]
        assert [api.get(f"/v2/notifications/{each}").json["email_address"] for each in ids] == [first, second]


SMUGGLED = b"GET /v2/templates HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\n\r\n"


@pytest.mark.parametrize(
    "lengths",
    [
        {"Transfer-Encoding": "chunked"},  # beside Content-Length
        {"Content-length": "5"},  # beside another one
        {"Transfer-Encoding": "chunked, identity"},
        {"Transfer-Encoding": "xchunked"},
    ],
)
def test_two_lengths_for_one_body_never_make_a_second_request(office: Office, lengths: dict[str, str]) -> None:
    smuggled = SMUGGLED % bearer(office.key.api_key).encode()
    body = b"0\r\n\r\n" + smuggled
    fields = {"Authorization": bearer(office.key.api_key), **JSON, "Content-Length": str(len(body)), **lengths}
    heard = talk(office.relay.http_port, request("POST", EMAIL, fields, body))
    assert heard.count(b"HTTP/1.1 ") == 1
    assert b'"templates"' not in heard


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n\r\n\r\nhello\r\n\r\n",
        b"EHLO client.example.org\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # a TLS client
        b"GET /v2/templates HTTP/1.1\r\n\r\n",  # no Host
        b"GET /v2/te mplates HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v2/templates HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n",
        b"GET /v2/templates HTTP/1.1\r\nHost: a\r\nX-A: \x00\r\n\r\n",
        b"POST /v2/notifications/email HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v2/notifications/email HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ],
    ids=lambda octets: repr(octets[:24]),
)
def test_what_is_not_http_is_400_and_closed(office: Office, octets: bytes) -> None:
    (reply,) = asked(office, octets, ("GET", "?"))
    assert reply.status == 400


def test_a_client_of_http_2_hears_that_it_is_none_here(office: Office) -> None:
    assert talk(office.relay.http_port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").startswith(b"HTTP/1.1 4")


def test_a_broken_chunk_ends_the_connection_and_sends_nothing(office: Office) -> None:
    fields = {"Authorization": bearer(office.key.api_key), **JSON, "Transfer-Encoding": "chunked"}
    heard = talk(office.relay.http_port, request("POST", EMAIL, fields, b"5\r\n{    \r\nZZ\r\n"))
    assert heard.count(b"HTTP/1.1 ") == 1
    assert heard.startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_in_the_middle_sends_nothing(office: Office, api: Api) -> None:
    recipient = address()
    octets = posted(office, json.dumps(office.message(recipient, reference=recipient)).encode())
    with socket.create_connection(("127.0.0.1", office.relay.http_port), timeout=60) as connection:
        connection.sendall(octets[:-1])
    assert api.get("/v2/notifications", reference=recipient).json["notifications"] == []
