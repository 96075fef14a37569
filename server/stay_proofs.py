"""A person's proof of a stay as pages and papers show it: signed when asked for, with its text as a code and its facts in words.

- Whoever may see the stay (the person, the house) gets place, room and times in it; whoever holds only the code of a receipt gets the place
  of a lodging, never a home's, and no room.
- It carries the place in the log of statements its receipt promised, and says what became of it.
- The code fits a print of 5 cm at 200 dots to the inch (tests read it with two readers).

Example: ``make_proof(server, connection, stored, shown=whole(said, place)).text`` begins with ``LS1:``
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
import segno
from markupsafe import Markup
from sqlalchemy import Connection

from registry.day_statements import Said
from registry.log_files import STATEMENTS, LogFiles
from registry.receipts import StoredReceipt
from registry.statement_proofs import PlaceNow, place_now
from registry.stay_proofs import Shown, proof_of
from residence.clock import parse_instant
from residence.places.premises import Premises
from residence.wire.stay_proofs import StayProof, proof_text, sign_proof
from server.languages import Language
from server.pages import wall
from server.paper import Paper
from server.papers import place_text
from server.wiring import Server
from server.wording import word

_TIMES: Final = ("arrival", "departure", "kept_at", "received_at", "accepted_at", "due")


class MadeProof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof and its signed text."""

    proof: StayProof
    text: str
    place: PlaceNow | None = None  # what became of the place it was promised; None: nothing is known of it

    @property
    def whole(self) -> str:
        """Return the text, and below it the proof of its place once that is in the log."""
        return f"{self.text}\n{self.place.proof}" if self.place and self.place.proof else self.text

    @property
    def picture(self) -> Markup:
        """Return the text as an SVG of a QR code, without a style attribute (the content policy forbids them)."""
        code = segno.make(self.text, error="l", micro=False)
        svg = code.svg_inline(scale=3, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True)
        return Markup(svg)  # noqa: S704  # made by segno from base45 text


def whole(said: Said, place: Premises | None) -> Shown:
    """Return what the person and the house may see of a stay."""
    declaration = said.declaration
    return Shown(
        place=place_text(place) if place else None,
        unit=said.unit,
        arrival=declaration.arrival if declaration else None,
        departure=declaration.planned_departure if declaration else None,
        with_premises=True,
    )


def make_proof(server: Server, connection: Connection, stored: StoredReceipt, *, shown: Shown) -> MadeProof:
    """Return the signed proof of a statement; ``Refused("server.no_receipts")`` when it is about no stay."""
    proof = proof_of(connection, stored, shown=shown, rules=server.rules, issuer=server.settings.base_url, now=server.clock.now())
    log = LogFiles(server.settings.log / STATEMENTS) if server.settings.log is not None else None
    place = place_now(proof, log) if log else None
    return MadeProof(proof=proof, text=proof_text(sign_proof(proof, server.signer)), place=place)


def facts_of(proof: StayProof, language: Language) -> list[tuple[str, str]]:
    """Return what stands on a proof, in words."""
    said = partial(word, language=language)
    values = {
        "state": said("state", proof.state),
        "place": proof.place,
        "unit": proof.unit,
        **{name: wall(getattr(proof, name), language=language) for name in _TIMES if getattr(proof, name)},
        "declared_by": said("declarant", proof.declared_by),
        "evidence_level": said("evidence", str(proof.evidence_level)),
        "article": proof.article,
        "rule": f"{said('rule', proof.rule)} ({proof.rule_set})" if proof.rule else proof.rule_set,
        "kept_until": wall(proof.kept_until, language=language) if proof.kept_until else said("proof", "no_period"),
        "log": f"{proof.log.index} ({proof.log.log})" if proof.log else None,
    }
    return [(said("proof", name), value) for name, value in values.items() if value]


def proof_paper(made: MadeProof, *, language: Language, base_url: str) -> bytes:
    """Return a proof as PDF."""
    said = partial(word, "proof", language=language)
    paper = Paper(title=said("title"), language=language, made_at=parse_instant(made.proof.signed_at))
    paper.heading(said("title"), size=18)
    paper.text(made.proof.code, size=16, bold=True)
    paper.facts(facts_of(made.proof, language))
    paper.code(made.text, f"{said('signed')} {base_url}/receipts/offline")
    return paper.content()
