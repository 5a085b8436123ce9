"""Private keys of domains: a test needs another one than it has, seldom a new one, which takes 0.1 s of CPU."""

from itertools import cycle, islice

from messages.email import dkim

_FEW = 8  # more than any test compares


def remember() -> None:
    """For the tests' own process: its first keys are made as ever, and then they come again in turn."""
    made = iter(dkim.generate, None)
    keys = cycle(islice(made, _FEW))
    dkim.generate = lambda: next(keys)
