"""The addresses of the page, and what each answers. GET and HEAD never act; nothing posts by itself."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, redirect, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from reminderd import metrics
from reminderd.drafts.sturdy import Sturdy
from reminderd.errors import ReminderdError, UsageError
from reminderd.rules.states import State
from reminderd.signing import ON_NUDGES, Grant, Purpose, Signer
from reminderd.store.lookup import find_nudge
from reminderd.store.tables import User
from reminderd.web.acts import Act, View
from reminderd.web.gate import COOKIE, HEADERS, PAGE_HEADERS, Gate
from reminderd.web.overview import SPANS, Overview
from reminderd.web.words import words
from reminderd.wiring import House

log = logging.getLogger(__name__)

LARGEST = 64 * 1024
"""Bytes of a request's body."""
NOTE_ROOM = 1000
_SAID = frozenset({"done", "skip", "snooze", "note", "full", "nothing_noted", "was"})


def make_app(house: House, clock: Callable[[], dt.datetime]) -> Flask:
    """The application for one house."""
    app = Flask("reminderd.web", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    page = _Page(house, clock)
    rules: list[tuple[str, Callable[..., Any], list[str]]] = [
        ("/", page.overview, ["GET"]),
        ("/nudge/<int:number>", page.nudge, ["POST"]),
        ("/leave", page.leave, ["POST"]),
        ("/in/<token>", page.enter, ["GET", "POST"]),
        ("/a/<token>", page.action, ["GET", "POST"]),
        ("/u/<token>", page.unsubscribe, ["GET", "POST"]),
        ("/style.css", page.style, ["GET"]),
        ("/twilio/inbound", page.twilio_inbound, ["POST"]),
        ("/twilio/status", page.twilio_status, ["POST"]),
    ]
    for path, view, methods in rules:
        app.add_url_rule(path, view.__name__, view, methods=methods, provide_automatic_options=False)
    if house.settings.metrics == "on":
        for path, answer in metrics.pages(house.store, clock()).items():
            app.add_url_rule(path, path, _plain(answer, clock), methods=["GET"], provide_automatic_options=False)
    app.register_error_handler(HTTPException, page.refused)
    app.register_error_handler(Exception, page.broke)
    app.after_request(_with_headers)
    app.wsgi_app = _Prefix(app.wsgi_app, urlsplit(house.settings.site_root or "").path)  # type: ignore[method-assign]
    return app


class _Page:
    def __init__(self, house: House, clock: Callable[[], dt.datetime]) -> None:
        self._house, self._clock = house, clock
        signer = Signer(house.sender.key)
        self._signer = signer
        self._gate = Gate(signer, house.settings.site_root)
        self._style = Sturdy(house.library).render("web/style.css.j2", {})

    # ---- links in messages

    def action(self, token: str) -> Response:
        """A link of a nudge."""
        now = self._clock()
        grant = self._signer.read(token, now)
        if grant is None or grant.purpose not in ON_NUDGES:
            return self._gone()
        if grant.purpose is Purpose.DRAFT:
            return self._draft(grant, now)
        if request.method != "POST":
            return self._asked(grant, now)
        chosen = [int(number) for number in request.form.getlist("n") if number.isdecimal() and len(number) < 10]
        return self._acted(grant, now, chosen)

    def unsubscribe(self, token: str) -> Response:
        """Stop all mail: one click of the mail program's own (RFC 8058), or the button."""
        now = self._clock()
        grant = self._signer.read(token, now)
        if grant is None or grant.purpose is not Purpose.STOP:
            return self._gone()
        return self._acted(grant, now) if request.method == "POST" else self._asked(grant, now)

    def _asked(self, grant: Grant, now: dt.datetime) -> Response:
        with self._reading() as session:
            user = session.get(User, grant.user_id)
            view = self._act(session, user, now).ask(grant) if user is not None else None
            return self._small(view, user) if view is not None and user is not None else self._gone()

    def _acted(self, grant: Grant, now: dt.datetime, chosen: list[int] | None = None) -> Response:
        with self._writing(grant.user_id) as (session, user):
            view = self._act(session, user, now).act(grant, chosen or []) if user is not None else None
            if view is None or user is None:
                return self._gone()
        log.info("link_used user=%s purpose=%s", grant.user_id, grant.purpose)
        return self._small(view, user)

    def _draft(self, grant: Grant, now: dt.datetime) -> Response:
        """The draft with its own buttons; they lead to the links for done, snooze and skip."""
        if request.method != "GET":
            return self._gone()
        with self._reading() as session:
            user = session.get(User, grant.user_id)
            if user is None:
                return self._gone()
            try:
                nudge = find_nudge(session, user, grant.number)
            except UsageError:
                return self._gone()
            over = self._act(session, user, now).over(Purpose.SKIP, nudge)
            owed = Overview(session, user, self._house.composer.carrier, now).owed([nudge])[0]
            purposes = [] if over else [Purpose.DONE, Purpose.SNOOZE, Purpose.SKIP]
            links = [
                {
                    "label": words(user.language)[f"do_{purpose}"],
                    "path": f"a/{self._signer.sign(Grant(user.id, purpose, nudge.number), now)}",
                }
                for purpose in purposes
            ]
            names = {"one": owed, "links": links, "over": over.heading if over else ""}
            return self._render("draft", user, names)

    # ---- the page

    def enter(self, token: str) -> Response:
        """The way in: the button sets the cookie."""
        now = self._clock()
        grant = self._signer.read(token, now)
        if grant is None or grant.purpose is not Purpose.ENTER:
            return self._gone()
        with self._reading() as session:
            user = session.get(User, grant.user_id)
        if user is None:
            return self._gone()
        if request.method != "POST":
            say = words(user.language)
            return self._small(View(say["ask_enter"], (user.name,), button=say["do_enter"]), user)
        if not self._gate.is_our_own(request.headers, token=True):
            return self._message("refused", 403)
        response = self._home()
        response.set_cookie(
            COOKIE,
            self._gate.cookie(user.id, now),
            max_age=dt.timedelta(days=30),
            httponly=True,
            secure=self._gate.is_encrypted,
            samesite="Lax",
            path=request.script_root or "/",
        )
        return response

    def leave(self) -> Response:
        """Forget the cookie."""
        if not self._gate.is_our_own(request.headers):
            return self._message("refused", 403)
        response = self._home()
        response.delete_cookie(COOKIE, path=request.script_root or "/", httponly=True, samesite="Lax")
        return response

    def overview(self) -> Response:
        """The page."""
        now = self._clock()
        with self._reading() as session:
            user = self._visitor(session, now)
            if user is None:
                return self._message("enter_first", 403)
            overview = Overview(session, user, self._house.composer.carrier, now)
            names = overview.names() | {"banner": self._banner(session, user, now)}
            return self._render("page", user, names, PAGE_HEADERS)

    def nudge(self, number: int) -> Response:
        """What a form of the page asks for."""
        now = self._clock()
        if not self._gate.is_our_own(request.headers):
            return self._message("refused", 403)
        user_id = self._gate.user_id(request.cookies.get(COOKIE), now)
        if user_id is None:
            return self._message("enter_first", 403)
        with self._writing(user_id) as (session, user):
            said = self._worked(session, user, number, request, now) if user is not None else None
        return self._gone() if said is None else self._home(f"?said={said}&n={number}")

    def _worked(self, session: Session, user: User, number: int, asked: Request, now: dt.datetime) -> str | None:
        """Do it; the word that the page then says, or ``None`` for what there is not."""
        act, form = self._act(session, user, now), asked.form
        try:
            nudge = find_nudge(session, user, number)
        except UsageError:
            return None
        what = form.get("action", "")
        if what == "note":
            text = form.get("text", "").strip()[:NOTE_ROOM]
            if not text:
                return "nothing_noted"
            return "note" if self._house.actions.note(session, nudge, text) else "full"
        if what == "done":
            if act.over(Purpose.DONE, nudge):
                return "was"
            act.done([nudge])
            return what
        if what == "skip":
            if act.over(Purpose.SKIP, nudge):
                return "was"
            act.skip(nudge)
            return what
        if what == "snooze" and form.get("span") in SPANS:
            if nudge.state != State.OPEN:
                return "was"
            act.snooze(nudge, SPANS[form["span"]])
            return what
        return None

    def _banner(self, session: Session, user: User, now: dt.datetime) -> str:
        """What was just done, told from how the nudge stands."""
        said, number = request.args.get("said", ""), request.args.get("n", "")
        if said not in _SAID or not (number.isdecimal() and len(number) < 10):
            return ""
        try:
            nudge = find_nudge(session, user, int(number))
        except UsageError:
            return ""
        act, say = self._act(session, user, now), words(user.language)
        if said in ("full", "nothing_noted"):
            told = say[said]
        elif said == "was":
            told = say.get(f"was_{nudge.state}", "")
        else:
            told = say[f"did_{said}"].format(when=act.moment(nudge.snoozed_until or now))
        return f"{act.lines([nudge])[0]}: {told}"

    # ---- Twilio

    def twilio_inbound(self) -> Response:
        from reminderd.web.hooks import Hooks  # brings Twilio's SDK

        hooks = Hooks(self._house)
        return hooks.inbound(request, self._clock()) if hooks.is_signed(request) else self._message("refused", 403)

    def twilio_status(self) -> Response:
        from reminderd.web.hooks import Hooks

        hooks = Hooks(self._house)
        return hooks.status(request, self._clock()) if hooks.is_signed(request) else self._message("refused", 403)

    # ---- answering

    def style(self) -> Response:
        response = Response(self._style, mimetype="text/css")
        response.headers["Cache-Control"] = "max-age=3600"
        return response

    def refused(self, error: HTTPException) -> Response:
        """404 and 405 in the same constant words; nothing says which paths or methods there are."""
        if error.code in (404, 405):
            return self._gone()
        return self._message("refused", error.code or 400)

    def broke(self, error: Exception) -> Response:
        if isinstance(error, ReminderdError):
            log.warning("page_put_off reason=%s", error.reason)
            return self._message("busy", 503)
        log.error("page_broke", exc_info=error)
        return self._message("broke", 500)

    def _gone(self) -> Response:
        say = words("en")
        return self._render("small", None, {"view": View(say["gone"], (say["gone_more"],))}, status=404)

    def _message(self, name: str, status: int) -> Response:
        return self._render("small", None, {"view": View(words("en")[name])}, status=status)

    def _small(self, view: View, user: User) -> Response:
        return self._render("small", user, {"view": view})

    def _render(
        self,
        name: str,
        user: User | None,
        names: dict[str, Any],
        headers: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        language = user.language if user is not None else "en"
        shared = {"say": words(language), "language": language.partition("_")[0], "root": request.script_root}
        text = Sturdy(self._house.library).render(f"web/{name}.html.j2", shared | names, language)
        response = Response(text, status=status, mimetype="text/html")
        response.headers.update(headers or {})
        return response

    def _home(self, query: str = "") -> Response:
        response = redirect(f"{request.script_root}/{query}", 303)
        assert isinstance(response, Response)
        return response

    # ---- whose

    def _visitor(self, session: Session, now: dt.datetime) -> User | None:
        user_id = self._gate.user_id(request.cookies.get(COOKIE), now)
        return session.get(User, user_id) if user_id is not None else None

    def _act(self, session: Session, user: User | None, now: dt.datetime) -> Act:
        assert user is not None
        return Act(self._house.actions, self._house.ways, session, user, now)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """One snapshot. What the drafts' makers note on its rows is forgotten, not written."""
        with self._house.store.reading() as session, session.no_autoflush:
            yield session

    @contextmanager
    def _writing(self, user_id: int) -> Iterator[tuple[Session, User | None]]:
        """One transaction for a user, whose row is locked; the daemon is woken."""
        with self._house.store.writing(wake=True) as session:
            yield session, session.get(User, user_id, with_for_update=True)


def _plain(answer: metrics.Page, clock: Callable[[], dt.datetime]) -> Callable[[], Response]:
    def view() -> Response:
        status, kind, body = answer(clock())
        return Response(body, status=status, content_type=kind)

    return view


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class _Prefix:
    """The public address may have a path of its own, which a proxy hands on or takes off."""

    def __init__(self, app: Callable[..., Iterable[bytes]], prefix: str) -> None:
        self._app, self._prefix = app, prefix

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._prefix:
            path = environ.get("PATH_INFO", "")
            if path == self._prefix or path.startswith(f"{self._prefix}/"):
                environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
            environ["SCRIPT_NAME"] = self._prefix
        return self._app(environ, start_response)
