"""Ids of two users."""

from uuid import UUID, uuid4

import pytest


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


@pytest.fixture
def other_user_id() -> UUID:
    return uuid4()
