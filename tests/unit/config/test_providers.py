"""What is known of a provider stands in one table, and nobody goes by its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.providers import EmailProvider
from config.settings import Email

ROOT = Path(__file__).parents[3]
NAMES = {provider.value for provider in EmailProvider}


@pytest.mark.parametrize("provider", EmailProvider)
def test_every_choice_says_what_it_is_like(provider: EmailProvider):
    assert Email(provider=provider.value).traits is provider.traits


def compared(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from (node.left, *node.comparators)
        elif isinstance(node, ast.MatchValue):
            yield node.value


def is_named(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "EmailProvider"
    named = {child.value for child in ast.walk(node) if isinstance(child, ast.Constant)}
    return bool(named & NAMES)


@pytest.mark.parametrize("folder", ["config", "auth", "delivery", "relay"])
def test_nobody_compares_a_provider_by_its_name(folder: str):
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in compared(ast.parse(path.read_text()))
        if is_named(node)
    ]
    assert not found


@pytest.mark.parametrize(
    "planted", ['a == "ses"', 'a in ("outbox", "x")', "a is EmailProvider.SES", 'match a:\n case "ses": pass']
)
def test_a_comparison_would_be_seen(planted: str):
    assert any(map(is_named, compared(ast.parse(planted))))
