import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import reply
from messages.reply import ENGLISH, Refused, Reply, Voice, catalogue

PACKAGES = ("auth", "delivery", "messages", "relay")
REPLIES = {name: value for name, value in vars(reply).items() if isinstance(value, Reply)}
REFUSALS = {name: value for name, value in REPLIES.items() if value.code >= 400}
PAGE = "https://api.relay.example/smtp"
LINKED = Voice((str,), PAGE)

# Said for good, because the client or its owner can change what is wrong: nothing here is ours to mend.
SYNTAX = {
    "ATTACHMENT_TYPE",
    "AUTH_CANCELLED",
    "AUTH_LINE_TOO_LONG",
    "AUTH_NOT_BASE64",
    "BAD_COMMAND",
    "BAD_OPTION",
    "BAD_PHONE_NUMBER",
    "BAD_RECIPIENT",
    "BAD_SENDER",
    "BAD_SEQUENCE",
    "BARE_IN_COMMAND",
    "BARE_IN_CONTENT",
    "COMMAND_UNKNOWN",
    "EIGHT_BIT_SIGNED",
    "LINE_TOO_LONG",
    "LONG_LINE",
    "LOOP",
    "MECHANISM_UNKNOWN",
    "NOT_IMPLEMENTED",
    "NOT_SMTP",
    "NOT_TEXT",
    "NO_HEADER_SECTION",
    "NULL_RECIPIENT",
    "NUL_IN_MESSAGE",
    "PARAMETER_UNKNOWN",
    "SENDER_UNCLEAR",
    "SMTPUTF8_NEEDED",
    "SMTPUTF8_RECIPIENT",
    "TOO_DEEP",
}
POLICY = {
    "AUTHOR_NOT_ALLOWED",
    "AUTH_REQUIRED",
    "CREDENTIALS_INVALID",
    "DEVICE_KEY_UNKNOWN",
    "DEVICE_UNKNOWN",
    "EMPTY",
    "ENCRYPTION_REQUIRED",
    "IDEMPOTENCY_KEY_USED",
    "KEY_ADMIN",
    "KEY_REVOKED",
    "OPTION_FIXED",
    "PERSONALISATION_MISSING",
    "SCHEDULED_IN_PAST",
    "SENDER_NOT_ALLOWED",
    "SMS_INTERNATIONAL",
    "SMS_NOT_ALLOWED",
    "SMS_TOO_LONG",
    "SMS_TOO_MANY_CHARACTERS",
    "SMS_WITHOUT_TEXT",
    "SUPPRESSED",
    "TEAM_KEY_RECIPIENT",
    "TEMPLATE_ARCHIVED",
    "TEMPLATE_UNKNOWN",
    "TEMPLATE_UNSUITABLE",
    "TEXT_OVER_LIMIT",
    "TEXT_TOO_LONG",
    "TEXT_TOO_MARKED",
    "TLS_REQUIRED",
    "TOO_LARGE",
    "TOO_LARGE_ENCODED",
    "TRIAL_RECIPIENT",
}
NOT_BY_WAITING = {"TEXT_YEAR_OVER", "YEAR_OVER"}  # a limit that lifts when every client has given up


@pytest.mark.parametrize("name", REPLIES)
def test_code_and_enhanced_code_are_of_one_class(name):
    answer = REPLIES[name]
    if answer.code // 100 == 3:
        assert answer.enhanced == ""  # RFC 3463 has no class 3
    else:
        assert str(answer.code)[0] == answer.enhanced[0]
        assert len(answer.enhanced.split(".")) == 3


@pytest.mark.parametrize("name", REPLIES)
def test_temporary_follows_from_the_code(name):
    assert REPLIES[name].temporary == REPLIES[name].enhanced.startswith("4")


@pytest.mark.parametrize("name", REPLIES)
def test_text_is_printable_ascii(name):
    assert REPLIES[name].text.isascii()
    assert REPLIES[name].text.isprintable()


def test_every_reply_is_given_somewhere():
    root = Path(__file__).parents[3]
    files = [path for package in PACKAGES for path in (root / package).rglob("*.py") if path.name != "reply.py"]
    code = "".join(path.read_text() for path in files)
    assert [name for name in REPLIES if not re.search(rf"\b{name}\b", code)] == []


def test_values_cannot_break_out_of_the_reply_line():
    line = Refused(reply.NO_HEADER_SECTION, reason="x\r\n250 2.0.0 OK é☃").line()
    assert line == "554 5.6.0 no header section that can be read: x??250 2.0.0 OK e?"


