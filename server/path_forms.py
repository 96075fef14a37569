"""What the beginning of a path asks, read the same way wherever it is asked: a phone, a front desk, the commune's office.

- Nothing but the situation has to be said; nothing asked for is a paper. Who helps is read as helper and as nothing else.
- A slip's code is looked up here, so that a wrong one is said beside the field.

Example: ``read_beginning(form, connection, way="desk", commune_code="demo-01", by="acc-1")``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import segno
from fastapi import Request
from markupsafe import Markup
from sqlalchemy import Connection

from registry.paths import Beginning, Begun, Way
from registry.receipts import receipt_by_code
from residence.clock import uuid7
from residence.errors import Malformed, Refused
from residence.paths.following import written_day
from residence.paths.steps import HelperKind, Situation
from residence.paths.words import NAMES, SPOKEN, Spoken, say, spoken
from residence.wire.messages import STAY_DECLARATION
from server.visitor import Visitor, own_language
from server.wiring import Server

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def new_form_id(server: Server) -> str:
    """Return the id of a fresh form."""
    return str(uuid7(server.clock.now(), server.random_bytes(10)))


def read_beginning(
    form: Mapping[str, str],
    connection: Connection,
    *,
    way: Way,
    commune_code: str | None,
    by: str | None = None,
    premises_id: str | None = None,
) -> Beginning:
    """Return what a form says; ``Refused("path.situation" | "path.helper" | "path.slip")``. Without a commune the slip has to name one."""
    situation = next((each for each in Situation if each.value == form.get("situation")), None)
    if situation is None:
        raise Refused("path.situation", "/situation")
    kind = form.get("helper_kind", "")
    if kind and kind not in set(HelperKind):
        raise Refused("path.helper", "/helper_kind")
    declared = _declared(form.get("code", ""), connection)
    if declared is None and commune_code is None:
        raise Refused("path.slip", "/code")
    if declared is not None and commune_code not in {None, declared[1]}:
        raise Refused("path.slip", "/code")  # a slip of another commune and none at all are answered alike
    return Beginning(
        situation=situation,
        way=way,
        commune_code=commune_code or (declared[1] if declared else ""),
        by=by,
        form_id=_form_id(form.get("form", "")) if by is not None else "",
        premises_id=premises_id,
        declaration_id=declared[0] if declared else None,
        called=form.get("called", ""),
        words=form.get("words", ""),
        helper_kind=HelperKind(kind) if kind else None,
        helper=form.get("helper", ""),
    )


def _form_id(text: str) -> str:
    """Return the id a form carries, so that sending it twice begins one path; what is none gives none."""
    return text if _UUID7.fullmatch(text) else ""


def _declared(code: str, connection: Connection) -> tuple[str, str] | None:
    """Return the declaration a slip is of, and its commune."""
    if not code.strip():
        return None
    try:
        stored = receipt_by_code(connection, code)
    except Malformed:
        stored = None
    if stored is None or stored.receipt.schema != STAY_DECLARATION:
        raise Refused("path.slip", "/code")
    return stored.declaration_id, stored.commune_code


def language_for(request: Request, caller: Visitor) -> Spoken:
    """Return the language a person reads a path in: the one asked for, else the browser's first we have, else the page's."""
    asked = request.query_params.get("in", "")
    if asked in SPOKEN:
        return spoken(asked)
    wishes = (part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(","))
    if "luutru_language" in request.cookies:
        return spoken(own_language(caller))
    return next((spoken(each) for each in wishes if each in SPOKEN), spoken(own_language(caller)))


def words_for(language: Spoken) -> dict[str, Any]:
    """Return what a template needs to speak to the person."""
    saying: Callable[..., str] = partial(_say, language)
    return {"say": saying, "spoken": language, "spoken_names": NAMES, "situations": list(Situation), "helpers": list(HelperKind)}


def slip_for(begun: Begun, language: Spoken, *, base_url: str) -> dict[str, Any]:
    """Return what the slip of a path says: the code, by when, and a picture that brings a phone to its page."""
    picture = segno.make(f"{base_url}/paths?in={language}&code={begun.code}", error="m", micro=False)
    svg = picture.svg_inline(scale=3, border=4, svgclass="luutru-qr luutru-qr--small", lineclass=None, omitsize=True)
    return {"begun": begun, "due": written_day(begun.due_on, language), "picture": Markup(svg)}  # noqa: S704 - made by segno from our own text


def _say(language: Spoken, key: str, **values: object) -> str:
    return say(key, language, **values)
