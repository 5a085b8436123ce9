"""When what did not go well is tried again. Pure; the caller brings the random number."""

from messages.message import Lane

_CAP_SECONDS = {Lane.PRIORITY: 120.0, Lane.NORMAL: 900.0, Lane.BULK: 1800.0}
_BACK_SECONDS = 20.0  # to connect anew, and try again
_PRIORITY_SHARE = 1 / 6  # 30 s by default: SES tells within seconds that it took a message


def unknown_wait_seconds(lane: Lane, base_seconds: float) -> float:
    """How long a message that may have left waits for news of it: a one-time code is soon worth nothing."""
    return base_seconds * (_PRIORITY_SHARE if lane is Lane.PRIORITY else 1)


def back_seconds(wait_seconds: float) -> float:
    """How much is left, after an outage that outlasted the wait, to who comes back and knows what was answered."""
    return min(wait_seconds, _BACK_SECONDS)


def delay_seconds(attempts: int, lane: Lane, base_seconds: float, jitter: float) -> float:
    """Exponential back-off with jitter: about base, 2 base, 4 base ... up to the lane's cap.

    `attempts` counts those made (1 or more); `jitter` is in [0, 1) and spreads the delay over its upper half, so that a
    provider that comes back is not met by everybody at once.
    """
    return backoff_seconds(attempts, base_seconds, _CAP_SECONDS[lane], jitter)


def backoff_seconds(attempts: int, base_seconds: float, cap_seconds: float, jitter: float) -> float:
    """The same for whatever else is tried again."""
    full = min(base_seconds * 2.0 ** min(attempts - 1, 16), cap_seconds)
    return full * (0.5 + jitter / 2)
