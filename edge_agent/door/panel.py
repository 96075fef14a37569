"""The door's own page at ``/door`` of the kiosk: what it says to whoever stands there, the challenge, and the place for a PIN.

- For a second window or a small display at the door; the dialogue's page knows nothing of it.
- Every language stands there at once: nobody chooses one at a door. Result as colour, sign, word and sound; never why somebody was refused,
  for that would tell a thief which part was right.
- Its script asks twice a second what is to be shown and leaves a PIN that is being typed; the PIN is typed on the screen, or on a keypad of
  digits, * and #. While the kiosk is away it says so. A POST needs the page's own origin and a token of this process.

Example: ``create_page(agent, more=DoorPanel(keeper, random_bytes=random_bytes).routes(), ...)``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from edge_agent.door.keeper import DoorKeeper
from edge_agent.door.presenting import WAITS
from edge_agent.door.shown import DoorView
from edge_agent.kiosk.guarding import SESSION_BYTES, Guard
from edge_agent.kiosk.texts import Texts, lang_tag
from firmware_config.profiles import Language
from residence.doors.words import AccessEvent
from residence.errors import Refused

COOKIE: Final = "luutru_door"
LONGEST_PIN: Final = 12


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One language on the page: its tag, and its words."""

    tag: str
    says: Texts


class DoorPanel:
    """The routes of one door's page."""

    def __init__(self, keeper: DoorKeeper, *, random_bytes: Callable[[int], bytes], has_reader: bool = False) -> None:
        self._keeper = keeper
        self._has_reader = has_reader
        self._random_bytes = random_bytes
        self._guard = Guard(random_bytes(32))
        self._templates = Environment(
            loader=PackageLoader("edge_agent.door"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def routes(self) -> list[Route]:
        """Return what is to be added to the kiosk's page."""
        return [Route("/door", self.show), Route("/door/pin", self.take_pin, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Draw the page."""
        session = request.cookies.get(COOKIE, "")
        if not self._guard.knows(session):
            session = self._guard.session(self._random_bytes(SESSION_BYTES))
        view = self._keeper.view()
        text = self._templates.get_template("panel.html").render(
            view=view,
            answer=answer_of(view),
            has_reader=self._has_reader,
            token=self._guard.token(session, visit=0),
            spoken=[_Spoken(lang_tag(each), Texts(each)) for each in get_args(Language)],
        )
        response = HTMLResponse(text)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/door")
        return response

    async def take_pin(self, request: Request) -> Response:
        """Hand a PIN to the door."""
        async with request.form(max_files=0, max_fields=4) as form:
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
        try:
            self._guard.check_post(
                host=request.headers.get("host", ""),
                origin=request.headers.get("origin", ""),
                session=request.cookies.get(COOKIE, ""),
                token=fields.get("token", ""),
                visit=0,
            )
        except Refused as error:
            return PlainTextResponse(error.code, status_code=403)
        self._keeper.type_pin(fields.get("pin", "")[:LONGEST_PIN])
        return RedirectResponse("/door", status_code=303)


def answer_of(view: DoorView) -> str:
    """Return what is said to whoever stands there: open, wait, no, or nothing."""
    if not view.said:
        return "wait" if view.wants_pin else ""
    said = AccessEvent(view.said)
    return "open" if said is AccessEvent.GRANTED else "wait" if said in WAITS else "no"
