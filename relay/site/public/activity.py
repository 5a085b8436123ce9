"""How much goes through: messages by month and channel, which everybody may read, also as a file."""

import csv
import io

from starlette.responses import Response

from messages.message import Language
from messages.text import Text
from relay import dates
from relay.site.language import number
from relay.site.routing import Needs, Route
from relay.site.visits import Visit

MONTHS = 12


async def show(visit: Visit) -> Response:
    found = await visit.site.activity.get()
    rows = [
        (
            dates.month(month.first, visit.language),
            number(month.emails, visit.language),
            number(month.texts, visit.language),
        )
        for month in found.months
    ]
    return visit.page(
        "public/activity.html",
        title=Text("Activity"),
        rows=rows,
        live=found.live_services,
        emails=sum(month.emails for month in found.months),
        texts=sum(month.texts for month in found.months),
        months=MONTHS,
    )


async def download(visit: Visit) -> Response:
    found, file = await visit.site.activity.get(), io.StringIO()
    # Spreadsheets of a French system split at semicolons, and read UTF-8 where a byte order mark says so.
    rows = csv.writer(file, delimiter=";" if visit.language is Language.FR else ",")
    rows.writerow([visit.say(each) for each in (Text("Month"), Text("Emails"), Text("Text messages"))])
    rows.writerows((month.first.isoformat()[:7], month.emails, month.texts) for month in found.months)
    named = {"Content-Disposition": f'attachment; filename="activity-{visit.language}.csv"'}
    return Response("\ufeff" + file.getvalue(), media_type="text/csv", headers=named)


ROUTES = (
    Route("GET", "activity", show, Needs.NOBODY),
    Route("GET", "activity/csv", download, Needs.NOBODY),
)
