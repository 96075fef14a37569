"""Turns a template and values into an answer: one Jinja environment per language, GOV.UK macros, Vietnamese times.

- Templates are found by audience: ``desk/tonight.html`` is ``server/desk/templates/tonight.html``; shared ones by bare name.
- Everything is escaped; a missing value is an error in tests and in life (``StrictUndefined`` for our own templates).
- Instants are shown in Vietnam's time, dates day first, and always inside ``<time>`` where a script counts on them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import BaseLoader, ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from markupsafe import Markup
from starlette.responses import HTMLResponse

from residence.clock import VIETNAM, parse_instant, rfc3339
from residence.errors import sentence
from server.chip_words import chip_finding
from server.country_names import country_name
from server.languages import ENDONYMS, OF_WORK, Language, lang_tag, language_of_work, sentence_in, translate
from server.persons_pages import PERSONS, speaks
from server.visitor import Visitor, is_at_work, keep_cookie
from server.wiring import Server, server_of
from server.wording import TAGS, WORDS, choices, finding_sentence, word

HERE: Final = Path(__file__).parent
AUDIENCES: Final = ("accounts", "desk", "police", "residents", "operators", "inspectors")


def _loader() -> BaseLoader:
    folders: dict[str, BaseLoader] = {name: FileSystemLoader(HERE / name / "templates") for name in AUDIENCES}
    folders["govuk_frontend_jinja"] = PackageLoader("govuk_frontend_jinja")
    return ChoiceLoader([PrefixLoader(folders), FileSystemLoader(HERE / "templates")])


@cache
def environment(language: Language) -> Environment:
    """Return the templates of one language."""
    # GOV.UK's macros read options that were not given, so undefined values must chain.
    made = Environment(
        loader=_loader(), autoescape=True, undefined=ChainableUndefined, extensions=["jinja2.ext.i18n", "jinja2.ext.do"]
    )
    gettext = partial(translate, language)
    plural: Callable[[str, str, int], str] = lambda one, many, count: gettext(one if count == 1 else many)  # noqa: E731
    made.install_gettext_callables(gettext, plural, newstyle=True)  # type: ignore[attr-defined]
    made.filters["wall"] = partial(wall, language=language)
    made.filters["clock"] = clock_time
    made.filters["form_time"] = form_time
    made.filters["day"] = partial(day, language=language)
    made.filters["utc"] = lambda instant: rfc3339(instant.astimezone(UTC))
    made.filters["grouped"] = grouped
    made.filters["percent"] = partial(percent, language=language)
    made.filters["count"] = partial(counted, language=language)
    made.filters["ago"] = partial(duration, language=language)
    made.globals["language"] = language
    made.globals["word"] = partial(word, language=language)
    made.globals["field_value"] = partial(field_value, language=language)
    made.globals["choices"] = partial(choices, language=language)
    made.globals["finding_sentence"] = partial(finding_sentence, language=language)
    made.globals["chip_finding"] = partial(chip_finding, language=language)
    made.globals["sentence_of"] = lambda code: sentence_in(sentence(code), language)
    made.globals["told_in"] = partial(sentence_in, language=language)
    made.globals["lang_tag"] = lang_tag
    made.globals["work_language"] = language_of_work(language)
    made.globals["words_of"] = WORDS.__getitem__
    made.globals["tag_of"] = TAGS
    return made


def _instant(value: datetime | str) -> datetime:
    return (parse_instant(value) if isinstance(value, str) else value).astimezone(VIETNAM)


def wall(value: datetime | str | None, *, language: Language) -> str:
    """Write an instant as a person reads a clock.

    >>> wall("2026-07-10T16:00:00Z", language="vi")
    '23:00 ngày 10/07/2026'
    """
    if not value:
        return "–"
    instant = _instant(value)
    if language == "vi":
        return f"{instant:%H:%M} ngày {instant:%d/%m/%Y}"
    if language == "en":
        return f"{instant:%H:%M}, {instant.day} {instant:%B %Y}"
    return f"{day(instant, language=language)} {instant:%H:%M}"


def clock_time(value: datetime | str) -> str:
    """Write hours and minutes only."""
    return f"{_instant(value):%H:%M}"


def form_time(value: datetime | str) -> str:
    """Write an instant as a form's field of local date and time holds it."""
    return _instant(value).astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M")


