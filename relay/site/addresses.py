"""An email address as people type it into a form, and what they are told where nothing can be sent to it."""

from messages.address import Address, AddressError
from messages.text import Text

WRONG = Text("Enter an email address in the correct format, like name@example.ca")


def parse(text: str) -> Address | None:
    try:
        address = Address.parse(text)
    except AddressError:
        return None
    return address if address.ascii else None  # SES carries ASCII local parts only