def test_line_is_at_most_512_octets_with_its_cr_lf():
    assert len(Refused(reply.NO_HEADER_SECTION, reason="x" * 2000).line()) == 510


def test_values_are_not_formatted_again():
    assert "{limit}" in Refused(reply.NO_HEADER_SECTION, reason="{limit}").line()


# -- What the page says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_has_its_cause_and_its_cure(name):
    answer = REFUSALS[name]
    for text in (answer.cause, answer.cure):  # nothing else is needed: page, document and link follow from these
        assert text, f"give {name} a cause= and a cure=, one plain sentence each"
        assert text.endswith(".")
        assert len(text) <= 160
        assert "{" not in text


def test_what_is_no_refusal_has_none():
    assert [name for name in REPLIES.keys() - REFUSALS.keys() if REPLIES[name].cause or REPLIES[name].cure] == []


def test_every_reply_has_a_slug_of_its_own():
    assert sorted(catalogue()) == sorted(name.lower().replace("_", "-") for name in REPLIES)
    assert {slug: each.slug for slug, each in catalogue().items()} == {slug: slug for slug in catalogue()}
    assert reply.CREDENTIALS_INVALID.slug == "credentials-invalid"


@pytest.mark.parametrize("name", REFUSALS)
def test_temporary_refusals_say_when_to_come_back(name):
    if REFUSALS[name].temporary:
        assert re.search(r"again|reconnect|another transaction|lifts at", REFUSALS[name].text)


def test_only_what_the_client_can_change_is_permanent():
    permanent = {name for name in REFUSALS if not REFUSALS[name].temporary}
    assert permanent == SYNTAX | POLICY | NOT_BY_WAITING, "list it as what the client can change, or make it temporary"
    assert not SYNTAX & POLICY


# -- Links -----------------------------------------------------------------------------------------------------------


def test_refusal_ends_with_a_link_to_what_explains_it():
    line = Refused(reply.TLS_REQUIRED).line(LINKED)
    assert line == "530 5.7.0 issue STARTTLS first - https://api.relay.example/smtp#tls-required"


def test_link_is_said_once_however_many_languages():
    both = Voice((str, str.upper), PAGE)
    assert Refused(reply.TLS_REQUIRED).line(both) == (
        "530 5.7.0 issue STARTTLS first / ISSUE STARTTLS FIRST - https://api.relay.example/smtp#tls-required"
    )


def test_replies_that_refuse_nothing_have_no_link():
    for name in REPLIES.keys() - REFUSALS.keys():
        assert "://" not in REPLIES[name].format(LINKED, group_id="g", recipients=1, texts=1, parts=1)


def test_text_for_other_doors_has_no_link():
    refused = Refused(reply.TLS_REQUIRED)
    assert str(refused) == refused.line() == refused.line(ENGLISH) == "530 5.7.0 issue STARTTLS first"


VALUES = (
    "allowed",
    "channel",
    "client_ip",
    "domains",
    "expected",
    "suffix",
    "field",
    "lane",
    "limit",
    "lifts_at",
    "line",
    "lines",
    "marks",
    "max_lines",
)
VALUES += (
    "max_octets",
    "names",
    "octets",
    "parameter",
    "parts",
    "protocol",
    "reason",
    "recipients",
    "role",
    "seconds",
    "service_id",
)
VALUES += ("template_id", "usage", "value", "wanted")


@given(
    st.sampled_from(sorted(REFUSALS)),
    st.text(max_size=600),
    st.lists(st.sampled_from((str, str.upper, lambda text: "\u00e9\u2603 " + text)), min_size=1, max_size=3),
    st.text("abcdefghij.-", min_size=1, max_size=253),
)
def test_any_refusal_in_any_voice_is_one_line_that_fits_with_its_link_whole(name, value, languages, host):
    page = f"https://{host}:65535/smtp"
    translators = tuple(lambda text, change=change: text if "{" in text else change(text) for change in languages)
    line = REFUSALS[name].format(Voice(translators, page), **dict.fromkeys(VALUES, value))

    assert len(line) <= 510
    assert line.isascii()
    assert line.isprintable()
    assert line.endswith(f" - {page}#{REFUSALS[name].slug}")
    assert line.startswith(f"{REFUSALS[name].code} {REFUSALS[name].enhanced} ")


def test_what_was_cut_says_so():
    line = Refused(reply.NO_HEADER_SECTION, reason="x" * 2000).line(LINKED)
    assert line.endswith("xxx... - https://api.relay.example/smtp#no-header-section")
    assert len(line) == 510
