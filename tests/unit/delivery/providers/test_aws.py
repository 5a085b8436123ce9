"""What each error of AWS means to a message. The codes and texts are SES's own."""

import asyncio
import socket
from unittest.mock import Mock

import aiohttp
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from delivery.providers.aws import ERRORS, called, classify
from delivery.providers.base import Deferred, Failed, SendError, Throttled, Unknown, nothing

EXPIRED = "Signature expired: 20261121T000000Z is now earlier than 20261121T010000Z"
ANSWERS = [
    (429, "TooManyRequestsException", "Maximum sending rate exceeded.", Throttled, "aws_rate"),
    (429, "TooManyRequestsException", "Daily message quota exceeded.", Throttled, "aws_daily_quota"),
    (400, "LimitExceededException", "Daily message quota exceeded.", Throttled, "aws_daily_quota"),
    (400, "LimitExceededException", "There are too many instances.", Throttled, "aws_limit"),
    (400, "ThrottlingException", "Rate exceeded", Throttled, "aws_rate"),
    (400, "ThrottlingException", "Daily message quota exceeded", Throttled, "aws_daily_quota"),
    (400, "Throttling", "Maximum sending rate exceeded.", Throttled, "aws_rate"),
    (400, "Throttling", "Daily message quota exceeded.", Throttled, "aws_daily_quota"),
    (400, "BadRequestException", "Duplicate header 'DKIM-Signature'.", Failed, "aws_malformed"),
    (400, "InvalidParameterValue", "Local address contains control or whitespace", Failed, "aws_malformed"),
    (400, "ValidationException", "", Failed, "aws_malformed"),
    (403, "ExpiredToken", "", Throttled, "aws_credentials"),
    (403, "ExpiredTokenException", "", Throttled, "aws_credentials"),
    (403, "UnrecognizedClientException", "", Throttled, "aws_credentials"),
    (403, "InvalidClientTokenId", "", Throttled, "aws_credentials"),
    (403, "MissingAuthenticationToken", "", Throttled, "aws_credentials"),
    (403, "MissingAuthenticationTokenException", "", Throttled, "aws_credentials"),
    (400, "IncompleteSignature", "", Throttled, "aws_credentials"),
    (403, "InvalidSignatureException", "The request signature does not match", Throttled, "aws_credentials"),
    (403, "InvalidSignatureException", EXPIRED, Throttled, "aws_clock"),
    (403, "SignatureDoesNotMatch", "", Throttled, "aws_credentials"),
    (400, "RequestExpired", "", Throttled, "aws_clock"),
    (403, "AccessDenied", "", Throttled, "aws_access_denied"),
    (403, "AccessDeniedException", "", Throttled, "aws_access_denied"),
    (403, "OptInRequired", "", Throttled, "aws_access_denied"),
    # Codes that nobody has seen yet.
    (403, "NewException", "", Throttled, "aws_credentials"),
    (413, "RequestEntityTooLarge", "", Failed, "aws_too_large"),
    (429, "SlowerPleaseException", "", Throttled, "aws_rate"),
    (400, "NewException", "", Deferred, "aws_refused"),
    (500, "InternalServiceError", "", Unknown, "aws_server_error"),
    (503, "ServiceUnavailable", "", Unknown, "aws_server_error"),
    (503, "ThrottlingException", "", Unknown, "aws_server_error"),
    (302, "", "", Unknown, "aws_server_error"),
]


@pytest.mark.parametrize(("status", "code", "text", "kind", "reason"), ANSWERS)
def test_answer_has_its_meaning(status: int, code: str, text: str, kind: type[SendError], reason: str) -> None:
    response = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = classify(boto.ClientError(response, "SendEmail"))
    assert (type(error), error.reason) == (kind, reason)
    assert str(error) == reason  # AWS's text holds addresses


def test_every_row_of_the_table_is_tried() -> None:
    tried = {(code, reason) for _, code, _, _, reason in ANSWERS}
    assert {(code, meaning.reason) for code, _, meaning in ERRORS} <= tried


def test_daily_quota_waits_ten_minutes_at_least() -> None:
    waits = [meaning.retry_after_seconds for _, words, meaning in ERRORS if words == "daily"]
    assert all(wait is not None and wait >= 600 for wait in waits)


def test_answer_without_any_detail_is_unknown() -> None:
    assert isinstance(classify(boto.ClientError({}, "SendEmail")), Unknown)


URL = "https://email.ca-central-1.amazonaws.com"


def _endpoint(cause: Exception) -> Exception:
    return boto.EndpointConnectionError(endpoint_url=URL, error=cause)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (_endpoint(aiohttp.ClientConnectorError(Mock(), OSError(111, "refused"))), Deferred, "aws_unreachable"),
        (_endpoint(aiohttp.ClientConnectorDNSError(Mock(), OSError(-2, "no name"))), Deferred, "aws_unreachable"),
        (_endpoint(socket.gaierror(-2, "no name")), Deferred, "aws_unreachable"),
        (_endpoint(aiohttp.ClientOSError(104, "reset by peer")), Unknown, "aws_connection_lost"),
        (_endpoint(aiohttp.ClientConnectionResetError("closing transport")), Unknown, "aws_connection_lost"),
        (boto.ConnectTimeoutError(endpoint_url=URL), Deferred, "aws_connect_timeout"),
        (boto.ProxyConnectionError(proxy_url=URL), Deferred, "aws_unreachable"),
        (boto.SSLError(endpoint_url=URL, error=""), Deferred, "aws_tls"),
        (boto.ReadTimeoutError(endpoint_url=URL), Unknown, "aws_no_answer"),
        (boto.ConnectionClosedError(endpoint_url=URL), Unknown, "aws_connection_lost"),
        (boto.HTTPClientError(error=""), Unknown, "aws_connection_lost"),
        (TimeoutError(), Unknown, "aws_no_answer"),
        (boto.NoCredentialsError(), Throttled, "aws_credentials"),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), Throttled, "aws_credentials"),
        (boto.CredentialRetrievalError(provider="role", error_msg=""), Throttled, "aws_credentials"),
        (boto.TokenRetrievalError(provider="sso", error_msg=""), Throttled, "aws_credentials"),
        (ResponseParserError("no JSON"), Unknown, "aws_unreadable_answer"),
        (boto.BotoCoreError(), Unknown, "aws_unexpected"),
        (RuntimeError(), Unknown, "aws_unexpected"),
    ],
)
def test_missing_answer_is_unknown_unless_nothing_was_sent(
    error: Exception, kind: type[SendError], reason: str
) -> None:
    result = classify(error)
    assert (type(result), result.reason) == (kind, reason)


async def test_a_call_that_was_not_even_signed_in_time_was_not_sent() -> None:
    with pytest.raises(Throttled, match="aws_credentials"):
        async with called(0.01, nothing):
            await asyncio.sleep(1)  # for credentials that are to be refreshed
