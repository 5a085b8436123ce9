"""What differs between two texts, as people read it."""

import time

from relay.site.templates.differences import Kind, Line, differences


def shown(before: str, after: str) -> list[str]:
    marks = {Kind.SAME: " ", Kind.REMOVED: "-", Kind.ADDED: "+", Kind.GAP: "…"}
    return [marks[line.kind] + line.text for line in differences(before, after) or ()]


def test_lines_come_and_go_with_those_around_them() -> None:
    assert shown("a\nb\nc\nd\ne\nf\ng\nh\ni\nj", "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk") == [
        *(" a", "-b", "+B", " c", " d", "…", " i", " j", "+k"),
    ]


def test_the_same_text_has_no_differences() -> None:
    assert differences("a\nb", "a\nb") == ()


def test_what_takes_too_long_is_not_compared() -> None:
    assert differences("\n" * 1_000, "") is None
    started = time.process_time()
    assert differences("\n".join(map(str, range(1_000))), "\n".join(str(i * 7 % 1_000) for i in range(1_000)))
    assert differences("a\nb\n" * 499, "b\na\n" * 499) is not None
    assert time.process_time() - started < 5


def test_a_line_has_its_kind() -> None:
    assert differences("a", "b") == (Line(Kind.REMOVED, "a"), Line(Kind.ADDED, "b"))
