"""The words of a mail as one plain text, for channels that carry nothing else: what its sender wrote for it.

The text part that readers show, else their HTML as text; quoted mail and signature cut off (history.py). Files,
calendars and messages in the message are passed over. Knows nothing of what is done with the text.
"""

from messages.email import charset, history, html, markup
from messages.email.mime import Part

MAX_READ_OCTETS = 256 * 1024  # of all parts, as sent: no text message has more, and history stands below


def text_of(root: Part) -> str | None:
    """None where nothing is left, or nobody but the recipient could read it. Takes time in proportion to the text."""
    left = MAX_READ_OCTETS
    for part in _texts(root):
        if left > 0 and (text := _read(part, left)):
            return text
        left -= part.end - part.body
    return None


def _texts(part: Part) -> list[Part]:
    """The text parts that may be the letter, the best first."""
    if part.type.encrypted or part.detached:
        return []
    if str(part.type) in ("text/plain", "text/html"):
        return [part]
    if part.type.main != "multipart" or not part.children:
        return []
    if part.type.sub == "alternative":
        found = [text for child in part.children for text in _texts(child)]
        return sorted(found, key=lambda text: text.type.sub != "plain")
    if part.type.sub in ("signed", "report"):  # the others are a signature, or for machines
        return _texts(part.children[0])
    if part.type.sub == "related":  # RFC 2387 3.2: the root is the one named by start, else the first
        start = part.type.parameters.get("start", "").encode("latin-1")
        named = (child for child in part.children if start and child.value("content-id") == start)
        return _texts(next(named, part.children[0]))
    return [text for child in part.children if not child.attachment or child.children for text in _texts(child)]


def _read(part: Part, most: int) -> str | None:
    content = part.decode(most)
    if content is None:
        return None
    name = part.type.parameters.get("charset")
    text = charset.labelled(content, name) if name else None
    text = charset.guessed(content, None) if text is None else text
    if part.type.sub == "html":
        return history.cut(markup.to_text(text)) or None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    parameters = {key: value.lower() for key, value in part.type.parameters.items()}
    if parameters.get("format") == "flowed":
        lines = html.unflowed(lines, joined=parameters.get("delsp") == "yes")
    return history.cut("\n".join(lines)) or None
