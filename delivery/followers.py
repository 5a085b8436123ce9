"""What follows when statuses move and events are heard, in this order, in the transaction that writes it."""

from config.keyring import Keyring
from delivery import notices
from delivery.callbacks import telling
from delivery.store.moving import Follower
from delivery.suppression.following import Suppressing


def followers(keyring: Keyring) -> tuple[Follower, ...]:
    """One set per process."""
    return Suppressing(keyring), notices.note, telling.tell
