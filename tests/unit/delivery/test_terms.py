"""Every table has a term, and says truly whether it holds what is encrypted."""

from config import encrypted
from delivery.all_tables import metadata
from delivery.terms import TERMS

_OF_SERVICES = {"brandings", "callback_urls", "dkim_keys"}  # secrets of nobody's person


def test_each_table_has_a_term_and_each_term_a_table() -> None:
    assert set(TERMS) == set(metadata.tables)


def test_a_table_with_an_encrypted_column_says_what_it_holds() -> None:
    sealed = {column.table.name for column in encrypted.columns(metadata)} - _OF_SERVICES
    assert {table for table in sealed if "encrypted" not in TERMS[table].of} == set()
