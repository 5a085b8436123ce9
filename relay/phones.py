"""Phones as recipients of mail: +16135550100@sms.<default domain>, or the number as people write it."""

from messages import reply
from messages.address import Address
from messages.phone import PhoneNumber, PhoneNumberError
from messages.recipient import Recipient
from messages.reply import Refused


def recipient_at(address: Address, sms_domain: str) -> Recipient:
    """Whom an address stands for: itself, or a phone. Raises Refused where no number stands before the @ sign."""
    if address.domain != sms_domain:
        return address
    try:
        return PhoneNumber.parse(address.local)
    except PhoneNumberError as error:
        raise Refused(reply.BAD_PHONE_NUMBER, reason=error.text) from None
