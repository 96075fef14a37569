"""From cells as written to our fields, column by column: what can be read for certain is read, everything else is a problem of its row.

- Text is NFC without zero-width characters and runs of spaces; what stands for nothing is nothing.
- Numbers lose spaces, dots and the apostrophe spreadsheets put before them. Eleven or ten digits of a personal number and eight of an old
  one lost zeros in a spreadsheet: they are put back and marked, and ``checking`` believes it only where birth and sex agree.
- Dates follow the mapping's forms in turn, then ISO; a birth date may be a year or a month. Words follow the mapping, then our table.
- Nothing is guessed: ``7.9E+10``, 31 February, a word nobody explained are problems.

Example: ``clean(batch, mapping, "residents", columns).frame["birth"]`` is like ``1995-02-01``, ``1995-02`` or ``1995``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl
from msgspec import structs

from registry.importing.fields import FIELDS, Field, Kind
from registry.importing.mapping import ISO, PARTS, Mapping, meanings
from registry.importing.reading import Batch
from residence.people.letters import match_key
from residence.people.partial_dates import EARLIEST_YEAR

_INVISIBLE: Final = r"[\u200b-\u200f\u2060\ufeff\u00ad]"
_NUMBER_NOISE: Final = r"[\s.'’-]"
_COUNTRY: Final = 3
_SERIAL_EPOCH: Final = pl.date(1899, 12, 30)  # day 0 of spreadsheets' serial numbers, for dates after February 1900
_CLOCK: Final = r"(?<h>[0-9]{1,2})(?:[:hg])(?<min>[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?"
_DAY_MINUTES: Final = 1440
_FIRST_SERIAL, _LAST_SERIAL = 367, 73_415  # 1901-01-01 to 2100-12-31


class Fault(NamedTuple):
    """One thing wrong with a row. ``place`` counts from the batch's first row."""

    place: int
    field: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """Rows of a batch in our fields. ``restored``: (place, field) whose zeros were put back. ``blank``: rows with nothing in them."""

    frame: pl.DataFrame
    faults: list[Fault]
    restored: frozenset[tuple[int, str]]
    blank: frozenset[int]


def clean(batch: Batch, mapping: Mapping, kind: Kind, columns: dict[str, str]) -> Cleaned:
    """Read every mapped column of a batch."""
    height = batch.frame.height
    tidy = batch.frame.select(_tidy(pl.col(heading), mapping).alias(name) for name, heading in columns.items())
    empty = tidy.select(pl.all_horizontal(pl.all().is_null())).to_series() if columns else pl.Series([True] * height)
    made: list[pl.Series] = []
    faults = [Fault(place, "", "import.row_ragged") for place in batch.ragged]
    restored: set[tuple[int, str]] = set()
    for name, field in FIELDS[kind].items():
        text = tidy[name] if name in columns else pl.Series([None] * height, dtype=pl.String)
        if name == "commune_code" and mapping.commune_code:
            text = text.fill_null(mapping.commune_code)
        value = _read(text, field, mapping, (kind, name)).alias(name)
        faults += [
            Fault(place, name, _CODES[field.form]) for place in (text.is_not_null() & value.is_null()).arg_true().to_list()
        ]
        if field.needed:
            faults += [Fault(place, name, "import.value_missing") for place in text.is_null().arg_true().to_list()]
        if field.form in {"personal", "old", "identity"}:
            restored |= {(place, name) for place in (value.str.len_chars() != _bare(text).str.len_chars()).arg_true().to_list()}
        made.append(value)
    blank = frozenset(empty.arg_true().to_list())
    return Cleaned(
        frame=pl.DataFrame(made),
        faults=[each for each in faults if each.place not in blank],
        restored=frozenset(restored),
        blank=blank,
    )


_WIDTHS: Final = {"personal": {10: 12, 11: 12, 12: 12}, "old": {8: 9, 9: 9, 12: 12}}
_CODES: Final = {
    "text": "import.text_unreadable",
    "reference": "import.text_unreadable",
    "personal": "personal-number.malformed",
    "old": "import.old_number",
    "identity": "import.identity_number",
    "date": "import.date",
    "moment": "import.date",
    "birth": "import.date",
    "word": "import.word_unknown",
    "phone": "import.text_unreadable",
    "list": "import.text_unreadable",
    "count": "import.count",
}


