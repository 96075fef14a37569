"""The file for whoever has to mend a kiosk: useful, and without one byte about a person, whatever is logged, declared or shown."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import msgspec
import pytest
import structlog
from factories import make_declaration, make_person
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_parts import make_outbox
from traces import traces

import edge_agent
from edge_agent.diagnostics import EVENTS, LINES, LogRing, diagnose, told_of
from edge_agent.event_book import EventBook
from edge_agent.line import ConnectionState, Health
from edge_agent.vitals import Vitals
from residence.errors import Refused
from residence.people.person import PartialDate

PROCESSES = Path(edge_agent.__file__).parent.parent / "luutru" / "processes"
SYLLABLES = ("trần", "Nguyễn", "Thị", "Ánh", "Tuyết", "Van", "an", "Bình", "Đỗ", "Lê", "Mỹ")
names = st.lists(st.sampled_from(SYLLABLES), min_size=2, max_size=4).map(" ".join)
numbers = st.text("0123456789", min_size=12, max_size=12)
births = st.dates().map(lambda day: day.isoformat())
LEVELS = {"debug", "info", "warning", "error", "exception"}
KEYS = (
    "event",
    "code",
    "state",
    "reader",
    "door",
    "error",
    "kind",
    "trouble",
    "detail",
    "guest",
    "attempts",
    "lost",
    "timestamp",
)


@pytest.fixture(scope="module")
def outbox(tmp_path_factory):
    made = make_outbox(tmp_path_factory.mktemp("outbox") / "kiosk.db")
    yield made
    made.close()


def logged(ring, planted):
    """Log planted words under every key, as text, as number, within other text, and as what was caught."""
    log = structlog.wrap_logger(
        structlog.ReturnLogger(), processors=[structlog.processors.add_log_level, ring, lambda *_: ("", {})]
    )
    for key in KEYS:
        for word in planted:
            for value in (word, f"for {word}.", int(word) if word.isdigit() else word, Refused("outbox.disk_full", "", word)):
                log.warning(**{"event": "reader", key: value})
    log.warning("keep.failed", code="outbox.disk_full", kind="OSError", **dict.fromkeys(planted, "ok"))


def file_of(outbox, ring):
    line = Health(state=ConnectionState.UP, session=3, attempts=0, trouble="", gateway_online=True)
    vitals = Vitals(readers={"camera": "ok"}, doors={"lobby": "normal:locked"}, read_at="2026-07-10T07:00:00Z")
    told = diagnose(outbox, vitals=vitals, version="1", running=True, line=told_of(line), log=ring.lines())
    return msgspec.json.encode(told)


@given(name=names, number=numbers, born=births, unit=st.from_regex(r"[A-Z]{3}-[0-9]{4}", fullmatch=True))
@settings(max_examples=8, deadline=None)
def test_no_planted_word_is_in_it_however_it_came_in(outbox, name, number, born, unit):
    planted = [name, number, born, unit]
    birth = PartialDate(value=born, precision="day")
    outbox.keep(make_declaration(person=make_person(full_name=name, personal_number=number, birth=birth), unit=unit))
    doors = EventBook(outbox, random_bytes=bytes)
    doors.append(door="lobby", what="granted", who=doors.pseudonym(number.encode()))
    ring = LogRing(words={"lobby"})
    logged(ring, planted)
    told = file_of(outbox, ring)
    assert traces(told, planted) == set()
    assert ring.lines()[-1]["code"] == "outbox.disk_full", "what is nobody's secret is there"


def test_a_ring_that_let_lines_through_as_they_are_would_be_caught():
    lines = []
    logged(lambda _log, _how, line: lines.append(dict(line)) or line, ["Trần Văn An"])
    assert traces(json.dumps(lines, default=str).encode(), ["Trần Văn An"]) == {"Trần Văn An"}


def test_it_says_what_a_technician_asks_first(outbox):
    ring = LogRing()
    told = json.loads(file_of(outbox, ring))
    assert (told["kiosk_id"], told["running"], told["takes_declarations"], told["time_state"]) == (
        "kiosk-lobby-1",
        True,
        True,
        "synced",
    )
    assert told["line"] == {"state": "up", "session": 3, "attempts": 0, "trouble": "", "gateway_online": True}
    assert told["tables"]["outbox"] == told["outbox_depth"] == outbox.depth()
    assert told["vitals"]["doors"] == {"lobby": "normal:locked"}


def test_only_the_last_lines_are_held():
    ring = LogRing()
    for number in range(LINES + 50):
        ring(None, "info", {"event": "uplink.answer", "attempts": number})
    assert [each["attempts"] for each in ring.lines()] == list(range(50, LINES + 50))


def events_in(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            told = ast.walk(node.args[0]) if getattr(node.func.value, "id", "") in {"log", "_log"} else ()
            yield from (each.value for each in told if isinstance(each, ast.Constant) and isinstance(each.value, str))


def test_every_event_a_kiosk_logs_is_known_to_the_file():
    sources = [*Path(edge_agent.__file__).parent.rglob("*.py"), *PROCESSES.glob("kiosk*.py"), PROCESSES / "serial_scanners.py"]
    found = {event for path in sources for event in events_in(path)}
    assert len(found) > 20
    assert found <= EVENTS
