"""Addresses that SES sends nothing to: it takes the message, and then tells of a bounce or complaint that never was."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from delivery.providers.aws import classify


async def reason(client: Any, address: str) -> str | None:
    """BOUNCE or COMPLAINT where the account's list holds the address; `client` is of `sesv2`. Raises a SendError."""
    try:
        answer = await client.get_suppressed_destination(EmailAddress=address)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NotFoundException":
            return None
        raise classify(error) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise classify(error) from None  # its text holds the address
    return str(answer["SuppressedDestination"]["Reason"])
