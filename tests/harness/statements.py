"""Statements as SQLAlchemy compiles them: once for all databases of a process, of which each test has its own."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_STATEMENTS = 5_000  # more than there are
_DIALECTS: tuple[Any, ...] = (SQLiteDialect_aiosqlite, SQLiteDialect_pysqlite, PGDialect_asyncpg)


def remember() -> None:
    """For this process and those that are forked from it: one cache, in which dialects of one kind are the same."""
    compiled: Any = LRUCache(_STATEMENTS)
    make = Engine.__init__

    def make_with(engine: Engine, *arguments: Any, **options: Any) -> None:
        make(engine, *arguments, **options)
        engine._compiled_cache = compiled

    Engine.__init__ = make_with  # type: ignore[method-assign]
    for dialect in _DIALECTS:
        dialect.__hash__ = lambda self: hash(type(self))
        dialect.__eq__ = lambda self, other: type(self) is type(other)