# How a date is written, by language; Vietnamese and English alike.
_DATES: Final[dict[str, str]] = {"zh": "{2}年{1}月{0}日", "ja": "{2}年{1}月{0}日", "ko": "{2}년 {1}월 {0}일", "ru": "{0}.{1}.{2}"}


def day(value: datetime | str | None, *, language: Language = "vi") -> str:
    """Write a date, day first where that is usual; text shorter than a day (a year, a month) stays as precise as it is.

    >>> day("1995-02-01"), day("1995-02-01", language="ja"), day("1995-02", language="ru")
    ('01/02/1995', '1995年02月01日', '02/1995')
    """
    if not value:
        return "–"
    parts = value.split("-") if isinstance(value, str) and "T" not in value else f"{_instant(value):%Y-%m-%d}".split("-")
    form = _DATES.get(language) if len(parts) == len(("year", "month", "day")) else None
    return form.format(*reversed(parts)) if form else "/".join(reversed(parts))


def field_value(field: str, value: str, *, language: Language) -> str:
    """Write what one field of a person holds: dates day first, kinds and countries in words.

    >>> field_value("document", "cccd-2021 •••••••••117", language="en")
    'Citizen card (2021) •••••••••117'
    """
    if field == "birth-date":
        return day(value, language=language)
    if field == "sex":
        return word("sex", value, language=language)
    if field == "nationality":
        return country_name(value, language)
    if field == "document":
        kind, space, number = value.partition(" ")
        return word("document", kind, language=language) + space + number
    return value


def grouped(code: str) -> str:
    """Write a receipt code in groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


_LENGTHS: Final[dict[Language, tuple[str, str, str]]] = {
    "vi": ("ngày", "giờ", "phút"),
    "en": ("d", "h", "min"),
    "zh": ("天", "小时", "分钟"),
    "ko": ("일", "시간", "분"),
    "ja": ("日", "時間", "分"),
    "ru": ("дн.", "ч", "мин"),
}


def duration(value: timedelta, *, language: Language) -> str:
    """Write a length of time in its largest two units.

    >>> duration(timedelta(minutes=125), language="en")
    '2 h 5 min'
    """
    minutes = int(abs(value.total_seconds()) // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    words = _LENGTHS[language]
    parts = [f"{count} {word}" for count, word in zip((days, hours, minutes), words, strict=True) if count]
    return " ".join(parts[:2]) or f"0 {words[2]}"


def percent(share: float, *, language: Language) -> str:
    """Write a share in hundredths with one decimal, without the sign.

    >>> percent(0.9821, language="vi")
    '98,2'
    """
    text = f"{100 * share:.1f}"
    return text.replace(".", ",") if language in {"vi", "ru"} else text


def counted(number: int, *, language: Language) -> str:
    """Write a count with its thousands apart.

    >>> counted(4213, language="vi")
    '4.213'
    """
    return f"{number:,}".replace(",", {"vi": ".", "ru": "\u00a0"}.get(language, ","))


def _lock_after(server: Server, caller: Visitor) -> int:
    """Return after how many seconds a page nobody touches hides itself; 0 for never. A desk's page is looked at, not worked on."""
    is_one_persons = caller.account is not None and caller.account.role in {"officer", "operator", "inspector"}
    return int(server.settings.lock_after.total_seconds()) if is_one_persons else 0


def spoken_on(template: str, caller: Visitor) -> Language:
    """Return the language a page speaks to this caller."""
    return speaks(template, wish=caller.wish, at_work=is_at_work(caller))


def render(request: Request, template: str, *, caller: Visitor, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the page, with the visitor's cookie when it is new."""
    server: Server = server_of(request)
    language = spoken_on(template, caller)
    text = (
        environment(language)
        .get_template(template)
        .render(
            cspNonce=request.state.nonce,
            caller=caller,
            account=caller.account,
            path=request.url.path,
            first_queue=next((each.name for each in server.queues if not each.closed), ""),
            now=server.clock.now(),
            lock_after=_lock_after(server, caller),
            tongues={
                each: ENDONYMS[each] for each in ENDONYMS if each in OF_WORK or (template in PERSONS and not is_at_work(caller))
            },
            csrf_field=Markup('<input type="hidden" name="csrf" value="{}">').format(caller.csrf),
            **values,
        )
    )
    response = HTMLResponse(
        text, status_code=status, headers={"content-language": lang_tag(language), "vary": "cookie, accept-language"}
    )
    if caller.fresh:
        keep_cookie(server, response, caller.token)
    return response
