"""A clock that goes on, and that a test sets forward."""

import time


class Clock:
    """What is cached or leased is old once it is moved on."""

    ahead_seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_seconds
