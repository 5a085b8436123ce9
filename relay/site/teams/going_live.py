"""Going live: the list of what is to be done before, what the service is for, and the request."""

from collections.abc import Mapping

from starlette.responses import Response

from auth.people import go_live, organisations, users
from auth.people.go_live import MAX_CHARACTERS, GoLiveRequest, UseCase
from auth.people.permissions import Permission
from auth.people.users import User
from auth.principal import Service
from messages.text import Text, TextError
from relay.actions import go_live as changing
from relay.actions.go_live import Progress, Step
from relay.actions.transaction import Transaction
from relay.site.forms import Form
from relay.site.routing import Route
from relay.site.teams import letters
from relay.site.visits import Visit

HOME = "services/{service_id}/go-live"
USE_CASE = HOME + "/use-case"
VOLUMES: Mapping[str, Text] = {
    "emails_per_day": Text("Emails on your busiest day"),
    "emails_per_year": Text("Emails in a year"),
    "texts_per_day": Text("Text messages on your busiest day"),
    "texts_per_year": Text("Text messages in a year"),
}
_STEPS: Mapping[Step, tuple[Text, str]] = {
    Step.USE_CASE: (Text("Tell us what the service is for, and how much it sends"), USE_CASE),
    Step.TEMPLATE: (Text("Make a template"), "services/{service_id}/templates"),
    Step.MANAGERS: (Text("Have a second person who manages the service"), "services/{service_id}/team"),
    Step.DOMAIN: (Text("Have a domain that is ready to send from"), "services/{service_id}/settings"),
    Step.TEST_MESSAGE: (Text("Send a test message, and see it delivered"), "services/{service_id}/templates"),
    Step.CONTACT: (Text("Name a contact for incidents"), "services/{service_id}/settings/contact"),
}
PROGRESS: Mapping[Progress, tuple[Text, str]] = {
    Progress.DONE: (Text("Done"), "good"),
    Progress.BEGUN: (Text("In progress"), "wait"),
    Progress.TO_DO: (Text("To do"), "plain"),
}
_NO_PURPOSES = Text("Say what the messages are for")
_NO_RECIPIENTS = Text("Say who gets the messages")
_NO_NUMBER = Text("Enter a number, 0 if there are none")
_NO_TERMS = Text("Accept the terms of use to go on")


async def show(visit: Visit) -> Response:
    service = visit.the_service
    async with visit.reading() as t:
        steps = await changing.checklist(t, service)
        request = await go_live.latest(t.connection, service.id)
    said = ((_STEPS[step], PROGRESS[how]) for step, how in steps.items())
    return visit.page(
        "teams/go_live.html",
        title=Text("Go live"),
        form=visit.filled(),
        tasks=[(visit.say(label), path, visit.say(word), kind) for (label, path), (word, kind) in said],
        is_complete=all(each is Progress.DONE for each in steps.values()),
        request=request,
    )


async def ask(visit: Visit) -> Response:
    if (await visit.form())["terms"] != "yes":
        return visit.invalid(HOME, {"terms": _NO_TERMS})
    try:
        async with visit.writing() as t:
            asked = await changing.ask(t, str(visit.the_service.id), visit.the_user.id)
            approvers = await _approvers(t, visit.the_service)
    except TextError as error:
        return visit.invalid(HOME, {"terms": error.text})
    await letters.asked(visit, visit.the_service, asked, approvers)
    return visit.to(HOME, notice=Text("Your request is sent. We write to the team once it is decided"))


async def show_use_case(visit: Visit) -> Response:
    async with visit.reading() as t:
        request = await go_live.latest(t.connection, visit.the_service.id)
    return visit.page(
        "teams/use_case.html",
        title=Text("What is the service for?"),
        form=visit.filled(**_written(request)),
        volumes=[(name, visit.say(label)) for name, label in VOLUMES.items()],
        limit=MAX_CHARACTERS,
    )


async def take_use_case(visit: Visit) -> Response:
    form = await visit.form()
    numbers = {name: _number(form, name) for name in VOLUMES}
    errors = {name: _NO_NUMBER for name, number in numbers.items() if number is None}
    if not form["recipients"].strip():
        errors = {"recipients": _NO_RECIPIENTS} | errors
    if not form["purposes"].strip():
        errors = {"purposes": _NO_PURPOSES} | errors
    if errors:
        return visit.invalid(USE_CASE, errors)
    use_case = UseCase(purposes=form["purposes"], recipients=form["recipients"], **numbers)  # type: ignore[typeddict-item]
    try:
        async with visit.writing() as t:
            await changing.write_use_case(t, str(visit.the_service.id), use_case)
    except TextError as error:
        return visit.invalid(USE_CASE, {"purposes": error.text})
    return visit.to(HOME, notice=Text("Your answers are saved"))


def _number(form: Form, name: str) -> int | None:
    """However thousands are grouped; None: it is none."""
    digits = "".join(form[name].replace(",", "").split())
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None


def _written(request: GoLiveRequest | None) -> dict[str, str]:
    return {name: str(value) for name, value in request.use_case.items()} if request else {}


async def _approvers(t: Transaction, service: Service) -> list[User]:
    """Of the service's organisation; operators look at their list."""
    if service.organisation_id is None:
        return []
    found = await organisations.find(t.connection, service.organisation_id)
    people = await users.of_ids(t.connection, t.secret, found.approvers if found else ())
    return [*people.values()]


ROUTES = (
    Route("GET", HOME, show, Permission.MANAGE_SERVICE),
    Route("POST", HOME, ask, Permission.MANAGE_SERVICE),
    Route("GET", USE_CASE, show_use_case, Permission.MANAGE_SERVICE),
    Route("POST", USE_CASE, take_use_case, Permission.MANAGE_SERVICE),
)
