"""Mail addresses as people and programs write them by HTTP and on the site; SMTP has a grammar of its own."""

from email_validator import EmailNotValidError, validate_email

from messages.address import Address, AddressError

MAX_CHARACTERS = 320

_INVISIBLE = dict.fromkeys(map(ord, "\u180e\u200b\u200c\u200d\u2060\ufeff"))  # pasted from documents


def parse(text: str) -> Address:
    """One address to send to. Raises AddressError."""
    text = text.translate(_INVISIBLE).strip()
    if len(text) > MAX_CHARACTERS:  # looking into two million takes half a second
        raise AddressError("Not a valid email address")
    try:
        validate_email(text, check_deliverability=False)
        address = Address.parse(text)
    except (EmailNotValidError, AddressError):
        raise AddressError("Not a valid email address") from None
    if not address.ascii:  # SES carries ASCII local parts only
        raise AddressError("Not a valid email address")
    return address
