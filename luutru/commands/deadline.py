"""``luutru deadline``: by when a stay must be declared, and by which rule of which dated set.

- ``--jsonl``: ``{"arrival", "premises_kind", "person", "remote_area"}`` per line on stdin, ``{"due", "rule", "rule_set", "article"}`` per
  line on stdout. A line that cannot be answered has ``"due": null`` and ``problems``.
- The two open questions of law have an option each, which goes before ``--choices``; without either the rule set's own defaults hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of

if TYPE_CHECKING:
    from residence.stays.rules import RuleBook

app = typer.Typer(help="Say by when a stay must be declared.")


class Asked(msgspec.Struct):
    """One input line."""

    arrival: str
    premises_kind: str
    person: Literal["citizen", "foreigner"] = "citizen"
    remote_area: bool = False


class Answered(msgspec.Struct):
    """One output line; ``due`` is RFC 3339 at UTC+7."""

    due: str | None
    rule: str | None
    rule_set: str | None
    article: str | None


def _rule_book(rules: RuleBook, after_midnight: str | None, *, cutoff_exclusive: bool) -> RuleBook:
    choices: dict[str, object] = {}
    if after_midnight is not None:
        choices["after_midnight_policy"] = after_midnight
    if cutoff_exclusive:
        choices["cutoff_inclusive"] = False
    return rules.with_choices(**choices)


def _answer(line: bytes, rules: RuleBook) -> tuple[Any, bool]:
    from luutru.jsonl import decode_line
    from residence.clock import parse_instant, rfc3339
    from residence.errors import LuutruError, Problem, problem
    from residence.places.premises import PremisesKind
    from residence.stays.deadlines import deadline

    asked = decode_line(line, Asked)
    if isinstance(asked, Problem):
        trouble = asked
    elif asked.premises_kind not in set(PremisesKind):
        trouble = problem("premises.kind_unknown", "/premises_kind", kinds=", ".join(PremisesKind))
    else:
        try:
            limit = deadline(
                parse_instant(asked.arrival),
                premises_kind=asked.premises_kind,
                person=asked.person,
                remote_area=asked.remote_area,
                rules=rules,
            )
        except LuutruError as error:
            trouble = problem(error.code, "/arrival")
        else:
            return Answered(due=rfc3339(limit.due), rule=limit.rule, rule_set=limit.rule_set, article=limit.article), True
    return {**msgspec.to_builtins(Answered(None, None, None, None)), "problems": [trouble]}, False


@app.command()
def deadline(
    arrival: Annotated[str | None, typer.Argument(help="When the stay begins: RFC 3339 with offset.")] = None,
    *,
    premises_kind: Annotated[str, typer.Option(help="hotel, apartment-block, household, ...")] = "other",
    foreigner: Annotated[bool, typer.Option("--foreigner", help="The person is not Vietnamese.")] = False,
    remote_area: Annotated[bool, typer.Option("--remote-area", help="The premises lies in a remote area.")] = False,
    after_midnight: Annotated[
        Literal["literal", "night_before"] | None, typer.Option(help="How an arrival just after midnight is taken.")
    ] = None,
    cutoff_exclusive: Annotated[
        bool, typer.Option("--cutoff-exclusive", help="Count exactly 23:00:00 as before the cut-off.")
    ] = False,
    choices: ChoicesOption = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One question per line on stdin, one answer per line on stdout.")
    ] = False,
) -> None:
    """Say by when a stay must be declared, and by which rule.

    Example: luutru deadline 2026-07-10T23:30:00+07:00 --premises-kind hotel
    """
    from luutru.jsonl import answer_lines

    rules = _rule_book(choices_of(choices).rules, after_midnight, cutoff_exclusive=cutoff_exclusive)
    if jsonl and arrival is None:
        raise typer.Exit(answer_lines(lambda line: _answer(line, rules)))
    if jsonl or arrival is None:
        raise typer.BadParameter("give one arrival, or --jsonl and questions on stdin")
    question = Asked(arrival, premises_kind, "foreigner" if foreigner else "citizen", remote_area)
    reply, fine = _answer(msgspec.json.encode(question), rules)
    if not fine:
        for each in reply["problems"]:
            typer.echo(f"{each.pointer}: {each.message.en}")
        raise typer.Exit(1)
    typer.echo(f"before {reply.due}  ({reply.rule}, {reply.rule_set}: {reply.article})")
