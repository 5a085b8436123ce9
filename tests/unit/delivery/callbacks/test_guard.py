"""Which addresses callbacks may go to, and which URLs are taken."""

from collections.abc import Sequence

import pytest

from delivery.callbacks.guard import Forbidden, GuardedResolver, is_public
from delivery.callbacks.urls import CallbackUrlError, parse

FORBIDDEN = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "127.0.0.1", "127.255.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.0.1", "169.254.0.1", "100.64.0.1", "100.127.255.255", "198.18.0.1", "198.19.255.255"),
    *("192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255"),
    *("240.0.0.1", "255.255.255.255"),
    # cloud metadata: AWS and most others, AWS ECS, Alibaba, Oracle, Azure
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *(
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
        "2001:db8::1",
    ),
    *("3fff::1", "5f00::1", "4000::1"),
    # IPv4 inside: mapped, compatible, NAT64 of both kinds, 6to4, Teredo
    *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("64:ff9b::169.254.169.254", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"),
    *("2001:0:808:808::f5ff:fffe", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1"),
)
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"),
    *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1"),
    *("2001:200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"),
)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_address_that_is_not_of_the_public_internet_is_forbidden(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_address_of_the_public_internet_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "example.ca", "0x7f.1", "2130706433", "127.1", "0177.0.0.1", "1.2.3.4.5", "[::1]"]
)
def test_what_is_no_address_is_never_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        is_public(text)


async def answered(*addresses: str) -> list[str]:
    async def lookup(_: str) -> Sequence[str]:
        return addresses

    resolver = GuardedResolver(is_public, lookup)
    try:
        return [found["host"] for found in await resolver.resolve("receiver.example", 443)]
    finally:
        await resolver.close()


async def test_of_a_name_with_both_kinds_of_addresses_the_public_ones_are_used() -> None:
    assert await answered("10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111") == ["8.8.8.8", "2606:4700::1111"]


@pytest.mark.parametrize("addresses", [("10.0.0.1",), ("::ffff:127.0.0.1", "169.254.169.254"), ("64:ff9b::a00:1",)])
async def test_name_that_leads_inside_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(Forbidden):
        await answered(*addresses)


# -- URLs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://example.ca/notify", "https://example.ca/notify"),
        ("HTTPS://Example.CA:8443/a?b=c", "https://example.ca:8443/a?b=c"),
        ("https://example.ca", "https://example.ca"),
        ("https://service_1.example.ca/é", "https://service_1.example.ca/%C3%A9"),
        ("https://exämple.ca/", "https://xn--exmple-cua.ca/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("https://internal.example.ca./", "https://internal.example.ca./"),  # judged when its name is looked up
    ],
)
def test_url_is_taken_and_called_like_that(url: str, called: str) -> None:
    assert parse(url, allow_private=False) == called


NEVER = (
    *("", "example.ca", "//example.ca/", "https://", "https:///path", "ftp://example.ca/", "file:///etc/passwd"),
    *("https://user@example.ca/", "https://user:word@example.ca/", "https://a@b@example.ca/"),
    *("https://example.ca/#there", "https://example.ca/#", "https://example.ca:0/", "https://example.ca:99999/"),
    *("https://example.ca:port/", "https://exa mple.ca/", "https://example.ca/\r\nHost: x", "https://a..b/"),
    *("https://example.ca\\@evil.example/", "https://example.ca\\.evil/", "https://-a.ca/", f"https://{'a' * 64}.ca/"),
    *("https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.1/"),
    *("https://017700000001/", "https://127.0.0.0x1/", "https://example.ca\0/", "https://[::1"),
    *("https://1.2.3/", "https://0/", f"https://example.ca/{'a' * 1000}", "unix:/var/run/docker.sock", "https://%31/"),
)


@pytest.mark.parametrize("url", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_url_that_cannot_be_meant_is_refused_whatever_the_setting(url: str, allow_private: bool) -> None:
    with pytest.raises(CallbackUrlError, match="write the URL as"):
        parse(url, allow_private=allow_private)


INSIDE = (
    *("https://127.0.0.1/", "https://10.1.2.3:8443/", "https://[::1]/", "https://[::ffff:127.0.0.1]/"),
    *("https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "https://[64:ff9b::7f00:1]/"),
    *("https://[2002:7f00:1::]/", "https://\uff11\uff12\uff17.0.0.1/", "https://0.0.0.0/"),
    *("https://localhost/", "https://LOCALHOST.:8443/", "https://api.localhost/"),
)


@pytest.mark.parametrize("url", INSIDE)
def test_url_of_an_address_inside_needs_the_setting(url: str) -> None:
    with pytest.raises(CallbackUrlError, match="public addresses only"):
        parse(url, allow_private=False)
    assert parse(url, allow_private=True)


def test_plain_http_needs_the_setting() -> None:
    with pytest.raises(CallbackUrlError):
        parse("http://example.ca/", allow_private=False)
    assert parse("http://localhost:8000/", allow_private=True) == "http://localhost:8000/"
