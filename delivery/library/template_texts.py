"""What a template's texts have to be before they are kept, and how they are kept.

Knows nothing of tables.
"""

from collections.abc import Iterator
from uuid import UUID

from messages.message import MAX_SUBJECT_CHARACTERS, Channel
from messages.sms.parts import MAX_CHARACTERS
from messages.sms.recipe import write
from messages.template import Template, fixed_text, unmatched
from messages.text import TextError, clean
from messages.values import normalise

MAX_NAME_CHARACTERS = 255
MAX_BODY_CHARACTERS = 50_000
_UNNAMED = "-"


class TemplateError(TextError):
    """Nothing was changed."""


class TextFieldError(TemplateError):
    """One of a template's texts cannot be used: `text_of` says which, name, subject or body."""

    def __init__(self, source: str, text_of: str, **values: object) -> None:
        super().__init__(source, **values)
        self.text_of = text_of


def checked(channel: Channel, sender: str, *, name: str, subject: str | None, body: str) -> dict[str, str | None]:
    """The texts as the table keeps them. Raises TextFieldError for the first of `problems`."""
    for problem in problems(channel, sender, name=name, subject=subject, body=body):
        raise problem
    return {"name": clean(name), "subject": None if subject is None else clean(subject), "body": normalise(body)}


def draft(channel: Channel, sender: str, service_id: UUID, *, name: str, subject: str | None, body: str) -> Template:
    """A template that nobody keeps, to be looked at. Raises TextFieldError."""
    texts = checked(channel, sender, name=name or _UNNAMED, subject=subject, body=body)
    body, subject = texts["body"] or "", texts["subject"]
    return Template(UUID(int=0), 0, service_id, channel, name, subject, body, False, False, 0.0, None)


def problems(channel: Channel, sender: str, *, name: str, subject: str | None, body: str) -> Iterator[TextFieldError]:
    """What is wrong with a template's texts: of each text the first thing. `sender` is as for a new template."""
    body = normalise(body)
    if not 0 < len(clean(name)) <= MAX_NAME_CHARACTERS:
        yield TextFieldError("a template's name has 1 to {limit} characters", "name", limit=MAX_NAME_CHARACTERS)
    if channel is Channel.SMS and subject is not None:
        yield TextFieldError("an SMS has no subject", "subject")
    if channel is Channel.EMAIL:
        yield from _of_subject("" if subject is None else clean(subject))
    if not body.strip() or len(body) > MAX_BODY_CHARACTERS:
        yield TextFieldError("a template's body has 1 to {limit} characters", "body", limit=MAX_BODY_CHARACTERS)
    elif optional := unmatched(body):
        yield _unmatched("body", optional)
    elif channel is Channel.SMS:
        yield from _of_length(fixed_text(body), sender)


def _of_subject(subject: str) -> Iterator[TextFieldError]:
    if not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        limit = MAX_SUBJECT_CHARACTERS
        yield TextFieldError("an email template's subject has 1 to {limit} characters", "subject", limit=limit)
    elif optional := unmatched(subject):
        yield _unmatched("subject", optional)


def _of_length(fixed: str, sender: str) -> Iterator[TextFieldError]:
    """What is sent whatever the values are, counted as it is sent."""
    found, named = (len(write(fixed, each, downgrade=False).recipe.text) for each in ("", sender))
    if found > MAX_CHARACTERS or named > MAX_CHARACTERS:
        yield TextFieldError(
            "a text message has at most {limit} characters; without its values this one has {found}, and {before} with "
            "the name of the service before it: {excess} too many",
            "body",
            limit=MAX_CHARACTERS,
            found=found,
            before=named,
            excess=named - MAX_CHARACTERS,
        )


def _unmatched(text_of: str, name: str) -> TextFieldError:
    return TextFieldError(
        "the brackets within the optional text (({name}??...)) do not match; add the one that is missing, "
        "or write \\( or \\) for one that stands alone",
        text_of,
        name=name,
    )