def _tidy(cell: pl.Expr, mapping: Mapping) -> pl.Expr:
    text = cell.str.normalize("NFC").str.replace_all(_INVISIBLE, "").str.replace_all(r"\s+", " ").str.strip_chars(" ")
    nothing = text.str.to_lowercase().is_in(["", *map(str.lower, mapping.empty)])
    return pl.when(nothing).then(None).otherwise(text)


def _read(text: pl.Series, field: Field, mapping: Mapping, where: tuple[Kind, str]) -> pl.Series:
    match field.form:
        case "personal" | "old":
            return _padded(_bare(text), _WIDTHS[field.form])
        case "identity":
            return _identity(text, field)
        case "date" | "moment" | "birth":
            return {"date": _day, "moment": _moment, "birth": _birth}[field.form](text, mapping)
        case "word":
            return _word(text, mapping, *where)
        case "phone":
            return _phone(text, field)
        case "count":
            return _only(_bare(text), _bare(text).str.contains("^[0-9]{1,6}$"))
        case "text" | "list" | "reference":
            return _kept(text, field)


def _kept(text: pl.Series, field: Field) -> pl.Series:
    fits = (text.str.len_chars() <= field.longest) & ~text.str.contains("[\\x00-\\x1f\\x7f]")
    return _only(text, fits)


def _only(text: pl.Series, where: pl.Series) -> pl.Series:
    return pl.select(pl.when(where).then(text).otherwise(None)).to_series()


def _bare(text: pl.Series) -> pl.Series:
    """Return a number without what spreadsheets and people put around its digits (``'001095000117``, ``1095000117.0``)."""
    return text.str.replace(r"^([0-9]+)\.0+$", "$1").str.replace_all(_NUMBER_NOISE, "")


def _padded(digits: pl.Series, widths: dict[int, int]) -> pl.Series:
    """Return numbers of these lengths with their lost zeros, null for anything else."""
    frame = pl.DataFrame({"digits": _only(digits, digits.str.contains("^[0-9]+$"))})
    chosen: Any = pl
    for length, width in widths.items():
        chosen = chosen.when(pl.col("digits").str.len_chars() == length).then(pl.col("digits").str.zfill(width))
    return frame.select(chosen.otherwise(None)).to_series()


def _identity(text: pl.Series, field: Field) -> pl.Series:
    """Return a personal or old number, or a document's number with letters as it stands."""
    number = _padded(_bare(text), {8: 9, 9: 9, 10: 12, 11: 12, 12: 12})
    lettered = _only(
        text, text.str.contains("^[A-Za-z0-9 ]*[A-Za-z][A-Za-z0-9 ]*$") & ~text.str.contains("^[0-9.]+[Ee][+]?[0-9]+$")
    )
    return number.fill_null(_kept(lettered, field))


def _parts(text: pl.Series, form: str) -> pl.DataFrame:
    """Return day, month and year of texts written in a form, null where they are not."""
    pattern = "".join(rf"\{each}" if not each.isalnum() else each for each in form.lower())
    for part, group in PARTS.items():
        pattern = pattern.replace(part, group)
    found = pl.DataFrame({"text": text}).select(pl.col("text").str.extract_groups(f"^{pattern}$").alias("found")).unnest("found")
    return found.select(
        *((pl.col(each) if each in found.columns else pl.lit("0")).cast(pl.Int64, strict=False).alias(each) for each in "ymd")
    )


def _first_reading(text: pl.Series, forms: list[str]) -> pl.DataFrame:
    whole = text.str.replace(r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$", "")
    found = pl.DataFrame({each: pl.Series([None] * len(text), dtype=pl.Int64) for each in "ymd"})
    for form in forms:
        found = found.select(
            pl.col(each).fill_null(part) for each, part in zip("ymd", _parts(whole, form).get_columns(), strict=True)
        )
    return found.with_columns(pl.when(pl.col("y") >= EARLIEST_YEAR).then(pl.col("y")).alias("y"))


def _iso(parts: pl.DataFrame) -> pl.Series:
    text = pl.concat_str(
        [pl.col("y").cast(pl.String).str.zfill(4), *(pl.col(each).cast(pl.String).str.zfill(2) for each in "md")], separator="-"
    )
    return parts.select(text.str.to_date("%Y-%m-%d", strict=False).cast(pl.String)).to_series()


def _serials(text: pl.Series, mapping: Mapping) -> pl.Series:
    """Return dates of spreadsheets' day numbers, where the mapping says that such stand there."""
    if "serial" not in mapping.dates:
        return pl.Series([None] * len(text), dtype=pl.String)
    days = text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"days": days}).select(
        pl.when(pl.col("days").is_between(_FIRST_SERIAL, _LAST_SERIAL))
        .then(_SERIAL_EPOCH + pl.duration(days="days"))
        .cast(pl.String)
    )
    return frame.to_series()


