"""Markdown as HTML: nothing of it is taken for HTML, and a reader finds their way in it."""

import pytest

from relay.http.pages.markdown import anchor, demoted, to_html
from tests.harness.html import read_html


def html(text: str) -> str:
    return to_html(text, lambda target: f"/docs/{target}")


@pytest.mark.parametrize(
    "text", ["<b onclick=x>", "a <script>x</script>", "`<b>`", "```sh\n<b> && x\n```", "| `<b>` |\n|---|\n| <b> |"]
)
def test_html_is_shown_not_run(text: str) -> None:
    shown = html(text)

    assert "<b" not in shown
    assert "<script" not in shown
    assert "&lt;" in shown


def test_dangerous_links_stay_text() -> None:
    assert "href" not in html("[x](javascript:alert)")


def test_headings_can_be_linked_to() -> None:
    page = read_html(html("# Ça va?\n\n## Twice\n\n## Twice\n\n### `code` in it"))

    anchors = [each.attributes["id"] for each in page.all() if "id" in each.attributes]
    assert anchors == ["ca-va", "twice", "twice-2", "code-in-it"]


def test_links_lead_to_the_page_in_the_same_language() -> None:
    assert html("[keys](keys.md)") == '<p><a href="/docs/keys.md">keys</a></p>\n'


def test_table_stays_one_where_its_cells_stand_below_each_other() -> None:
    page = read_html(html("| a | b |\n|---|---|\n| 1 | 2 |"))

    roles = [each.attributes.get("role") for each in page.all() if each.tag in ("table", "tr", "th", "td")]
    assert roles == ["table", "row", "columnheader", "columnheader", "row", "cell", "cell"]


def test_code_scrolls_by_keyboard_and_keeps_its_characters() -> None:
    shown = html('```python\nprint("a  b")\n```')

    assert shown == '<pre tabindex="0"><code class="language-python">print("a  b")\n</code></pre>\n'


def test_long_names_may_go_on_in_the_next_line() -> None:
    assert html("`one_click`") == "<p><code>one_<wbr>click</code></p>\n"


def test_headings_are_lowered_and_comments_of_code_are_not() -> None:
    assert demoted("# A\n\n```sh\n# no\n```\n## B", 2) == "### A\n\n```sh\n# no\n```\n#### B"


def test_anchor_is_plain() -> None:
    assert anchor("What can fail, and what to do") == "what-can-fail-and-what-to-do"
