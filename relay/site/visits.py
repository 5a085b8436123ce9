"""A visit: one request and who makes it. What a handler is given, and how it answers.

What is to be kept beside the answer (a draft, a notice, that somebody was there) is noted here, and written once the
handler is done.
"""

from collections.abc import Collection, Container, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from auth import pace
from auth.audit import Actor
from auth.bans import place
from auth.people import drafts, sessions
from auth.people.drafts import Draft
from auth.people.permissions import Permission
from auth.people.sessions import Factor, Session
from auth.people.users import User
from auth.principal import Service
from messages.message import Language
from messages.text import Text
from relay.actions.transaction import Transaction
from relay.site import csrf, forms, language, layout, navigation
from relay.site.errors import TooOften
from relay.site.forms import Form, Shown
from relay.site.parts import Site
from relay.site.routing import Needs
from relay.site.standing import Hurdle, Standing

_SESSIONS = (120, 600)  # of nobody, from one address: each holds a few drafts, which take room for a day
_MAX_NEXT_CHARACTERS = 2000  # it is written again at each step of the way
COOKIE = {True: "__Host-session", False: "session"}  # without TLS browsers refuse the prefix: on this machine only


class Visit:
    def __init__(
        self,
        site: Site,
        request: Request,
        spoken: Language,
        path: str,
        standing: Standing,
        known: Container[str] = (),
    ) -> None:
        """`known` are the paths of all routes."""
        self.site = site
        self.request = request
        self.language = spoken
        self.path = path  # without the language
        self.standing = standing
        self._known = known
        self.now = site.now()
        self.cookie: str | None = None  # the token that the browser is to have from now on; empty: none
        self.kept: tuple[str, Draft] | None = None
        self.notice: dict[str, Any] | None = None
        self.is_notice_shown = False
        self._form: Form | None = None
        self._translate = site.words.translator(spoken)

    # -- Who ----------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        return self.standing.session

    @property
    def user(self) -> User | None:
        return self.standing.user

    @property
    def service(self) -> Service | None:
        return self.standing.service

    @property
    def the_session(self) -> Session:
        """For who has one: everybody who is signed in, or on the way."""
        assert self.session is not None
        return self.session

    @property
    def the_user(self) -> User:
        """Who is signed in: where a route needs that, somebody is."""
        assert self.user is not None
        return self.user

    @property
    def the_service(self) -> Service:
        """That of a path with {service_id}."""
        assert self.service is not None
        return self.service

    def allows(self, permission: Permission) -> bool:
        return permission in self.standing.permissions

    def sees(self, link: navigation.Link) -> bool:
        """Whether a link is for them."""
        if link.path not in self._known:
            return False
        if link.needs is Needs.NOBODY:
            return not link.is_for_strangers or self.user is None
        return self.user is not None and (link.needs is not Needs.OPERATOR or self.user.operator)

    def is_within(self, path: str) -> bool:
        """Whether this page is at or below that path."""
        found = self.url(path)
        here = self.request.url.path
        return here == found or here.startswith(found + "/")

    def is_at(self, entry: navigation.Entry) -> bool:
        """Whether an entry of the navigation is the one that this page belongs to."""
        if entry.is_root:
            return self.request.url.path == self.url(entry.path)
        return any(self.is_within(path) for path in (entry.path, *entry.also))

    @property
    def idle_seconds(self) -> int:
        """After so long without a request the session is locked."""
        return round(sessions.IDLE_SECONDS)

    @property
    def network(self) -> str:
        """The address that the visitor comes from."""
        return self.request.client.host if self.request.client else ""

    @property
    def device(self) -> str:
        """What the browser calls itself."""
        return self.request.headers.get("user-agent", "")

    @property
    def actor(self) -> Actor:
        """For the audit: a user by the id that outlives name and address."""
        return Actor("user", str(self.the_user.id))

    def writing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction for relay/actions, in the visitor's name."""
        return self.site.writing(self.actor)

    def writing_in_office(self) -> AbstractAsyncContextManager[Transaction]:
        """Likewise where operators may what others may not: they act as such, whatever team they are of."""
        return self.site.writing(Actor("operator", str(self.the_user.id)) if self.the_user.operator else self.actor)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Likewise, for what changes nothing."""
        return self.site.reading(self.actor)

    def writing_as_nobody(self) -> AbstractAsyncContextManager[Transaction]:
        """The same before anybody is signed in: the audit knows who it is about."""
        return self.site.writing(Actor("visitor", self.session.id.hex if self.session else "new"))

    def take(self, what: str, limit: int, seconds: int) -> None:
        """Once more of what costs this process. Raises TooOften, as `reach`."""
        if not min(self.site.pace.take(what, each, limit, seconds) for each in self._both):  # counted of both
            raise TooOften(limit, seconds)

    async def reach(self, what: str, limit: int, seconds: int) -> None:
        """Once more of what reaches others. Raises TooOften: neither a service nor a person, of however many services
        they are, does it more often than so.
        """
        if not await self.may(what, self._both, limit, seconds):
            raise TooOften(limit, seconds)

    async def reach_unknown(self, what: str, limit: int, seconds: int) -> None:
        """The same of who need not sign in, by the address that they come from."""
        if not await self.may(what, [place(self.network)], limit, seconds):
            raise TooOften(limit, seconds)

    async def may(self, what: str, whose: Collection[str], limit: int, seconds: int) -> bool:
        """Whether each of them may, once more; counted by all processes and machines together."""
        async with self.site.database.write() as connection:
            return await pace.take(connection, self.site.secret, what, whose, limit, seconds, self.now)

    @property
    def _both(self) -> list[str]:
        """The person, and the service that they act in."""
        return [str(each.id) for each in (self.the_user, self.service) if each is not None]

    # -- Words and addresses ------------------------------------------------------------------------------------------

    def say(self, text: Text | str) -> str:
        return text.render(self._translate) if isinstance(text, Text) else text

    def url(self, path: str = "", /, **query: object) -> str:
        """Of a page in the visit's language. `{service_id}` and the like stay those of this page unless they are given.

        What the path does not name is the query.
        """
        return self.url_in(self.language, path, **query)

    def url_in(self, spoken: Language, path: str, /, **query: object) -> str:
        named = {**self.request.path_params, **{name: str(value) for name, value in query.items()}}
        filled = path.format_map(named)
        rest = {name: value for name, value in query.items() if f"{{{name}}}" not in path}
        return f"/{spoken}" + (f"/{filled}" if filled else "") + (f"?{urlencode(rest)}" if rest else "")

    def here_in(self, spoken: str) -> str:
        """This page, query and all, in one of the languages."""
        query = f"?{self.request.url.query}" if self.request.url.query else ""
        return f"/{spoken}" + (f"/{quote(self.path)}" if self.path else "") + query

    @property
    def next_url(self) -> str | None:
        """Where the visitor was going before signing in: a page of ours, or nothing."""
        return local(self.request.query_params.get("next", ""))

    def url_onward(self, path: str) -> str:
        """Of a page on the way to where the visitor was going."""
        return self.url(path, **self._next)

    @property
    def _next(self) -> dict[str, object]:
        return {"next": self.next_url} if self.next_url else {}

    # -- Forms --------------------------------------------------------------------------------------------------------

    async def form(self) -> Form:
        """What was posted; that it comes from a page of ours was checked before the handler."""
        if self._form is None:
            self._form = Form()
        return self._form

    def received(self, form: Form) -> None:
        self._form = form

    def filled(self, **defaults: str | list[str]) -> Shown:
        """The form of this page: as it was sent, now or when it could not be done, else with `defaults`."""
        sent = self.standing.draft if self._form is None else self._form.draft({})
        return forms.shown(sent, defaults, self._translate)

    def draft(self) -> Draft | None:
        return self.standing.draft

    @property
    def csrf(self) -> str:
        """The token of every form of this page; gives the browser a cookie where it has none."""
        token = self.cookie or self.standing.token
        if not token:
            token = self.cookie = sessions.new_token()
        return csrf.token(self.site.secret, token)

    # -- Answers ------------------------------------------------------------------------------------------------------

    def page(self, template: str, /, *, title: Text | str, status: int = 200, **values: object) -> Response:
        """A page of its own title. With `form=visit.filled()` it says so when something in that is wrong."""
        form = values.get("form")
        notice = sessions.notice_of(self.session, self.site.secret) if self.session else None
        self.is_notice_shown = notice is not None
        shown = {
            "visit": self,
            "title": self.say(title),
            "errors": form.errors if isinstance(form, Shown) else {},
            "notice": forms.sentence(forms.text(notice), self._translate) if notice else None,
            "product": self.site.settings.site.names[self.language],
            "government": self.site.settings.branding.names[self.language],
            "navigation": navigation,
            **values,
        }
        html = layout.render(template, self.language, self._translate, **shown)
        return HTMLResponse(html, status, {"Content-Language": self.language.value})

    def piece(self, template: str, /, **values: object) -> Response:
        """A piece of a page, for a script that renews it."""
        html = layout.render(template, self.language, self._translate, visit=self, **values)
        return HTMLResponse(html, headers={"Content-Language": self.language.value})

    def to(self, path: str, /, *, notice: Text | None = None, **query: object) -> Response:
        """After a post: the page that shows what was done. `notice` is told there, once."""
        self._note(notice)
        return RedirectResponse(self.url(path, **query), 303)

    def onward(self, path: str, /, *, notice: Text | None = None, **query: object) -> Response:
        """As `to`, on the way to where the visitor was going."""
        return self.to(path, notice=notice, **query, **self._next)

    def back(self, default: str = "", *, notice: Text | None = None) -> Response:
        """Where the visitor was going, else to `default`."""
        self._note(notice)
        return RedirectResponse(self.next_url or self.url(default), 303)

    def _note(self, notice: Text | None) -> None:
        if notice is not None:
            values = {
                name: self.say(each) if isinstance(each, Text) else str(each) for name, each in notice.values.items()
            }
            self.notice = {"source": notice.source, "values": values}

    def keep(self, form: Form) -> None:
        """What was typed is shown again on this page: for what no address may name."""
        self.kept = (self.path, form.draft({}))

    def invalid(self, path: str, errors: Mapping[str, Text], /, **query: object) -> Response:
        """Keeps what was typed, and shows the form at `path` with what is wrong, by field. Secrets are not kept."""
        assert self._form is not None
        self.kept = (path.format_map(self.request.path_params), self._form.draft(errors))
        query = query or dict(self.request.query_params.items())
        return RedirectResponse(self.url(path, **query), 303)

    def at_hurdle(self, hurdle: Hurdle) -> Response:
        """To what has to be done first, and then back here."""
        path, query = self.request.url.path, self.request.url.query
        here = f"{path}?{query}" if query and len(path) + len(query) < _MAX_NEXT_CHARACTERS else path
        return RedirectResponse(self.url(hurdle.value, next=here), 303)

    # -- Signing in and out -------------------------------------------------------------------------------------------

    async def begin(
        self, connection: AsyncConnection, user_id: UUID | None, factors: Mapping[Factor, float]
    ) -> Session:
        """A session of this user, or nobody's yet, under a new token, with what was typed before. The old one ends."""
        before, self.cookie = self.session, sessions.new_token()
        made = await sessions.begin(
            connection,
            self.cookie,
            self.now,
            user_id=user_id,
            factors=factors,
            device=self.device,
            network=self.network,
        )
        if before is not None:
            await drafts.adopt(connection, before.id, user_id if user_id and made.is_signed_in else made.id)
            await sessions.end(connection, before.id)
        return self._now_in(made)

    async def prove(self, connection: AsyncConnection, factor: Factor) -> Session:
        """One more factor of this session's user; a new token. Once signed in, or unlocked, drafts are found again."""
        before = self.session
        assert before is not None
        assert before.user_id is not None
        self.cookie = sessions.new_token()
        made = await sessions.prove(connection, before, self.cookie, factor, self.now)
        if made.is_signed_in and not before.is_signed_in:
            await drafts.adopt(connection, before.id, before.user_id)
        return self._now_in(made)

    def forget(self) -> None:
        """The session has ended; the browser's cookie goes with it."""
        self.cookie = ""
        self.standing = Standing()

    async def sign_out(self, connection: AsyncConnection) -> None:
        if self.session is not None:
            await sessions.end(connection, self.session.id)
        self.forget()

    def _now_in(self, session: Session) -> Session:
        self.standing = Standing(self.cookie, session, self.user, draft=self.standing.draft)
        return session

    # -- What is written once the handler is done ---------------------------------------------------------------------

    async def finish(self, connection: AsyncConnection, *, is_seen: bool) -> None:
        session = self.session
        if session is None and (self.kept or self.notice):
            session = await self._begin_of_nobody(connection)
        if session is None:
            return
        if is_seen:
            await sessions.see(connection, session.id, self.network, self.now)
        if self.notice or self.is_notice_shown:
            await sessions.put_notice(connection, self.site.secret, session.id, self.notice)
        owner = Standing(session=session).owner
        assert owner is not None
        if self.kept:
            most = drafts.MAX_DRAFTS if session.is_signed_in else drafts.MAX_OF_NOBODY
            await drafts.keep(connection, self.site.secret, owner, *self.kept, self.now, at_most=most)
        elif self.is_answered:
            await drafts.drop(connection, owner, self.path)

    async def _begin_of_nobody(self, connection: AsyncConnection) -> Session:
        if not self.site.pace.take("session", self.network, *_SESSIONS):
            raise TooOften(*_SESSIONS)
        if not (token := self.cookie or self.standing.token):
            token = self.cookie = sessions.new_token()
        return await sessions.of_nobody(connection, token, self.now, device=self.device, network=self.network)

    @property
    def is_answered(self) -> bool:
        """A form was posted that had been kept, and could be done now."""
        return self.request.method == "POST" and self.standing.draft is not None and self.kept is None

    def has_to_write(self, *, is_seen: bool) -> bool:
        return bool(is_seen or self.notice or self.is_notice_shown or self.kept or self.is_answered)

    def set_cookie(self, response: Response) -> None:
        if self.cookie is None:
            return
        secure = self.site.settings.site.is_secure
        shared: dict[str, Any] = {"path": "/", "secure": secure, "httponly": True, "samesite": "lax"}
        if self.cookie:
            response.set_cookie(COOKIE[secure], self.cookie, **shared)
        else:
            response.delete_cookie(COOKIE[secure], **shared)


def local(url: str) -> str | None:
    """A path of ours, in one of our languages; None for what leads elsewhere, however it is written."""
    if len(url) > _MAX_NEXT_CHARACTERS:
        return None
    spoken, _ = language.split(url.partition("?")[0])
    plain = url.startswith("/") and not url.startswith("//") and url.isascii() and url.isprintable() and "\\" not in url
    return url if spoken is not None and plain else None
