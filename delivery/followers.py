"""What follows when statuses move and events are heard, in this order, in the transaction that writes it."""

from delivery.callbacks import telling
from delivery.store.moving import Follower

FOLLOWERS: tuple[Follower, ...] = (telling.tell,)
