"""Mailing lists (VERP), forges and ticket systems write more than 64 octets before the @ sign, and SES takes them."""

import time

import pytest
from pydantic import ValidationError

from auth import guests, reply_tos, senders
from messages.address import MAX_PATH_OCTETS, AddressError, parse_path
from relay.http.requests import EmailRequest

LONGEST = "b" * (MAX_PATH_OCTETS - len("@reply.example.com"))
LONG = ["reply+" + "f" * 80, "bounces+ann=" + "x" * 90 + "=example.org", LONGEST]


def by_http(address: str) -> str:
    asked = {"email_address": address, "template_id": "8b6e04a4-8e0f-4bd5-9a5c-0d6b3a1f2c11"}
    return EmailRequest.model_validate(asked, context={"now": time.time()}).email_address


def by_smtp(address: str) -> str:
    return str(parse_path(f"<{address}> NOTIFY=NEVER")[0])


@pytest.mark.parametrize("read", [by_http, by_smtp, guests.parse, senders.parse, reply_tos.parse])
@pytest.mark.parametrize("local", LONG, ids=len)
def test_long_local_part_is_taken(read, local):
    assert read(f"{local}@reply.example.com") == f"{local}@reply.example.com"


@pytest.mark.parametrize("read", [by_http, by_smtp, guests.parse, senders.parse, reply_tos.parse])
def test_address_of_more_than_254_octets_is_refused(read):
    with pytest.raises((ValidationError, AddressError, guests.AuthError)):
        read(f"b{LONGEST}@reply.example.com")
