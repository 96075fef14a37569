r"""What is open in law and in formats, decided by whoever runs this: one TOML file of choices, read the same by every process.

- Every key has a default, which is what the built-in rules and readers do; an unknown key is refused with its place and the nearest name.
- ``[rules] extra`` names a folder of further rule files like ``residence/rules/*.toml``; two sets valid on one day are refused.
- Choices about rules show in the id of the rule set, hence on every receipt. ``docs/settings.md`` tells every key and its source.
- Nothing is read here: the bytes of the file and of the rule files are handed in (``luutru/choices.py``).

>>> parse_choices(b'[rules]\nafter_midnight_policy = "night_before"').rules.sets[-1].id
'stay-2026-07-01+night-before'
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, TypeVar

import msgspec

from residence.access.key_times import KeyTimes
from residence.cases.lapses import LapseChoices
from residence.cases.triage import CaseTimes
from residence.cases.undeclared import Patience
from residence.cleaning.rules import CleaningChoices
from residence.credentials.card_qr import FIELDS_2021, CardPolicy
from residence.credentials.mrz import NO_EXPIRY_VALUES
from residence.errors import Malformed
from residence.errors.setting_files import names_in, read_toml, setting_refusal
from residence.stays.rules import AfterMidnight, RuleBook, RuleFile, load_rule_book
from residence.wire.webhook_reach import Reach

AREA: Final = "choices"
Hours = Annotated[float, msgspec.Meta(ge=0, le=8760)]
Count = Annotated[int, msgspec.Meta(ge=1, le=14)]
CardField = Annotated[int, msgspec.Meta(ge=8, le=11)]
MrzDate = Annotated[str, msgspec.Meta(pattern=r"^[0-9<]{6}$")]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen, as the parts that act on it take it."""

    rules: RuleBook = msgspec.field(default_factory=load_rule_book)
    card: CardPolicy = CardPolicy()
    no_expiry: tuple[str, ...] = NO_EXPIRY_VALUES
    patience: Patience = Patience()
    case_times: CaseTimes = CaseTimes()
    cleaning: CleaningChoices = CleaningChoices()
    lapses: LapseChoices = LapseChoices()
    webhooks: Reach = Reach()
    second_view_percent: int = 10
    publish_least: int = 5
    keys: KeyTimes = KeyTimes()


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key it does not know is an error."""


class RulesSection(_Section, frozen=True, kw_only=True):
    """Open questions L1 and L8, and what is ours. None: as each rule set says."""

    after_midnight_policy: AfterMidnight | None = None
    cutoff_inclusive: bool | None = None
    departure_slack_hours: Hours = 1  # the same for every rule set, so it does not show in their ids
    shortest_stay_minutes: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 0  # the same
    extra: str = ""  # folder of further rule files, relative to the file of choices


class ExtraMapping(_Section, frozen=True, kw_only=True):
    """What a numbered field of the 11-field card means, once somebody has confirmed it (open question Q1)."""

    cancelled_number: CardField | None = None


class QrSection(_Section, frozen=True, kw_only=True):
    """Open questions Q1 and Q3."""

    accept_six_fields: bool = True
    extra_mapping: ExtraMapping = ExtraMapping()


class MrzSection(_Section, frozen=True, kw_only=True):
    """Open question Q10."""

    no_expiry_values: tuple[MrzDate, ...] = NO_EXPIRY_VALUES


class UndeclaredSection(_Section, frozen=True, kw_only=True):
    """How long the sweep waits; the commune's choice, none of it law."""

    unanswered_after_hours: Hours = 0
    new_visit_after_hours: Hours = 60
    pending_grace_hours: Hours = 36
    answer_within_hours: Hours = 24
    late_nights: Count = 2
    evenings: Count = 3


class CasesSection(_Section, frozen=True, kw_only=True):
    """How long cases may take; the commune's choice, none of it law."""

    decide_within_hours: Hours = 120
    answer_within_hours: Hours = 48
    hold_at_most_hours: Hours = 168
    break_glass_hours: Hours = 3
    seal_at_most_days: Annotated[int, msgspec.Meta(ge=0, le=3660)] = 183
    second_person_within_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 72
    second_view_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10


