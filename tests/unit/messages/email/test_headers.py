from dataclasses import replace

import pytest

from messages import reply
from messages.email import headers
from messages.email.content import HeaderSection
from messages.email.headers import Action, rule_for
from messages.email.pipeline import prepare
from messages.reply import Refused
from tests.fakes import ses


def fields(content: bytes, unbranded) -> list[bytes]:
    head = prepare(content, unbranded).content.partition(b"\r\n\r\n")[0]
    return [line for line in head.split(b"\r\n") if not line.startswith(b" ")]


@pytest.mark.parametrize(
    "name",
    [
        *("Sender", "Return-Path", "Bcc", "BCC ", "Resent-Bcc", "X-SES-CONFIGURATION-SET", "X-Notify-Reference"),
        *("X-Notify-Anything", "DKIM-Signature", "ARC-Seal", "ARC-Message-Signature", "Authentication-Results"),
    ],
)
def test_field_of_the_client_goes_away_with_its_continuation(name, unbranded):
    content = f"From: a@example.ca\r\n{name}: secret\r\n\tsecret\r\nSubject: kept\r\n\r\nbody\r\n".encode()
    prepared = prepare(content, unbranded).content
    assert b"secret" not in prepared
    assert b"Subject: kept\r\n\r\nbody\r\n" in prepared


def test_field_that_is_not_ours_keeps_its_bytes(unbranded):
    odd = b"X-Odd:  e\t=?x?=  \r\n\t folded  \r\nReferences: <" + b"a" * 300 + b"@x>\r\n"
    assert odd in prepare(b"From: a@example.ca\r\n" + odd + b"\r\nbody\r\n", unbranded).content


def test_blank_before_the_colon_goes_since_not_every_verifier_knows_it(unbranded):
    content = b"From: a@example.ca\r\nX-Odd \t: e\r\nSubject : s\r\n\r\nbody\r\n"
    assert b"\r\nX-Odd: e\r\nSubject: s\r\n\r\n" in prepare(content, unbranded).content


def test_of_a_field_that_ses_takes_once_the_first_stays(unbranded):
    content = (
        b"List-Id: one\r\nFrom: a@example.ca\r\nlist-id: two\r\nTo: x\r\nTo: y\r\nComments: c\r\nComments: d\r\n\r\n"
    )
    found = fields(content, unbranded)
    assert (b"List-Id: one" in found, b"list-id: two" in found) == (True, False)
    assert (b"To: undisclosed-recipients:;" in found, b"Comments: d" in found) == (True, False)


def test_fifty_received_fields_pass_and_one_more_is_a_loop(unbranded):
    received = b"Received: from x by y; now\r\n"
    assert prepare(received * 50 + b"\r\n", unbranded).content.count(b"Received: ") == 51
    with pytest.raises(Refused) as refused:
        prepare(received * 51 + b"\r\n", unbranded)
    assert refused.value.reply is reply.LOOP


def test_received_tells_where_it_came_from(unbranded):
    first = prepare(b"From: a@example.ca\r\n\r\n", unbranded).content.partition(b"From: ")[0]
    assert first.startswith(
        b"Received: from client.example.ca ([192.0.2.7])\r\n by relay.example.ca with ESMTPSA"
        b" id 01900000-0000-7000-8000-000000000001;\r\n Thu, 09 Oct 2025 08:53:20 +0000\r\n"
    )


def test_what_the_client_says_of_itself_cannot_forge_a_field(unbranded):
    trace = replace(unbranded.trace, helo="evil\r\nBcc: x (é)" + "a" * 300, client_ip="2001:db8::1")
    field = headers.received(trace, unbranded.group_id, 0.0, name_client=True)
    assert field.startswith(b"Received: from evilBcc:x")
    assert b" ([IPv6:2001:db8::1])\r\n" in field
    assert field.count(b"\r\n") == 3
    unnamed = headers.received(replace(trace, helo="\r\n"), unbranded.group_id, 0.0, name_client=True)
    assert unnamed.startswith(b"Received: from unknown (")


def test_missing_date_is_added_and_a_present_one_kept(unbranded):
    assert b"Date: Thu, 09 Oct 2025 08:53:20 +0000" in fields(b"From: a@example.ca\r\n\r\n", unbranded)
    kept = fields(b"Date: yesterday\r\nFrom: a@example.ca\r\n\r\n", unbranded)
    assert [field for field in kept if field.startswith(b"Date:")] == [b"Date: yesterday"]


def test_line_of_a_mail_store_is_taken_off(unbranded):
    content = b"From ann@example.ca Mon Jan  1 00:00:00 2024\r\nFrom: ann@example.ca\r\nTo: b\r\n\r\n"
    assert not any(field.startswith(b"From ann") for field in fields(content, unbranded))


def test_line_that_is_no_field_becomes_one(unbranded):
    found = fields(b"To: b\r\ngarbage\r\nFrom: ann@example.ca\r\nBcc: c\r\nSubject: s\r\n\r\nbody\r\n", unbranded)
    names = [field.partition(b":")[0] for field in found]
    assert names == [b"Received", b"Date", b"To", b"X-Unreadable", b"From", b"Subject"]


def test_every_row_says_why():
    assert all(rule.reason for rule in headers.POLICY + headers.ADDED)
    assert {rule.action for rule in headers.ADDED} == {Action.ADD}
    assert rule_for("X-SES-Anything").action is Action.STRIP
    assert rule_for("X-Mailer") is headers.POLICY[-1]


def test_no_row_hides_behind_an_earlier_one():
    for index, rule in enumerate(headers.POLICY):
        assert not any(earlier.covers(rule.name.rstrip("*")) for earlier in headers.POLICY[:index] if rule.name != "*")


def test_first_and_all_see_what_the_policy_sees():
    assert HeaderSection.parse(b"Received: a\r\nRECEIVED: b\r\n\r\n").all("received") == ["a", "b"]


def test_trace_of_the_client_goes_where_the_service_says_so(unbranded):
    content = b"Received: from inner.example by host.example\r\nReceived: x\r\nFrom: a@example.ca\r\n\r\n"
    found = [field for field in fields(content, replace(unbranded, keep_received=False)) if b"eceived" in field]
    assert len(found) == 1
    assert found[0].startswith(b"Received: by relay.example.ca with ESMTPSA id ")
    assert b"192.0.2.7" not in found[0]
    assert len([field for field in fields(content, unbranded) if b"eceived" in field]) == 3


def test_fields_that_stood_there_twice_are_told(unbranded):
    content = b"Subject: a\r\nSUBJECT: b\r\nTo: x@y.ca\r\nTo: z@y.ca\r\nFrom: a@example.ca\r\n\r\n"
    assert prepare(content, unbranded).repeated == ["subject"]


def test_every_field_that_the_provider_takes_once_is_sent_once(unbranded):
    for name in ses.SINGLE_FIELDS:
        field = name + b": a@example.ca\r\n"
        names = [each.partition(b":")[0].lower() for each in fields(b"X: y\r\n" + field + field + b"\r\n", unbranded)]
        assert names.count(name) <= 1, name
