"""The page on what our session does otherwise names tests that exist, at least one for each difference."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROWS = [row for row in re.findall(r"^\| .+ \|$", (ROOT / "docs/aiosmtpd.md").read_text(), re.M) if "held by" not in row]


def test_each_difference_is_held_by_a_test_that_exists() -> None:
    code = "".join(
        path.read_text() for path in (ROOT / "tests").glob("*/**/test_*.py") if "node_modules" not in str(path)
    )
    functions = set(re.findall(r"^(?:async )?def (test_\w+)", code, re.M))
    dialogues = {path.name for path in (ROOT / "tests/conformance/smtp").glob("*.txt")}
    for row in ROWS:
        named = re.findall(r"`(test_\w+|\w+\.txt)`", row.split(" | ")[2])
        assert named, row
        assert set(named) <= functions | dialogues, set(named) - functions - dialogues
