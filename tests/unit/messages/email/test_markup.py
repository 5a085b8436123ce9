import pytest

from messages.email.markup import to_text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two<br>Three<br></div><div>Four</div>", "One\nTwo\nThree\nFour"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("One\r\n two\t three&nbsp;&amp; four &lt;x&gt; caf&eacute;", "One two three & four <x> café"),
        ("<b>O</b>ne <i>two</i> , <u>three</u>", "One two , three"),
        ("<ul><li>One</li><li>Two</li></ul>After", "- One\n- Two\n\nAfter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>one\n  two</pre>", "one\n  two"),
        ('<a href="https://example.ca/x?a=1&amp;b=2">Your file</a>.', "Your file (https://example.ca/x?a=1&b=2)."),
        ('<a href="https://www.example.ca/">example.ca</a>', "example.ca"),
        ('<a href="https://example.ca/x">https://example.ca/x</a>', "https://example.ca/x"),
        ('<a href="mailto:a@example.ca">Write</a> <a href="#top">up</a> <a>x</a>', "Write up x"),
        ('<a href="https://example.ca"><img src="x" alt="logo"></a>Hi', "Hi"),
        ("<head><title>T</title><style>p{}</style></head><body>Hi<script>1<2</script></body>", "Hi"),
        ('<div style="display:none">Preview <div>of</div> it</div><p>Hi</p>', "Hi"),
        ("a<!-- <p>no</p> -->b<!--[if mso]>c<![endif]-->d", "abd"),
        ("a<!-- never closed", "a"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p title='a>b'>x", "x"),
        ("Hi<div class='gmail_quote'>On ... wrote: old</div>", "Hi"),
        ('Hi<blockquote type="cite">old</blockquote>', "Hi"),
        ('Hi<div id="appendonsend"></div>old', "Hi"),
        ('Hi<div class="moz-cite-prefix">On 2024 wrote</div>', "Hi"),
        ('<div class="gmail_signature">Ann</div>', ""),
        ("", ""),
    ],
)
def test_html_is_read_as_it_is_shown(document, text):
    assert to_text(document) == text


@pytest.mark.parametrize(
    "piece",
    [
        *("<", "<a ", "<a '", '<a b="', "<!--", "<p>", "<br>", "&amp;", "<pre>\n", "<script>", "<!", "x ", "</p"),
        *("<p style='display:none'>", "<a href=https://x>y", " "),
    ],
)
def test_odd_html_takes_time_in_proportion(piece):
    to_text(piece * (256 * 1024 // len(piece)))
