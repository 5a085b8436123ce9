"""Who may be reached, how many, how large."""

import pytest

from messages import reply
from messages.address import Address
from messages.message import KeyType
from messages.phone import PhoneNumber
from messages.reply import Refused, Reply
from relay.checks import check_recipient, check_recipients, check_size
from tests.fakes.principals import make_principal

SOMEBODY = Address.parse("Somebody@Example.com")


def refusal(call: object, *arguments: object, **named: object) -> Reply:
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    return caught.value.reply


@pytest.mark.parametrize(
    ("live", "key_type", "guest", "expected"),
    [
        (True, KeyType.NORMAL, False, None),
        (True, KeyType.TEAM, False, reply.TEAM_KEY_RECIPIENT),
        (True, KeyType.TEAM, True, None),
        (True, KeyType.TEST, False, None),
        (False, KeyType.NORMAL, False, reply.TRIAL_RECIPIENT),
        (False, KeyType.NORMAL, True, None),
        (False, KeyType.TEAM, False, reply.TEAM_KEY_RECIPIENT),
        (False, KeyType.TEST, False, None),
    ],
)
def test_a_recipient_is_allowed_by_service_key_and_guest_list(
    live: bool, key_type: KeyType, guest: bool, expected: Reply | None
) -> None:
    principal = make_principal(live=live, key_type=key_type, guests={"somebody@example.com"} if guest else set())
    if expected is None:
        check_recipient(principal, SOMEBODY)
    else:
        assert refusal(check_recipient, principal, SOMEBODY) is expected


def test_a_number_is_reached_by_the_same_rules():
    principal = make_principal(key_type=KeyType.TEAM, guests={"+16135550100"})
    check_recipient(principal, PhoneNumber("+16135550100"))
    assert refusal(check_recipient, principal, PhoneNumber("+16135550199")) is reply.TEAM_KEY_RECIPIENT


def test_a_refusal_names_the_service_and_not_the_recipient() -> None:
    principal = make_principal(live=False)
    with pytest.raises(Refused) as caught:
        check_recipient(principal, SOMEBODY)

    assert str(principal.service.id) in caught.value.line()
    assert "omebody" not in caught.value.line()


def test_a_local_part_that_the_provider_cannot_carry_is_refused() -> None:
    assert refusal(check_recipient, make_principal(), Address.parse("zoë@example.com")) is reply.SMTPUTF8_RECIPIENT


def test_a_submission_needs_recipients_and_has_at_most_the_limit() -> None:
    principal = make_principal()
    check_recipients(principal, [SOMEBODY] * 3, limit=3)

    assert refusal(check_recipients, principal, [], limit=3) is reply.NULL_RECIPIENT
    assert refusal(check_recipients, principal, [SOMEBODY] * 4, limit=3) is reply.TOO_MANY_RECIPIENTS


def test_content_may_be_as_large_as_the_limit_and_not_larger() -> None:
    check_size(b"x" * 10, 10)

    assert refusal(check_size, b"x" * 11, 10) is reply.TOO_LARGE
