"""What SES's own errors mean to a message. The codes and texts are SES's."""

import pytest
from botocore.exceptions import ClientError

from delivery.providers.aws import classify
from delivery.providers.base import Deferred, Failed, Held, QuotaSpent, SendError, Throttled, TooFast
from delivery.providers.ses import ERRORS

UNVERIFIED = "Email address is not verified. The following identities failed the check in region CA-CENTRAL-1: x@y.ca"
RATE, QUOTA = "Maximum sending rate exceeded.", "Daily message quota exceeded."
ANSWERS = [
    (429, "TooManyRequestsException", RATE, TooFast, "aws_rate"),
    (429, "TooManyRequestsException", QUOTA, QuotaSpent, "aws_daily_quota"),
    (400, "LimitExceededException", QUOTA, QuotaSpent, "aws_daily_quota"),
    (400, "ThrottlingException", RATE, TooFast, "aws_rate"),
    (400, "ThrottlingException", QUOTA, QuotaSpent, "aws_daily_quota"),
    (400, "Throttling", RATE, TooFast, "aws_rate"),
    (400, "Throttling", QUOTA, QuotaSpent, "aws_daily_quota"),
    (400, "SendingPausedException", "", Held, "ses_sending_paused"),
    (400, "AccountSuspendedException", "", Held, "ses_account_suspended"),
    (404, "NotFoundException", "Configuration set <x> does not exist.", Throttled, "ses_configuration_missing"),
    (400, "MailFromDomainNotVerifiedException", "", Deferred, "ses_mail_from_not_verified"),
    (400, "MessageRejected", UNVERIFIED, Deferred, "ses_identity_not_verified"),
    (400, "MessageRejected", "Transaction failed", Failed, "ses_message_rejected"),
]


@pytest.mark.parametrize(("status", "code", "text", "kind", "reason"), ANSWERS)
def test_answer_has_its_meaning(status: int, code: str, text: str, kind: type[SendError], reason: str) -> None:
    response = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = classify(ClientError(response, "SendEmail"), ERRORS)
    assert (type(error), error.reason) == (kind, reason)
    assert str(error) == reason  # AWS's text holds addresses


def test_every_row_of_the_table_is_tried() -> None:
    tried = {(code, reason) for _, code, _, _, reason in ANSWERS}
    assert {(code, meaning.reason) for code, _, meaning in ERRORS} == tried
