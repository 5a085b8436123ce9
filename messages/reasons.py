"""Why a message was not delivered, or not yet, in words: what the short codes of the history mean. Pure.

A code that stands in no table is one of a provider that is newer than this: it is shown as it is.
"""

import re
from collections.abc import Mapping

from messages.text import Text

_RECIPIENT = {
    "general": Text("the mail server of the recipient gave no usable reason"),
    "no-email": Text("the address does not exist"),
    "suppressed": Text("nothing is sent to it: mail came back or was reported as spam before, or it was asked to stop"),
    "on-account-suppression-list": Text("mail to this address came back, or was reported as spam, before"),
    "on-tenant-suppression-list": Text("mail to this address came back, or was reported as spam, before"),
    "mailbox-full": Text("the mailbox is full"),
    "message-too-large": Text("the message is larger than the mail server of the recipient takes"),
    "content-rejected": Text("the mail server of the recipient refused what the message says"),
    "attachment-rejected": Text("the mail server of the recipient refused an attachment"),
    "custom-timeout-exceeded": Text("the mail server of the recipient did not take it in time"),
    "unsubscribed-recipient": Text("the recipient unsubscribed"),
    "internal-failure": Text("Amazon SES had trouble of its own"),
    "spam-detected": Text("the mail server of the recipient takes much mail of this kind for spam"),
    "recipient-server-error": Text("the mail server of the recipient has trouble of its own"),
    "ip-failure": Text("the mail server of the recipient does not take mail from this sender now"),
    "transient-communication-failure": Text("the connection to the mail server of the recipient broke"),
    "undetermined": Text("no reason was given"),
    "bad-content": Text("Amazon SES found a virus in it"),
    "rendering-failure": Text("Amazon SES could not build it"),
    "abuse": Text("the recipient reported it as spam"),
    "not-spam": Text("the recipient reported that it is no spam"),
    "virus": Text("the recipient reported a virus"),
}
_PHONE = {
    "opted-out": Text("the recipient wants no texts: they answered STOP"),
    "on-blocked-list": Text("the number is on a list of blocked numbers"),
    "blocked-as-spam": Text("the carrier takes it for spam"),
    "invalid-number": Text("the number does not exist"),
    "invalid-message": Text("the carrier does not take such a text"),
    "blocked": Text("the phone takes no texts now"),
    "carrier-blocked": Text("the carrier blocked it"),
    "phone-unreachable": Text("the phone could not be reached"),
    "carrier-unreachable": Text("the carrier could not be reached"),
    "unknown": Text("no reason was given"),
    "ttl-expired": Text("the phone could not be reached in time"),
    "price-over-threshold": Text("it would cost more than is allowed"),
    "protect-blocked": Text("texts to this country are not allowed here"),
}
_RELAY = {
    "expired": Text("it could not leave in time, and would have come too late to be of use"),
    "content_gone": Text("what it said was no longer kept"),
    "no-event": Text("nobody told what became of it for 72 hours"),
    "worker_died": Text("the sending process ended before the answer came"),
}
_PROVIDER = {
    "aws_rate": Text("more was sent at once than the account may send"),
    "aws_daily_quota": Text("the account has sent all that it may send in a day"),
    "aws_limit": Text("a limit of the account was reached"),
    "aws_credentials": Text("the account did not accept our credentials"),
    "aws_access_denied": Text("the account does not allow us to send"),
    "aws_too_large": Text("it is larger than Amazon takes"),
    "aws_malformed": Text("Amazon could not read it"),
    "aws_server_error": Text("Amazon had trouble of its own"),
    "aws_no_answer": Text("no answer came in time"),
    "aws_connection_lost": Text("the connection broke before the answer came"),
    "aws_unreachable": Text("Amazon could not be reached"),
    "aws_connect_timeout": Text("Amazon could not be reached"),
    "aws_tls": Text("no secure connection to Amazon could be made"),
    "ses_sending_paused": Text("Amazon has paused the sending of this account"),
    "ses_account_suspended": Text("Amazon has suspended this account"),
    "ses_mail_from_not_verified": Text("the domain of the sender is not verified at Amazon"),
    "ses_identity_not_verified": Text("the domain of the sender is not verified at Amazon"),
    "ses_message_rejected": Text("Amazon refused it"),
    "sms_spend_limit": Text("the monthly budget for texts is used up"),
    "sms_quota": Text("a limit of the account for texts was reached"),
    "sms_sender_missing": Text("the number that it was to leave from is not there"),
}
_WORDS: Mapping[str, Text] = {**_RECIPIENT, **_PHONE, **_RELAY, **_PROVIDER}
_OTHER = Text("code {code}")
_CODE = re.compile(r"[a-zA-Z0-9_.-]{1,100}")
_UNTOLD = Text("no reason was given")


def words(reason: str | None) -> Text:
    """The end of a sentence, in lower case and without a stop."""
    if not reason or not _CODE.fullmatch(reason):
        return _UNTOLD
    return _WORDS.get(reason, Text(_OTHER.source, {"code": reason}))
