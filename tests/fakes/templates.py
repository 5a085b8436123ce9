"""Templates for tests."""

from uuid import UUID

from messages.message import Channel
from messages.template import Template


def template(body: str, subject: str = "s") -> Template:
    return Template(UUID(int=1), 1, UUID(int=2), Channel.EMAIL, "Letter", subject, body, False, False, 0.0, None)
