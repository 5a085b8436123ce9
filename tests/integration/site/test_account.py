"""Somebody's account, as they change it themselves, without a script."""

from tests.harness.people import Somebody, somebody
from tests.harness.site import RunningSite


async def test_an_account_at_a_glance(site: RunningSite) -> None:
    amala = await somebody(site, "amala@dept.example.ca")
    page = await amala.browser.open("/en/account")
    assert page.heading == "Your account"
    assert "amala@dept.example.ca" in page.text
    page = await amala.browser.open("/en/account/name")
    page = await amala.browser.press("Save your name", {"Your name": "Amala O."})
    print(page.text, await amala.letters())
    assert 0
