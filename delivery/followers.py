"""What follows when the statuses of messages move, in this order, in the transaction that moves them."""

from delivery.callbacks import telling
from delivery.store.moving import Follower

FOLLOWERS: tuple[Follower, ...] = (telling.tell,)
