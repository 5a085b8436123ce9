"""A hostile file of an email takes its own time and nobody else's: the site goes on answering while it is looked at."""

import asyncio
import gc
import http.client
import time
from urllib.parse import urlsplit

import pytest

from auth.people.permissions import Permission
from tests.harness.sampled import sampled
from tests.harness.site import RunningSite
from tests.harness.team import team

SIZE = 2 * 1024 * 1024
HEAD = b"From: a@office.example\r\nTo: r@example.org\r\nSubject: s\r\n"
HTML, PLAIN = b"Content-Type: text/html; charset=utf-8\r\n\r\n", b"Content-Type: text/plain\r\n\r\n"


def filled(head: bytes, repeated: bytes, tail: bytes = b"") -> bytes:
    return head + repeated * ((SIZE - len(head) - len(tail)) // len(repeated)) + tail


LETTERS = {
    "fields": filled(HEAD, b"X-A: b\r\n", b"\r\nx"),
    "one long field": filled(HEAD + b"X-A: ", b" b\r\n c", b"\r\n\r\nx"),
    "recipients": filled(HEAD + b"Cc: ", b"a@b.example,\r\n ", b"c@d.example\r\n\r\nx"),
    "comments": filled(HEAD + b"Reply-To: ", b"(", b"\r\n\r\nx"),
    "parts": filled(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", b"--b\r\n\r\nx\r\n", b"--b--\r\n"),
    "almost boundaries": filled(HEAD + PLAIN, b"\r\n--"),
    "tags": filled(HEAD + HTML, b"<b><i>"),
    "quotes": filled(HEAD + HTML, b"\"'<&>"),
    "open comments": filled(HEAD + HTML, b"<!--"),
    "lines": filled(HEAD + PLAIN, b"\n"),
    "base64": filled(HEAD + b"Content-Transfer-Encoding: base64\r\n" + HTML, b"QUFB!\r\n"),
    "quoted-printable": filled(HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n" + HTML, b"=E9=\r\n"),
    "encoded words": filled(HEAD + b"X-A:", b" =?utf-8?q?=C3=A9?=\r\n", b"\r\nx"),
}


def post(site: RunningSite, path: str, cookie: str, csrf: str, octets: bytes) -> int:
    """By a client that takes no time of the site's loop."""
    where = urlsplit(site.url)
    parts = {"csrf": csrf.encode(), "key": b"", "to": b""}
    body = b"".join(
        b'--Z\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v) for n, v in parts.items()
    )
    body += (
        b'--Z\r\nContent-Disposition: form-data; name="message"; filename="a.eml"\r\n\r\n' + octets + b"\r\n--Z--\r\n"
    )
    headers = {"Cookie": cookie, "Origin": site.url.rstrip("/"), "Content-Type": "multipart/form-data; boundary=Z"}
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


async def longest(looked: "asyncio.Task[int]") -> float:
    """Seconds of this process's time between two turns of its loop: what else the machine does is left out."""
    worst, before = 0.0, time.process_time()
    while not looked.done():
        await asyncio.sleep(0.001)
        now = time.process_time()
        worst, before = max(worst, now - before), now
    return worst


async def developer(site: RunningSite) -> tuple[str, str, str]:
    """Path, cookie and token."""
    mine = await team(site, Permission.MANAGE_API_KEYS)
    page = await mine.page("preview")
    cookie = "; ".join(f"{name}={value}" for name, value in mine.browser.cookies.items())
    return f"/en/services/{mine.service.id}/preview", cookie, page.token


def piece() -> float:
    """Seconds that a piece of work takes this process, which is 10 ms where nothing else runs."""
    began = time.process_time()
    sum(each % 7 for each in range(300_000))
    return time.process_time() - began


async def once(site: RunningSite, kind: str) -> float:
    """How long nobody was served, in pieces of work."""
    path, cookie, csrf = await developer(site)
    gc.collect()
    gc.freeze()  # what a whole run of tests left behind is not looked through
    before = piece()
    looked = asyncio.create_task(asyncio.to_thread(post, site, path, cookie, csrf, LETTERS[kind]))
    try:
        held_up = await longest(looked)
        assert await looked < 500
    finally:
        gc.unfreeze()
    return held_up / max(before, piece())


@pytest.mark.parametrize("kind", sampled(list(LETTERS), lambda at: at % 5 == 0))
async def test_asvs_5_2_3_a_hostile_file_holds_nobody_up(site: RunningSite, kind: str) -> None:
    most = 10 if kind == "parts" else 5  # ten thousand parts are looked through when memory is collected
    held_up = await once(site, kind)
    if held_up >= most:  # a machine that is busy takes longer for the same
        held_up = await once(site, kind)

    assert held_up < most
