"""The list of templates: those in use or in the archive, by name, with a search."""

from starlette.responses import Response

from delivery.library import template_lists
from messages.message import Channel, parse_id
from messages.text import Text
from relay.site.channels import CHANNELS
from relay.site.visits import Visit

MAX_WORDS_CHARACTERS = 200


async def show(visit: Visit) -> Response:
    is_archive = visit.request.query_params.get("archived") == "yes"
    found, asked = await search(visit, archived=is_archive)
    older = visit.url("services/{service_id}/templates", **asked, after=found.after) if found.after else ""
    return visit.page(
        "templates/list.html",
        title=Text("Archived templates") if is_archive else Text("Templates"),
        found=found.templates,
        kinds=CHANNELS,
        asked=asked,
        is_archive=is_archive,
        is_later="after" in visit.request.query_params,
        more=older,
    )


async def search(visit: Visit, *, archived: bool = False) -> tuple[template_lists.Page, dict[str, str]]:
    """What the query asks for, and the query itself as far as it means something."""
    query = visit.request.query_params
    words, kind = query.get("words", "")[:MAX_WORDS_CHARACTERS].strip(), query.get("type", "")
    channel = Channel(kind) if kind in {*Channel} else None
    async with visit.site.database.read() as connection:
        found = await template_lists.page(
            connection,
            visit.the_service.id,
            channel=channel,
            words=words,
            archived=archived,
            after=parse_id(query.get("after")),
        )
    asked = {"words": words, "type": channel.value if channel else "", "archived": "yes" if archived else ""}
    return found, {name: value for name, value in asked.items() if value}
