"""What a visitor is told in place of the page: one page for each, by its status. Knows no page's look."""

from messages.text import Text


class Away(Exception):  # noqa: N818 - as a visitor finds it
    """Raised by handlers and by what they call; `title` heads the page."""

    status = 500
    title = Text("Sorry, there is a problem with the service")
    text = Text("Try again in a few minutes. If it goes on, tell us what you were doing.")


class Broken(Away):
    """A bug of ours."""


class Unavailable(Away):
    status = 503
    title = Text("The service is not available right now")
    text = Text("Nothing was changed. Try again in a few minutes. Messages that were accepted are still sent.")


class Missing(Away):
    """Also what its visitor may not see: nobody learns what there is."""

    status = 404
    title = Text("Page not found")
    text = Text("If you typed the address, check it. If you followed a link, the page may have been moved or removed.")


class Forged(Away):
    """A form that is not of our page, or of another session."""

    status = 403
    title = Text("We could not accept this form")
    text = Text(
        "It was open for too long, or did not come from our own page. Nothing was changed. Go back, load the page "
        "again and send the form once more."
    )


class NoRoom(Away):
    status = 503
    title = Text("Too much is going on here now")
    text = Text("Other large files are being looked at. Try again in a minute.")


class FormTooLarge(Away):
    status = 413
    title = Text("What you sent is too large")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.text = Text("This page takes at most {limit} kilobytes. Nothing was changed.", {"limit": limit // 1024})


class FormTooSlow(Away):
    status = 408
    title = Text("Your form did not arrive")
    text = Text("The connection was too slow. Nothing was changed. Send the form again.")


class NoForm(Away):
    """What was posted cannot be read as one."""

    status = 400
    title = Text("We could not read what you sent")
    text = Text("Nothing was changed. Go back, load the page again and send the form once more.")


class TooMany(Away):
    """Of one address: others go on."""

    status = 429
    title = Text("Too many tries")
    text = Text("Wait a minute, then try again.")


class TooOften(TooMany):
    """At so many times in so long."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__()
        values = {"limit": limit, "minutes": seconds // 60}
        self.text = Text("This can be done {limit} times within {minutes} minutes. Try again later.", values)
