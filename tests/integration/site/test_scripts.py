"""What the one script of every page adds, in a browser."""

import asyncio
import json

from tests.conftest import skip_or_fail
from tests.harness.branded import NODE, missing
from tests.harness.site import RunningSite, visitor_of


async def test_who_is_idle_is_asked_before_the_session_locks(site: RunningSite) -> None:
    """WCAG 2.2.1: two minutes before, and one key is enough."""
    if problem := missing():
        skip_or_fail(f"SCRIPT NOT TRIED: {problem}")
    visitor = await visitor_of(site)
    asked = {"url": f"{site.url}fr/features", "cookies": list(visitor.browser.cookies.items())}
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", NODE / "idle.cjs", stdin=pipe, stdout=pipe)
    printed, _ = await asyncio.wait_for(node.communicate((json.dumps(asked) + "\n").encode()), 120)

    assert json.loads(printed) == {
        "start": False,
        "before": False,
        "due": True,
        "focus": "Rester connecté",
        "asked": "/fr/accessibility",
        "answered": False,
    }