def _forms(mapping: Mapping) -> list[str]:
    return [*(each for each in mapping.dates if each != "serial"), ISO]


def _day(text: pl.Series, mapping: Mapping) -> pl.Series:
    return _iso(_first_reading(text, _forms(mapping))).fill_null(_serials(text, mapping))


def _moment(text: pl.Series, mapping: Mapping) -> pl.Series:
    """Return a day, and its time where one is written (``2026-07-10T14:30``). A sheet's midnight is a day without a time.

    In such a column a spreadsheet's day number can be nothing else, so it needs no word of the mapping.
    """
    day = _day(text.str.replace_all(_CLOCK, " ").str.strip_chars(" ,T"), mapping)
    number = text.str.extract(r"^([0-9]{5})(?:\.[0-9]+)?$")
    day = day.fill_null(_serials(number, structs.replace(mapping, dates=["serial"])))
    part = text.str.extract(r"^[0-9]{5}(\.[0-9]+)$").cast(pl.Float64, strict=False)
    minutes = (part * _DAY_MINUTES).round().cast(pl.Int64)
    written = text.str.extract_groups(_CLOCK)
    frame = pl.DataFrame({"day": day, "clock": written, "minutes": minutes}).select(
        "day",
        hour=pl.col("clock").struct.field("h").cast(pl.Int64).fill_null(pl.col("minutes") // 60),
        minute=pl.col("clock").struct.field("min").cast(pl.Int64).fill_null(pl.col("minutes") % 60),
    )
    clock = pl.col("hour").cast(pl.String).str.zfill(2) + ":" + pl.col("minute").cast(pl.String).str.zfill(2)
    told = pl.when((pl.col("hour") + pl.col("minute")) > 0).then(pl.col("day") + "T" + clock).otherwise(pl.col("day"))
    possible = (pl.col("hour").is_null()) | (pl.col("hour").is_between(0, 23) & pl.col("minute").is_between(0, 59))
    return frame.select(pl.when(possible).then(told)).to_series()


def _birth(text: pl.Series, mapping: Mapping) -> pl.Series:
    """Return a whole date, or what is known: a month, a year. Zeros stand for what is not known."""
    forms = _forms(mapping)
    months = [each.lower().replace("dd", "").strip("/-. ") for each in forms]
    parts = _first_reading(text, [*forms, *dict.fromkeys(months), "yyyy"])
    known = parts.with_columns(
        year=pl.when((pl.col("m") == 0) & (pl.col("d") == 0)).then(pl.col("y").cast(pl.String)),
        month=pl.when(pl.col("m").is_between(1, 12) & (pl.col("d") == 0)).then(
            pl.col("y").cast(pl.String) + "-" + pl.col("m").cast(pl.String).str.zfill(2)
        ),
    )
    return _iso(parts).fill_null(known["month"]).fill_null(known["year"]).fill_null(_serials(text, mapping))


def _word(text: pl.Series, mapping: Mapping, kind: Kind, name: str) -> pl.Series:
    means = meanings(mapping, kind, name)
    written = text.drop_nulls().unique().to_list()
    known = {each: _meaning(each, means) for each in written}
    if name == "nationality":
        known |= {
            each: code.upper()
            for each in written
            if known[each] is None and len(code := each.partition(" - ")[0]) <= _COUNTRY and code.isascii() and code.isalpha()
        }
    return text.replace_strict(known, default=None, return_dtype=pl.String)


def _meaning(written: str, means: dict[str, str]) -> str | None:
    """Return our word; of ``code - label`` either says it, unless the two disagree."""
    whole = means.get(match_key(written))
    if whole is not None:
        return whole
    code, dash, label = written.partition(" - ")
    said = {means.get(match_key(part)) for part in (code, label) if dash} - {None}
    return said.pop() if len(said) == 1 else None


def _phone(text: pl.Series, field: Field) -> pl.Series:
    """Return a telephone number with its zero; anything else stays as it stands: no person is refused for it."""
    bare = text.str.replace_all(r"[\s.()-]", "").str.replace(r"^(\+84|0084)", "0").str.replace(r"^([35789][0-9]{8})$", "0$1")
    return _kept(_only(bare, bare.str.contains(r"^\+?[0-9]{8,15}$")).fill_null(text), field)
