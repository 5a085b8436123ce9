# ruff: noqa: E501 - a hostile letter is as wide as it is
"""Hostile letters in Chromium: their previews run nothing and ask nobody elsewhere for anything."""

import asyncio
import base64
import json
import socket
from typing import Any

import pytest_asyncio

from auth import services
from auth.audit import Actor
from auth.people.permissions import Permission
from messages.message import Channel
from relay.actions import templates
from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.site import RunningSite
from tests.harness.team import team

SCRIPT = "alert(document.domain);top.document.title='OWNED'"


def hostile(evil: str) -> str:
    return f"""<html><head><base href="{evil}"><link rel=stylesheet href="{evil}css"><link rel=preload as=image href="{evil}preload">
<link rel=dns-prefetch href="{evil}"><LINK rel=preconnect href="{evil}"><meta http-equiv=refresh content="0;url={evil}refresh">
<style>@import "{evil}import"; @font-face{{font-family:f;src:url({evil}font)}} body{{background:url({evil}background);font-family:f}}</style>
<script>{SCRIPT}</script><script src="{evil}script"></script></head><body onload="{SCRIPT}">
<img src="{evil}img" onerror="{SCRIPT}"><img srcset="{evil}srcset 1x"><picture><source srcset="{evil}source"><img></picture>
<iframe src="{evil}iframe"></iframe><iframe srcdoc="<script>{SCRIPT}</script>"></iframe><object data="{evil}object"></object>
<embed src="{evil}embed"><video poster="{evil}poster" src="{evil}video" autoplay></video><audio src="{evil}audio" autoplay></audio>
<svg onload="{SCRIPT}"><image href="{evil}svg"/><use href="{evil}use#a"/></svg><input type=image src="{evil}input" autofocus onfocus="{SCRIPT}">
<table background="{evil}table"><tr><td style="background-image:url({evil}cell)">x</td></tr></table>
<a href="javascript:{SCRIPT}" ping="{evil}ping">x</a><form action="{evil}form"><button autofocus>x</button></form>
<details open ontoggle="{SCRIPT}">x</details><b style="behavior:url({evil}htc)">Your licence is ready</b></body></html>"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(site: RunningSite) -> dict[str, Any]:
    if problem := missing():
        skip_or_fail(f"LETTERS NOT FRAMED IN A BROWSER: {problem}")
    mine = await team(site, *Permission)
    async with site.database.write() as connection:
        await services.update(connection, site.site.settings.limits, mine.service.id, live=True)
    called: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(await reader.readline())
        writer.close()

    elsewhere = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(hear, sock=elsewhere)
    evil = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
    body = f"{hostile(evil)}\n\n![x]({evil}markdown)\n\n[x](javascript:{SCRIPT})\n\nYour licence ((name)) is ready"
    async with site.writing(Actor("operator", "clerk")) as t:
        made = await templates.create(
            t, str(mine.service.id), channel=Channel.EMAIL, name=f"<script>{SCRIPT}</script>", subject="s", body=body
        )
    sent = await mine.sent(
        b"From: a@x.example\r\nSubject: s\r\nContent-Type: text/html\r\n\r\n" + hostile(evil).encode()
    )
    head = "From: a@x.example\r\nTo: r@example.org\r\nSubject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    here = f"en/services/{mine.service.id}"
    asked = {
        "url": site.url,
        "cookies": [*mine.browser.cookies.items()],
        "templates": [f"{here}/templates/{made.id}", f"{here}/messages/{sent.id}"],
        "preview": f"{here}/preview",
        "file": base64.b64encode((head + hostile(evil).replace("\n", "\r\n")).encode()).decode(),
    }
    node = await asyncio.create_subprocess_exec(
        "node", NODE / "framed.cjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(node.communicate(json.dumps(asked).encode() + b"\n"), 120)
    assert node.returncode == 0
    server.close()
    found: dict[str, Any] = json.loads(out)
    return found | {"called": called, "evil": evil}


async def test_the_letters_stand_in_their_frames(seen: dict[str, Any]) -> None:
    shown = [each["html"] for each in seen["frames"] if "licence" in each["html"]]

    assert len(shown) >= 4  # a template's, and a file's before and after in each language


async def test_nobody_elsewhere_is_asked_for_anything(seen: dict[str, Any]) -> None:
    assert seen["called"] == []
    assert not [each for each in seen["asked"] if not each.startswith(("http://127.0.0.1", "data:", "about:", "blob:"))]


async def test_nothing_runs_and_the_page_stays_ours(seen: dict[str, Any]) -> None:
    assert seen["dialogs"] == []
    assert "OWNED" not in seen["title"]
    assert seen["at"].endswith("/preview")


async def test_the_browser_says_that_the_policies_refused_it(seen: dict[str, Any]) -> None:
    said = "\n".join(seen["said"])

    assert "script" in said
    assert f"'{seen['evil']}img'" in said
    assert "Content Security Policy" in said
