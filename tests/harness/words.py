"""The catalogue, read once per process: to read it takes as long as to start a door."""

from functools import cache

from config.words import Words


@cache
def words() -> Words:
    return Words.load()
