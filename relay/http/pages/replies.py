"""The page that refusals by SMTP link to: what each says, why, and what to do, without a script or another host."""

from collections.abc import Iterator

from messages.message import Language
from messages.reply import Reply, catalogue
from messages.text import Text, Translate, without_values
from relay.http.pages.layout import render

TITLE = Text("SMTP replies")
INTRODUCTION = Text(
    "What each refusal by SMTP means, and what to do about it. Where \u2026 stands here, the reply names a value."
)
CAUSE = Text("Why")
CURE = Text("What to do")
_LATER = Text("Not now: clients try again by themselves")
_NEVER = Text("Not like this: clients give up and tell their user")


def refusals() -> Iterator[tuple[Text, list[Reply]]]:
    """Those after which clients try again, then those after which they give up; each under its heading."""
    found = sorted(catalogue().values(), key=lambda each: (each.code, each.enhanced, each.slug))
    yield _LATER, [each for each in found if each.temporary]
    yield _NEVER, [each for each in found if each.code >= 500]


def said(reply: Reply, translate: Translate) -> str:
    """A reply's text without its values."""
    return without_values(translate(reply.text))


def page(language: Language, translate: Translate) -> str:
    """The page in one language, as HTML; each reply is at its slug."""
    return render(
        "replies.html",
        language,
        translate,
        replies=[(heading.render(translate), replies) for heading, replies in refusals()],
        said=lambda reply: said(reply, translate),
        title=TITLE.render(translate),
        introduction=INTRODUCTION.render(translate),
        cause=CAUSE.render(translate),
        cure=CURE.render(translate),
    )
