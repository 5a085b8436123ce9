"""The routes that manage where answers to the service's messages may go. Each address proves itself by a code."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response

from auth import pace, reply_tos
from auth.reply_tos import ReplyToAddress
from config.words import Words
from messages.reply import Refused
from messages.text import Text, TextError
from relay.actions import reply_tos as changing
from relay.actions.services import check_own
from relay.actions.transaction import Transaction
from relay.http.documentation import body, failures
from relay.http.errors import CODES_ENOUGH, ApiError, Asker, of_refused
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit, told
from relay.http.receiving import Receiving
from relay.http.requests import Uuid
from relay.notices import reply_tos as letters
from relay.notices.contact import Contacts
from relay.plain import plain

_REPLY_TOS = Text("reply-to addresses")

Id = Annotated[Uuid, Path(alias="id", description="The address's id")]


def routes(desk: Desk, receiving: Receiving, contacts: Contacts, words: Words) -> APIRouter:
    """An address is named in a body, never in a path: logs on the way keep those."""
    router = APIRouter(prefix="/v2/manage-reply-to", tags=["Management: reply-to addresses"])
    Admin = Annotated[Visit, desk.managing(_REPLY_TOS)]  # noqa: N806 - a type
    mailing = _Mailing(desk, contacts, words)
    read = failures(400, 401, 403, 429, 500, 503)
    one = {200: {"model": shapes.ReplyTo}, **read, **failures(404)}
    done = {200: {"model": shapes.Done}, **read, **failures(404)}
    written = failures(400, 401, 403, 408, 413, 415, 429, 500, 503)

    @router.post(
        "",
        summary="Add a reply-to address",
        status_code=201,
        response_model=None,
        responses={201: {"model": shapes.ReplyTo}, **written},
        openapi_extra=body(shapes.NewReplyTo),
    )
    async def add_reply_to(request: Request, visit: Admin) -> Response:
        """Add an address for answers, and mail it a code. No message may name it before that is given back."""
        asked = await receiving.read(request, visit.principal, shapes.NewReplyTo)

        async def begin(t: Transaction) -> tuple[ReplyToAddress, str]:
            await check_own(t)
            return await changing.begin(t, str(visit.service.id), asked.address)

        await mailing.count(visit)
        made, code = await visit.do(begin)
        await mailing.mail(visit, made, code)
        return JSONResponse(_shown(made, is_default=False), 201)

    @router.get(
        "", summary="List reply-to addresses", response_model=None, responses={200: {"model": shapes.ReplyTos}, **read}
    )
    async def list_reply_tos(visit: Admin) -> Response:
        """The service's addresses for answers."""

        async def look(t: Transaction) -> list[dict[str, Any]]:
            owner = await t.service(str(visit.service.id))
            found = await reply_tos.list_all(t.connection, owner.id)
            return [_shown(each, is_default=changing.is_default(each, owner)) for each in found]

        return JSONResponse({"reply_to_addresses": await visit.do(look)})

    @router.post("/{id}/code", summary="Mail another code", response_model=None, responses=done)
    async def mail_reply_to_code(visit: Admin, reply_to_id: Id) -> Response:
        """Mail the address another code, which ends the one before."""

        async def again(t: Transaction) -> tuple[ReplyToAddress, str]:
            await check_own(t)
            return await changing.send_again(t, str(visit.service.id), str(reply_to_id))

        await mailing.count(visit)
        await mailing.mail(visit, *await visit.do(again))
        return JSONResponse({"result": "success"})

    @router.post(
        "/{id}/verify",
        summary="Verify a reply-to address",
        response_model=None,
        responses={**one, **written},
        openapi_extra=body(shapes.ReplyToCode),
    )
    async def verify_reply_to(request: Request, visit: Admin, reply_to_id: Id) -> Response:
        """Confirm the address by the code that it was mailed. The first is the default."""
        asked = await receiving.read(request, visit.principal, shapes.ReplyToCode)

        async def confirm(t: Transaction) -> dict[str, Any] | TextError:
            found = await changing.confirm(t, str(visit.service.id), str(reply_to_id), asked.code)
            return found if isinstance(found, TextError) else await _of_now(t, found)

        found = await visit.do(confirm)
        with told():
            if isinstance(found, TextError):  # raised here, where the try is counted
                raise found
        return JSONResponse(found)

    @router.post("/{id}/default", summary="Make a reply-to address the default", response_model=None, responses=one)
    async def make_reply_to_default(visit: Admin, reply_to_id: Id) -> Response:
        """Answers go there where neither a message nor its key names another address."""

        async def make(t: Transaction) -> dict[str, Any]:
            return await _of_now(t, await changing.make_default(t, str(visit.service.id), str(reply_to_id)))

        return JSONResponse(await visit.do(make))

    @router.delete("/{id}", summary="Remove a reply-to address", response_model=None, responses=done)
    async def remove_reply_to(visit: Admin, reply_to_id: Id) -> Response:
        """Remove an address, if it is not the default. Messages that named it keep it."""
        await visit.do(lambda t: changing.remove(t, str(visit.service.id), str(reply_to_id)))
        return JSONResponse({"result": "success"})

    return router


class _Mailing:
    """Codes, on their way to those who have to read them."""

    def __init__(self, desk: Desk, contacts: Contacts, words: Words) -> None:
        self._desk, self._contacts, self._words = desk, contacts, words

    async def count(self, visit: Visit) -> None:
        """Raises ApiError where the service had so many, by whichever door."""
        limit, seconds = letters.PACE
        desk, whose = self._desk, [str(visit.service.id)]
        async with desk.database.write() as connection:
            may = await pace.take(connection, desk.secret, "reply-to", whose, limit, seconds, desk.now())
        if not may:
            raise ApiError.of(CODES_ENOUGH, {"Retry-After": str(seconds)}, limit=limit)

    async def mail(self, visit: Visit, made: ReplyToAddress, code: str) -> None:
        """Raises ApiError: the address is there, and another code can be asked for."""
        desk = self._desk
        try:
            await letters.write(self._contacts, self._words, visit.service, made, code, desk.now())
        except Refused as refused:
            raise of_refused(refused, Asker(desk.docs, visit.principal), desk.now()) from None


async def _of_now(t: Transaction, found: ReplyToAddress) -> dict[str, Any]:
    return _shown(found, is_default=changing.is_default(found, await t.service(str(found.service_id))))


def _shown(found: ReplyToAddress, *, is_default: bool) -> dict[str, Any]:
    row = plain(found)
    del row["service_id"]
    return row | {"default": is_default}
