"""Receipts and lists of a day as PDF: made from what was said and answered, and from nothing that changes afterwards.

- A statement shows the name as it was declared, its room and times, the state and deadline its receipt gives, and the signed receipt as a code.
- A name under dispute is marked; a statement nobody can open any more stands with its receipt alone.
- Asked for again, in years, the same statements make the same file; only the premises' own name and address are today's.

Example: ``receipts_paper(said, places=places, reader=reader, title="receipt")``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial

import msgspec
from starlette.responses import Response

from registry.day_closes import KeptClose
from registry.day_statements import Said
from registry.guest_lists import GuestList, Outcome
from residence.places.premises import Premises
from residence.wire.day_close import close_text
from residence.wire.receipts import receipt_text
from server.languages import Language
from server.pages import day as day_text
from server.pages import wall
from server.paper import Paper
from server.paper_signature import sign_paper
from server.wiring import Server
from server.wording import finding_sentence, word


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """For whom it is written: the language, where codes are checked, and whose names are under dispute."""

    language: Language
    base_url: str
    disputed: frozenset[str] = frozenset()  # person ids

    def word(self, name: str) -> str:
        """Return a word of these papers."""
        return word("paper", name, language=self.language)


class DayList(msgspec.Struct, frozen=True, kw_only=True):
    """One day at one premises: everything stated before ``until``, the lists given with what became of their lines, and the closes."""

    day: date
    until: datetime
    said: tuple[Said, ...]
    more: bool
    lists: tuple[tuple[GuestList, tuple[Outcome, ...]], ...]  # of each list the lines that were not declared
    closes: tuple[KeptClose, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many statements are in which state."""
        found = Counter(each.stored.state for each in self.said)
        return {state: found[state] for state in ("accepted", "conflicting", "refused") if found[state]}


def pdf(server: Server, content: bytes, name: str) -> Response:
    """Return a file to keep, signed; its name has no person's in it."""
    content = sign_paper(content, key=server.paper_key, at=server.clock.now())
    headers = {"content-disposition": f'attachment; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def name_of(said: Said, reader: Reader) -> str:
    """Return the guest's name as it was declared."""
    if said.declaration is None:
        return reader.word("erased")
    doubt = f" ({reader.word('disputed')})" if said.person_id in reader.disputed else ""
    return said.declaration.person.full_name + doubt


def reasons_of(said: Said) -> list[str]:
    """Return the codes of what is to be looked at, as the receipt gave them."""
    return list(dict.fromkeys(each.code for each in said.stored.receipt.findings if each.severity != "info"))


def facts_of(said: Said, reader: Reader, places: Mapping[str, Premises]) -> list[tuple[str, str]]:
    """Return what stands on a receipt."""
    place = places.get(said.stored.receipt.premises_id or "")
    receipt, declaration = said.stored.receipt, said.declaration
    clock = partial(wall, language=reader.language)
    on_time = {True: "yes", False: "no", None: "unsure"}[receipt.on_time]
    rule = word("rule", receipt.rule, language=reader.language) if receipt.rule else ""
    sentences = [finding_sentence(code, language=reader.language) for code in reasons_of(said)]
    return [
        (reader.word("place"), place_text(place) if place else said.stored.receipt.premises_id or ""),
        (reader.word("name"), name_of(said, reader)),
        (reader.word("room"), said.unit or ""),
        (reader.word("arrival"), clock(declaration.arrival) if declaration else ""),
        (reader.word("departure"), clock(declaration.planned_departure) if declaration and declaration.planned_departure else ""),
        (reader.word("recorded"), clock(receipt.accepted_at)),
        (reader.word("kept"), clock(receipt.kept_at) if receipt.kept_at else ""),
        (reader.word("due"), clock(receipt.due) if receipt.due else ""),
        (reader.word("in_time"), reader.word(on_time) if receipt.due else ""),
        (reader.word("rule"), f"{rule} ({receipt.rule_set})" if rule else receipt.rule_set or ""),
        (reader.word("log"), f"{receipt.log.index} ({receipt.log.log})" if receipt.log else ""),
        (reader.word("reasons"), "\n".join(sentences)),
    ]


def place_text(premises: Premises) -> str:
    """Return a premises' name and address."""
    return ", ".join(each for each in (premises.name, premises.address_text) if each)


def receipts_paper(said: Sequence[Said], *, places: Mapping[str, Premises], reader: Reader, title: str) -> bytes:
    """Return the receipts, one after the other, each with its code."""
    paper = Paper(title=reader.word(title), language=reader.language, made_at=max(each.recorded_at for each in said))
    paper.heading(reader.word(title), size=18)
    for each in said:
        paper.line()
        state = word("state", each.stored.state, language=reader.language)
        paper.heading(f"{word('kind', each.kind, language=reader.language)}: {state}", size=13)
        paper.text(each.stored.code, size=16, bold=True)
        paper.facts(facts_of(each, reader, places))
        paper.code(
            receipt_text(each.stored.receipt_bytes),
            f"{reader.word('signed')} {reader.base_url}/receipts, {reader.word('verify')}",
        )
    paper.text(reader.word("as_then"), size=8)
    return paper.content()


def day_paper(listed: DayList, *, premises: Premises, reader: Reader) -> bytes:
    """Return the list of one day: counts, every statement with its reasons, lists' lines, and the closes with their codes."""
    title = f"{reader.word('day')} {day_text(listed.day.isoformat())}"
    paper = Paper(title=title, language=reader.language, made_at=listed.until)
    paper.heading(title, size=18)
    paper.text(place_text(premises), size=11)
    states = [f"{count} {word('state', state, language=reader.language)}" for state, count in listed.counts.items()]
    paper.facts(
        [
            (reader.word("until"), wall(listed.until, language=reader.language)),
            (reader.word("counts"), f"{len(listed.said)} = {' + '.join(states)}" if states else reader.word("nothing")),
        ]
    )
    for state in ("accepted", "conflicting", "refused"):
        _statements(paper, [each for each in listed.said if each.stored.state == state], state, reader)
    for given, outcomes in listed.lists:
        _lines(paper, given, outcomes, reader)
    for close in listed.closes:
        paper.heading(f"{reader.word('close')} {wall(close.closed_at, language=reader.language)}", size=13)
        paper.code(close_text(close.signed), "luutru day-close verify")
    if listed.more:
        paper.text(reader.word("more"), bold=True)
    paper.text(reader.word("as_then"), size=8)
    return paper.content()


def _statements(paper: Paper, said: Sequence[Said], state: str, reader: Reader) -> None:
    if not said:
        return
    paper.heading(f"{word('state', state, language=reader.language)} ({len(said)})", size=13)
    for each in said:
        kind = word("kind", each.kind, language=reader.language)
        where = f", {reader.word('room')} {each.unit}" if each.unit else ""
        paper.text(
            f"{each.stored.code}  {name_of(each, reader)}{where}, {kind}, {wall(each.recorded_at, language=reader.language)}"
        )
        for code in reasons_of(each):
            paper.text(f"    {finding_sentence(code, language=reader.language)}", size=8.5)


def _lines(paper: Paper, given: GuestList, outcomes: Sequence[Outcome], reader: Reader) -> None:
    paper.heading(f"{reader.word('list')} {given.file_name}", size=13)
    for each in outcomes:
        paper.text(f"{reader.word('line')} {each.number}: {word('line_outcome', each.state, language=reader.language)}")
        for code, _, field in each.reasons:
            heading = given.mapping.guests.columns.get(field, "")
            sentence = finding_sentence(code, language=reader.language)
            paper.text(f"    {heading}: {sentence}" if heading else f"    {sentence}", size=8.5)
