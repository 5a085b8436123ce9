"""Who gets to which page, asked of every route of the table: one that is added is asked for, too."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from starlette.responses import PlainTextResponse, Response

from auth.people.permissions import Permission
from auth.people.sessions import Factor
from config.database import Database
from relay.site.routes import ROUTES
from relay.site.routing import Needs, Route
from relay.site.visits import Visit
from tests.harness.browser import Browser, Page
from tests.harness.sampled import sampled
from tests.harness.site import Person, RunningSite, running_site

WEAK, STRONG = (Factor.PASSWORD, Factor.EMAIL), (Factor.PASSWORD, Factor.TOTP)


async def answer(visit: Visit) -> Response:
    return PlainTextResponse(visit.service.name if visit.service else "here")


# One of each kind, so that the rules are tried whatever the table holds.
PROBES = (
    *(Route("GET", f"probe/{{service_id}}/{each}", answer, each) for each in Permission),
    *(Route("POST", f"probe/{{service_id}}/{each}", answer, each) for each in Permission),
    Route("GET", "probe/mine", answer, Needs.SIGNED_IN),
    Route("GET", "probe/strong", answer, Needs.SIGNED_IN, strong=True),
    Route("GET", "probe/operators", answer, Needs.OPERATOR),
    Route("POST", "probe/operators", answer, Needs.OPERATOR),
)
ALL = (*ROUTES, *PROBES)
GUARDED = [route for route in ALL if route.needs is not Needs.NOBODY]
OF_SERVICES = [route for route in GUARDED if isinstance(route.needs, Permission)]


@dataclass
class House:
    """A site with one service, and people who may do different things there."""

    site: RunningSite
    service_id: UUID
    nobody: Browser
    stranger: Browser  # a member of another service with every permission
    everything: Browser
    weak: Browser  # may everything, but signed in with a code by email
    only: dict[Permission, Browser]
    operator: Browser

    def path(self, route: Route, service_id: object = None) -> str:
        filled = route.path.replace("{service_id}", str(service_id or self.service_id))
        return "/en/" + re.sub(r"\{\w+\}", lambda _: str(uuid4()), filled)

    async def ask(self, browser: Browser, route: Route, service_id: object = None) -> Page:
        """A post without a token: who gets as far as that is refused for it, and for nothing else."""
        data = {"name": "x"} if route.method == "POST" else None
        return await browser.ask(route.method, self.path(route, service_id), data=data)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(database: Database, site_database: Database) -> AsyncIterator[House]:
    async with running_site(database, own=site_database, routes=ALL) as site:
        ours, theirs = await site.service("Ours", "ours"), await site.service("Theirs", "theirs")

        async def member(service_id: UUID, *permissions: Permission, factors: Sequence[Factor] = STRONG) -> Browser:
            person = Person()
            site.people.members[person.id, service_id] = frozenset(permissions)
            return await site.signed_in(person, factors)

        yield House(
            site,
            ours,
            nobody=await site.browser(),
            stranger=await member(theirs, *Permission),
            everything=await member(ours, *Permission),
            weak=await member(ours, *Permission, factors=WEAK),
            only={each: await member(ours, each) for each in Permission},
            operator=await site.signed_in(Person(operator=True), STRONG),
        )


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", sampled(GUARDED, lambda at: at % 3 == 2), ids=named)
async def test_nobody_is_led_to_sign_in_and_told_nothing(house: House, route: Route) -> None:
    answered = await house.ask(house.nobody, route)

    assert answered.status == 303
    assert answered.headers["Location"].startswith("/en/sign-in?next=%2Fen%2F")


@pytest.mark.parametrize("route", sampled(OF_SERVICES, lambda at: at % 3 == 0), ids=named)
async def test_another_services_member_finds_nothing(house: House, route: Route) -> None:
    for service_id in (house.service_id, uuid4(), "new", "..%2fx"):
        assert (await house.ask(house.stranger, route, service_id)).status == 404


@pytest.mark.parametrize("route", sampled(OF_SERVICES, lambda at: at % 3 == 1), ids=named)
async def test_a_member_finds_what_the_permission_names_and_no_more(house: House, route: Route) -> None:
    for permission, browser in house.only.items():
        answered = await house.ask(browser, route)
        if permission is not route.needs:
            assert answered.status == 404
        elif route.method == "POST":
            assert answered.status in (303, 403)  # no token; a fresh factor is asked for before
        elif route.path.count("{") == 1:
            assert answered.status < 400


@pytest.mark.parametrize("route", [each for each in GUARDED if each.needs is Needs.OPERATOR], ids=named)
async def test_what_is_for_operators_is_found_by_operators_only(house: House, route: Route) -> None:
    assert (await house.ask(house.everything, route)).status == 404
    if "{" not in route.path:
        assert (await house.ask(house.operator, route)).status == (403 if route.method == "POST" else 200)


@pytest.mark.parametrize("route", [each for each in GUARDED if each.is_strong], ids=named)
async def test_keys_and_operators_pages_ask_for_a_strong_factor(house: House, route: Route) -> None:
    weak = house.weak
    if route.needs is Needs.OPERATOR:
        weak = await house.site.signed_in(Person(operator=True), WEAK)
    answered = await house.ask(weak, route)

    assert answered.status == 303
    assert answered.headers["Location"].startswith("/en/step-up?next=")


@pytest.mark.parametrize("route", [each for each in ALL if each.method == "POST"], ids=named)
async def test_no_form_of_another_site_is_taken(house: House, route: Route) -> None:
    for browser in (house.nobody, house.everything):
        answered = await browser.ask(
            "POST", house.path(route), data={"a": "b"}, headers={"Origin": "https://a.example"}
        )
        assert answered.status == 403


async def test_a_permission_that_is_taken_away_is_gone_at_once(house: House) -> None:
    person = Person()
    browser, route = await house.site.signed_in(person), PROBES[0]
    members = house.site.people.members
    members[person.id, house.service_id] = frozenset({Permission.VIEW_ACTIVITY})
    assert (await house.ask(browser, route)).status == 200
    members[person.id, house.service_id] = frozenset()
    assert (await house.ask(browser, route)).status == 404


def test_asvs_3_5_3_every_path_that_changes_something_is_a_post_and_each_form_stands_on_a_page() -> None:
    pages = {route.path for route in ROUTES if route.method == "GET"}

    assert {route.path for route in ROUTES if route.method == "POST" and route.path not in pages} == set()


def test_every_route_stands_once_in_the_table() -> None:
    assert len({named(route) for route in ROUTES}) == len(ROUTES)


def test_every_path_names_a_service_where_its_permission_is_one_of_a_service() -> None:
    for route in ROUTES:
        assert isinstance(route.needs, Permission) == ("{service_id}" in route.path) or route.needs is Needs.OPERATOR
