"""A keyword is answered by us: noted here, told by relay/notices. Whose number it is stays in the text itself."""

from sqlalchemy import Connection

from auth import notices
from auth.notices import Kind, Notice
from delivery.store.base import InboundText
from messages.keywords import Keyword


def note_answer(connection: Connection, text: InboundText, keyword: Keyword) -> None:
    """An Answerer."""
    said = {"keyword": keyword.value}
    notices.note(connection, [Notice(Kind.KEYWORD, str(text.id), text.service_id, said, text.received_at)])
