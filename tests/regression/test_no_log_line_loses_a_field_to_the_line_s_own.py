"""structlog writes the level and the time over fields of those names, and says nothing."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "log", "bind"}
OWN = {"event", "level", "timestamp"}


def test_no_log_line_has_a_field_that_is_written_over() -> None:
    fields = [
        (path.relative_to(ROOT), call.lineno, {each.arg for each in call.keywords})
        for folder in ("relay", "delivery", "auth", "config", "messages")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS
        if "log" in ast.unparse(call.func.value).lower()
    ]

    assert len(fields) > 50
    assert [found for found in fields if found[2] & OWN] == []
