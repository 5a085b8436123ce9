"""No answer on the way in takes its time by whether there is an account: what is done before it is the same.

Times would tell of the machine as well; what takes time is counted instead, each statement and each password hash.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from sqlalchemy import Engine, event

from auth.audit import Actor
from auth.people import users
from messages.message import Language
from relay.actions import organisations, people, services
from tests.harness.browser import Browser
from tests.harness.people import somebody
from tests.harness.site import RunningSite

DOMAIN = "dept.example.ca"
Done = list[str]
WRONG = "a wrong password of many words"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def there(site: RunningSite) -> None:
    """An account, one that is held, and one without a password."""
    async with site.writing(Actor("operator", "test")) as t:
        made = await organisations.create(t, name="Department", name_fr="Ministère", language=Language.BOTH)
        await organisations.add_domain(t, str(made.id), DOMAIN)
        await services.ensure_own(t)
    await somebody(site, f"known@{DOMAIN}")
    held = await somebody(site, f"held@{DOMAIN}")
    async with site.writing(Actor("operator", "test")) as t:
        await people.hold(t, str(held.user.id))
        given: dict[str, Any] = {"email": f"new@{DOMAIN}", "name": "New", "language": Language.EN, "operator": False}
        await users.create(t.connection, t.secret, t.now, verified=True, **given)


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Done]:
    """The statements of the request without their values, and hashes with their costs; of other tasks none."""
    done: Done = []
    by_task: dict[object, Done] = defaultdict(list)

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        by_task[asyncio.current_task()].append(statement)

    def counted(original: Callable[..., Any], what: str) -> Callable[..., Any]:
        def hashing(self: PasswordHasher, *given: Any, **named: Any) -> Any:
            done.append(f"{what} t={self.time_cost} m={self.memory_cost}")
            return original(self, *given, **named)

        return hashing

    event.listen(Engine, "before_cursor_execute", note)
    with monkeypatch.context() as patched:
        for name in "hash", "verify":
            patched.setattr(PasswordHasher, name, counted(getattr(PasswordHasher, name), name))
        try:
            yield done
        finally:
            event.remove(Engine, "before_cursor_execute", note)
            done += max(by_task.values(), key=len)


async def done_by(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Browser], Awaitable[Callable[[], Any]]]
) -> Done:
    """What is done before the answer to the last form of a way; what is done behind it waits for longer."""
    browser = await site.browser()
    last = await ask(browser)
    await site.site.later.drain()
    with noted(monkeypatch) as done:
        answered = await last()
    await site.site.later.drain()
    assert answered.status == 303
    return done


def form(browser: Browser, page: str, **fields: str) -> Callable[[], Any]:
    assert browser.page is not None
    data = {"csrf": browser.page.token, **fields}
    return lambda: browser.ask("POST", page, data=data)


async def at_sign_in(browser: Browser, email: str) -> Callable[[], Any]:
    await browser.open("/en/sign-in")
    return form(browser, "/en/sign-in", email=email, password=WRONG)


async def at_reset(browser: Browser, email: str) -> Callable[[], Any]:
    await browser.open("/en/forgot-password")
    return form(browser, "/en/forgot-password", email=email)


async def at_reset_code(browser: Browser, email: str) -> Callable[[], Any]:
    await browser.open("/en/forgot-password")
    await browser.press("Continue", {"Email address": email})
    return form(browser, "/en/forgot-password/code", code="000000")


async def at_register(browser: Browser, email: str) -> Callable[[], Any]:
    await browser.open("/en/register")
    given = {"name": "Amala", "email": email, "password": "walrus tent orange nine", "terms": "yes"}
    return form(browser, "/en/register", **given)


WAYS = {"sign in": at_sign_in, "reset": at_reset, "code of a reset": at_reset_code, "register": at_register}


@pytest.mark.parametrize("way", WAYS)
async def test_as_much_is_done_for_who_has_no_account(
    site: RunningSite, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    done = {}
    for name in ("known", "nobody", "held", "new"):
        site.clock.ahead_seconds += 700  # no pace is what is measured
        done[name] = await done_by(site, monkeypatch, lambda b, n=name: WAYS[way](b, f"{n}@{DOMAIN}"))  # type: ignore[misc]

    assert len(done["known"]) > 3
    hashes = [each for each in done["known"] if each.startswith(("hash", "verify"))]
    assert len(hashes) == {"sign in": 1, "register": 1}.get(way, 0)
    for name in ("nobody", "held", "new"):
        assert done[name] == done["known"], name
