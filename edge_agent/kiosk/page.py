"""The kiosk's page: server-rendered, one address, told of changes by server-sent events.

- ``/`` is the whole page, ``/screen`` the part that changes; the address never says anything about anybody.
- A form goes to ``/act`` and answers with the new screen (or, without script, by going back to ``/``).
- ``/events`` tells the browser that something changed, never what: it fetches ``/screen``. When a visit ends it says ``wipe``, the
  browser goes to ``/wiped``, which clears what a browser keeps, and from there to a fresh ``/``.
- The browser reconnects by itself; while the agent is away the page shows "restarting" and nothing of the visit.
- ``guarding`` decides who may talk to it; ``showing`` what it may know; here is only HTTP.

Example: ``uvicorn.run(create_page(agent, random_bytes=random_bytes, clock=clock), host="127.0.0.1", port=8800)``
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from importlib import resources
from typing import Any, Final

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_agent.agent import KioskAgent
from edge_agent.kiosk.acts import events_of
from edge_agent.kiosk.bodies import taken_whole
from edge_agent.kiosk.guarding import HEADERS, HEARD_FROM_ELSEWHERE, SESSION_BYTES, WIPE_HEADERS, Guard, is_loopback
from edge_agent.kiosk.look_up import said_by_code
from edge_agent.kiosk.ports import Deck
from edge_agent.kiosk.showing import name_of, shown
from edge_agent.kiosk.streaming import Stream, event_text
from edge_agent.voices.prompts import heard, sound_of
from edge_agent.voices.speaking import Voice
from residence.clock import Clock
from residence.errors import LuutruError, Malformed, sentence

KEEPALIVE_SECONDS: Final = 10.0
MOST_WATCHERS: Final = 32
ACT_SECONDS: Final = 5.0
LARGEST_FORM: Final = 16 * 1024


class Page:
    """The routes. One per process."""

    def __init__(
        self,
        agent: KioskAgent,
        *,
        random_bytes: Callable[[int], bytes],
        clock: Clock,
        deck: Deck | None = None,
        voice: Voice | None = None,
    ) -> None:
        self._agent = agent
        self._voice = voice
        self._deck = deck
        self._random_bytes = random_bytes
        self._clock = clock
        self._guard = Guard(random_bytes(32))
        self._cookie = f"luutru_{agent.profile.kiosk.id}"
        self._streams: set[Stream] = set()
        self._ended = False
        self._alive_ns: int | None = None  # when the browser last gave a sign of life
        self._templates = Environment(
            loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def routes(self) -> list[Route | Mount]:
        """Return every route of the page."""
        static = StaticFiles(directory=str(resources.files(__package__).joinpath("static")))
        return [
            Route("/", self.whole),
            Route("/screen", self.screen),
            Route("/act", self.act, methods=["POST"]),
            Route("/events", self.events),
            Route("/receipt.svg", self.receipt),
            Route("/prompt.wav", self.prompt),
            Route("/wiped", self.wiped),
            Route("/alive", self.alive),
            Route("/health", self.health),
            Mount("/static", static),
        ]

    async def whole(self, request: Request) -> Response:
        """Draw the whole page, with a session if there is none."""
        return self._draw("page.html", request)

    async def screen(self, request: Request) -> Response:
        """Draw the part that changes."""
        return self._draw("screen.html", request)

    async def act(self, request: Request) -> Response:
        """Take one form, hand its events to the agent, draw what came of it."""
        async with request.form(max_files=0, max_fields=20) as form:
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
        view = self._agent.view()
        try:
            self._guard.check_post(
                host=request.headers.get("host", ""),
                origin=request.headers.get("origin", ""),
                session=request.cookies.get(self._cookie, ""),
                token=fields.get("token", ""),
                visit=view.visit,
            )
            events = (
                ()
                if fields.get("do", "").startswith("deck:")
                else events_of(fields, screen=name_of(view.state.screen), fresh_id=self._agent.fresh_id)
            )
        except LuutruError as error:
            return _refusal(error)
        if fields.get("do", "").startswith("deck:"):
            self._hold_sample(fields["do"])
        for event in events:
            await asyncio.wait_for(asyncio.wrap_future(self._agent.act(event)), ACT_SECONDS)
        if request.headers.get("x-part") == "screen":
            return self._draw("screen.html", request)
        return RedirectResponse("/", status_code=303)

    async def events(self, request: Request) -> Response:
        """Tell the browser of changes until it goes away."""
        if self._ended or len(self._streams) >= MOST_WATCHERS:
            return PlainTextResponse(status_code=503, headers={"Retry-After": "5"})
        return StreamingResponse(self._stream(request), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def receipt(self, request: Request) -> Response:
        """Draw the QR code of the present screen: a receipt's (``entry`` says whose in a group), or the one for a phone."""
        said = said_by_code(self._agent.view().state.screen, request.query_params.get("entry", "0"), self._agent.profile)
        if not said:
            return PlainTextResponse(status_code=404)
        drawing = io.BytesIO()
        code = segno.make(said, error="m", micro=False)
        code.save(drawing, kind="svg", border=2, omitsize=True, dark="#10243e", light="#fff")
        return Response(drawing.getvalue(), media_type="image/svg+xml")

    async def prompt(self, _request: Request) -> Response:
        """Say what the screen asks."""
        sound = await asyncio.to_thread(sound_of, self._agent.view().state, self._voice) if self._voice else None
        return Response(sound, media_type="audio/wav") if sound else PlainTextResponse(status_code=404)

    async def wiped(self, _request: Request) -> Response:
        """Clear what the browser keeps and begin a new session."""
        response = RedirectResponse("/", status_code=303, headers=WIPE_HEADERS)
        self._begin_session(response)
        return response

    async def alive(self, request: Request) -> Response:
        """Take the page's own sign of life; the local waiting page, which is none, only hears that somebody is there."""
        if request.headers.get("sec-fetch-site", "same-origin") == "same-origin":
            self._alive_ns = self._clock.monotonic_ns()
        return Response(status_code=204, headers=HEARD_FROM_ELSEWHERE)

    async def health(self, _request: Request) -> Response:
        """Say how the kiosk is; nothing personal."""
        health, alive_ns = self._agent.view().health, self._alive_ns
        silent = None if alive_ns is None else (self._clock.monotonic_ns() - alive_ns) / 1e9
        return JSONResponse(
            {
                "kiosk_id": self._agent.profile.kiosk.id,
                "connection": health.connection,
                "outbox_depth": health.depth,
                "oldest_unsent_at": health.oldest_unsent_at,
                "full": health.full,
                "readers": health.told(),
                "page_silent_seconds": silent,
            }
        )

    def _draw(self, template: str, request: Request) -> Response:
        session = request.cookies.get(self._cookie, "")
        fresh = not self._guard.knows(session)
        if fresh:
            session = self._guard.session(self._random_bytes(SESSION_BYTES))
        view = self._agent.view()
        context: dict[str, Any] = shown(view, profile=self._agent.profile, now=self._clock.now())
        context |= {**heard(view.state), "can_speak": self._voice is not None}
        context["deck"] = self._deck.deck if self._deck else ()
        context["door"] = bool(self._agent.profile.doors)
        context["token"] = self._guard.token(session, visit=view.visit)
        response = HTMLResponse(self._templates.get_template(template).render(context))
        if fresh:
            self._set_session(response, session)
        return response

    def _hold_sample(self, do: str) -> None:
        with contextlib.suppress(ValueError, IndexError):
            if self._deck is not None:
                self._deck.show(int(do.removeprefix("deck:")))

    def _begin_session(self, response: Response) -> None:
        self._set_session(response, self._guard.session(self._random_bytes(SESSION_BYTES)))

    def _set_session(self, response: Response, session: str) -> None:
        response.set_cookie(self._cookie, session, httponly=True, samesite="strict", path="/")

    def end(self) -> None:
        """End every open event stream, so that the process can end in order. Callable from any thread."""
        self._ended = True
        for stream in tuple(self._streams):
            stream.offer(None)

    async def _stream(self, request: Request) -> AsyncIterator[str]:
        stream = Stream(asyncio.get_running_loop())
        unwatch = self._agent.watch(stream.offer)
        self._streams.add(stream)
        try:
            view = self._agent.view()
            visit = view.visit
            yield f"retry: 1000\n{event_text('state', view)}"
            while not self._ended and not await request.is_disconnected():
                try:
                    change = await asyncio.wait_for(stream.changes.get(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if change is None:
                    return
                yield event_text("wipe" if change.visit != visit else "state", change)
                visit = change.visit
        finally:
            self._streams.discard(stream)
            unwatch()


def create_page(
    agent: KioskAgent,
    *,
    random_bytes: Callable[[int], bytes],
    clock: Clock,
    deck: Deck | None = None,
    voice: Voice | None = None,
    more: Sequence[Route] = (),
) -> KioskPage:
    """Return the page's application. With a ``deck`` the page offers its sample cards, with a ``voice`` it reads screens aloud."""
    page = Page(agent, random_bytes=random_bytes, clock=clock, deck=deck, voice=voice)
    return KioskPage(Starlette(routes=[*page.routes(), *more]), page.end)


class KioskPage:
    """The ASGI application: refuses foreign hosts and puts the headers on every answer, also on errors.

    ``end`` closes the open event streams; call it before the server is asked to stop.
    """

    def __init__(self, app: ASGIApp, end: Callable[[], None]) -> None:
        self._app = app
        self.end: Final = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        body = await taken_whole(scope, receive, most=LARGEST_FORM) if is_loopback(host) else None
        if body is None:
            refused = PlainTextResponse(status_code=413 if is_loopback(host) else 421, headers={"Connection": "close"})
            await refused(scope, receive, send_with_headers)
            return
        await self._app(scope, body, send_with_headers)


def _refusal(error: LuutruError) -> Response:
    status = 400 if isinstance(error, Malformed) else 403
    said = sentence(error.code)
    body = {
        "type": f"urn:luutru:problem:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": error.code,
        "detail": said.en,
        "message": {"vi": said.vi, "en": said.en},
    }
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
