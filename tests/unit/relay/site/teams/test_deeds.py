"""The audit page of a service has words for all that can be done in one."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from auth.audit import Entry
from relay.site.teams.deeds import DEEDS, GROUPS, changes

ACTIONS = Path(__file__).parents[5] / "relay/actions"
OF_NO_SERVICE = ("ban.", "domain.", "organisation.", "person.", "user.")


def recorded() -> Iterator[str]:
    for path in ACTIONS.glob("*.py"):
        text = path.read_text()
        for name in re.findall(r'record\(\s*f?"([a-z.{}-]+)"', text):
            verbs = re.findall(r'(?:record|_set)\(t, (?:named, )?"([a-z-]+)"', text) if "{action}" in name else [""]
            yield from (name.replace("{action}", verb) for verb in verbs)


def test_every_action_in_a_service_has_its_words() -> None:
    found = {each for each in recorded() if not each.startswith(OF_NO_SERVICE)}

    assert "service.member.change" in found
    assert found - DEEDS.keys() == set()


def test_what_was_counted_again_says_in_which_month() -> None:
    after = {"month": "2026-11", "counts": {"day_counts": 2}, "messages": 4, "units": 0}
    entry = Entry(uuid4(), 0.0, "operator", "ann", "statistics.rebuild", "statistics", str(uuid4()), None, None, after)

    assert list(changes(entry)) == [("month", "2026-11", None)]


def test_a_group_is_of_kinds_that_no_other_has() -> None:
    kinds = [kind for _, of in GROUPS.values() for kind in of]
    assert len(kinds) == len(set(kinds))