class TransparencySection(_Section, frozen=True, kw_only=True):
    """What is published; ours, none of it law."""

    least: Annotated[int, msgspec.Meta(ge=3, le=100)] = 5  # a smaller count is not said


class LapsesSection(_Section, frozen=True, kw_only=True):
    """What has run out: how long nothing is said, and how far back is looked; the commune's choice, none of it law."""

    grace_hours: Hours = 24
    look_back_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 60


class ChoicesFile(_Section, frozen=True, kw_only=True):
    """The file."""

    rules: RulesSection = RulesSection()
    qr: QrSection = QrSection()
    mrz: MrzSection = MrzSection()
    undeclared: UndeclaredSection = UndeclaredSection()
    cases: CasesSection = CasesSection()
    lapses: LapsesSection = LapsesSection()
    transparency: TransparencySection = TransparencySection()
    cleaning: CleaningChoices = CleaningChoices()  # its keys are the fields of that value
    webhooks: Reach = Reach()  # as above
    keys: KeyTimes = KeyTimes()  # as above


def extra_folder(data: bytes) -> str:
    """Return the folder of further rules the file names, empty for none; raises as ``parse_choices``."""
    return _read(data, ChoicesFile).rules.extra


def parse_choices(data: bytes, *, extra: Mapping[str, bytes] | None = None) -> Choices:
    """Read a file of choices. ``extra``: the rule files of its folder, by name.

    Raises ``Malformed("choices.*")`` with a pointer to the setting; the detail names the rule file where one is meant.
    """
    file = _read(data, ChoicesFile)
    chosen = {
        name: value for name in ("after_midnight_policy", "cutoff_inclusive") if (value := getattr(file.rules, name)) is not None
    }
    book = _book(extra or {}).with_choices(**chosen)
    return Choices(
        rules=msgspec.structs.replace(
            book,
            departure_slack=timedelta(hours=file.rules.departure_slack_hours),
            shortest_stay=timedelta(minutes=file.rules.shortest_stay_minutes),
        ),
        card=_card_policy(file.qr),
        no_expiry=file.mrz.no_expiry_values,
        patience=_patience(file.undeclared),
        case_times=CaseTimes(
            decide_within=timedelta(hours=file.cases.decide_within_hours),
            answer_within=timedelta(hours=file.cases.answer_within_hours),
            hold_at_most=timedelta(hours=file.cases.hold_at_most_hours),
            glass_open_for=timedelta(hours=file.cases.break_glass_hours),
            seal_at_most=timedelta(days=file.cases.seal_at_most_days),
            second_person_within=timedelta(hours=file.cases.second_person_within_hours),
        ),
        second_view_percent=file.cases.second_view_percent,
        publish_least=file.transparency.least,
        cleaning=file.cleaning,
        webhooks=file.webhooks,
        keys=file.keys,
        lapses=LapseChoices(grace_hours=file.lapses.grace_hours, look_back_days=file.lapses.look_back_days),
    )


File = TypeVar("File", ChoicesFile, RuleFile)


def _read(data: bytes, shape: type[File]) -> File:
    table = read_toml(data, area=AREA)
    try:
        return msgspec.convert(table, shape)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area=AREA, known=names_in(shape)) from error


def _book(extra: Mapping[str, bytes]) -> RuleBook:
    files: dict[str, RuleFile] = {}
    for name, data in sorted(extra.items()):
        try:
            files[name] = _read(data, RuleFile)
        except Malformed as error:
            raise Malformed(error.code, error.pointer, f"{name}: {error.detail}") from error
    return load_rule_book().with_files(files)


def _card_policy(section: QrSection) -> CardPolicy:
    number = section.extra_mapping.cancelled_number
    place = None if number is None else number - FIELDS_2021 - 1
    return CardPolicy(accept_six_fields=section.accept_six_fields, cancelled_number_in=place)


def _patience(section: UndeclaredSection) -> Patience:
    return Patience(
        unanswered_after=timedelta(hours=section.unanswered_after_hours) if section.unanswered_after_hours else None,
        new_visit_after=timedelta(hours=section.new_visit_after_hours),
        pending_grace=timedelta(hours=section.pending_grace_hours),
        answer_within=timedelta(hours=section.answer_within_hours),
        late_nights=section.late_nights,
        evenings=section.evenings,
    )
