"""Addresses that SES sends nothing to: it takes the message, and then tells of a bounce or complaint that never was.

The account's list in one region. SES takes about one such call a second. Every function raises a SendError; what AWS
says holds the address, and is never passed on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from delivery.providers.aws import classify

BOUNCE, COMPLAINT = "BOUNCE", "COMPLAINT"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    address: str
    reason: str  # BOUNCE or COMPLAINT
    since: float  # seconds since the epoch


async def reason(client: Any, address: str) -> str | None:
    """BOUNCE or COMPLAINT where the account's list holds the address; `client` is of `sesv2`."""
    with _told():
        try:
            answer = await client.get_suppressed_destination(EmailAddress=address)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
    return str(answer["SuppressedDestination"]["Reason"])


async def page(client: Any, before: float, token: str | None) -> tuple[Sequence[Listed], str | None]:
    """What was put on the list before then, and where to go on."""
    more = {"NextToken": token} if token else {}
    with _told():
        answer = await client.list_suppressed_destinations(
            EndDate=datetime.fromtimestamp(before, UTC), PageSize=_PAGE, **more
        )
    found = answer.get("SuppressedDestinationSummaries") or ()
    listed = [Listed(each["EmailAddress"], each["Reason"], each["LastUpdateTime"].timestamp()) for each in found]
    return listed, answer.get("NextToken")


async def put(client: Any, address: str) -> None:
    with _told():
        await client.put_suppressed_destination(EmailAddress=address, Reason=COMPLAINT)


async def remove(client: Any, address: str) -> None:
    """Done as well where the list does not have it."""
    with _told():
        try:
            await client.delete_suppressed_destination(EmailAddress=address)
        except ClientError as error:
            if not _is_missing(error):
                raise


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise classify(error) from None


def _is_missing(error: ClientError) -> bool:
    return bool(error.response.get("Error", {}).get("Code") == "NotFoundException")
