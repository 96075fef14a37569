"""Two web servers and two gateways as processes of their own, on one registry: officers in the same second, and SIGKILL in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from subprocess import PIPE

import httpx
import pytest
from factories import EVENING, make_id, make_person
from server_eyes import proposals
from server_parts import ACCOUNTS, COMMUNE, World, csrf_of, fields_of, free_address
from server_police import add_officer, file_cases
from sqlalchemy import select, update

from luutru.keys import make_key
from luutru.system import random_bytes, system_clock
from registry import second_views, tables
from registry.database import upgrade
from registry.orders import put_in_force
from residence.cases.orders import Order

NUMBER = "001195000222"
GATEWAY = """
import sys
from datetime import datetime
from pathlib import Path
from gateway.orders import orders_duty
from luutru.opening import open_registry
from luutru.system import random_bytes
registry = open_registry(sys.argv[1], Path(sys.argv[2]))
duty = orders_duty(registry, random_bytes=random_bytes)
sys.stdout.write("ready\\n"); sys.stdout.flush()
for line in sys.stdin:
    duty.perform(datetime.fromisoformat(line.strip()))
    sys.stdout.write("done\\n"); sys.stdout.flush()
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request, tmp_path_factory):
    folder, url = tmp_path_factory.mktemp("at-once"), None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
        upgrade(url)
    made = World(folder, url=url)
    made.folder, made.url = folder, url or f"sqlite:///{folder}/registry.db"
    made.officers = [add_officer(made, "acc-hai", "hai"), add_officer(made, "acc-ba", "ba")]
    made.cases = file_cases(made, 60)
    yield made
    made.close()


class Officer:
    """An officer's browser, without scripts, at a real server."""

    def __init__(self, world, server, name):
        self.http = httpx.Client(base_url=server, follow_redirects=True, headers={"accept-language": "en"}, timeout=30)
        ACCOUNTS[name] = (name, ())
        try:
            token = world.link(name)
        finally:
            del ACCOUNTS[name]
        self.http.get("/sign-in")
        self.csrf = csrf_of(self.http)
        assert self.http.post("/sign-in/link", data={"csrf": self.csrf, "token": token}).status_code == 200
        self.csrf = csrf_of(self.http)

    def claim(self, case_id):
        fields = {"csrf": self.csrf, "action": "claim", "purpose": "undeclared-case"}
        return self.http.post(f"/police/cases/{case_id}", data=fields, follow_redirects=False).status_code

    def grant(self, proposal_id, seen):
        fields = {"csrf": self.csrf, "answer": "granted", "reason": "x", "seen": seen}
        return self.http.post(f"/police/second-eyes/{proposal_id}", data=fields, follow_redirects=False).status_code


@pytest.fixture(scope="module")
def servers(world):
    """Two servers; the clock of both stands near the world's."""
    keys = world.folder / "server-keys"
    keys.mkdir()
    make_key(keys / "server-receipt.key", key_id="r-1", use="receipt", owner="server", now=EVENING, random_bytes=random_bytes)
    offset = (EVENING - system_clock().now()).total_seconds()
    (world.folder / "clock").write_text(str(offset), "ascii")
    settings = {
        **os.environ,
        "LUUTRU_DEMO_CLOCK": str(world.folder / "clock"),
        "LUUTRU_LOOKS_HANDED": str(world.folder / "handed"),
    }
    processes = {}
    for address in (free_address(), free_address()):
        arguments = ["server", "run", "--registry", world.url, "--vault", str(world.folder / "keys"), "--keys", str(keys)]
        arguments += ["--port", address.rpartition(":")[2], "--base-url", address]
        processes[address] = subprocess.Popen(
            [sys.executable, "-m", "luutru", *arguments], env=settings, stderr=subprocess.DEVNULL
        )
    for address in processes:
        wait_for(lambda address=address: httpx.get(f"{address}/healthz").status_code == 200)
    yield processes
    for each in processes.values():
        each.kill()
        each.wait()


def wait_for(there):
    for _ in range(400):
        try:
            if there():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def steps_of(world):
    """Return each case's claims, and who holds it."""
    with world.registry.reading() as connection:
        events = tables.case_events.c
        claims = Counter(connection.scalars(select(events.case_id).where(events.action == "claim")))
        holders = {row.case_id: row.claimed_by for row in connection.execute(select(tables.cases))}
    return claims, holders


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)  # SQLite lets one write at a time whoever they are
def test_two_officers_in_the_same_second_and_a_server_killed_in_the_middle(world, servers):
    (one, two), (hai, ba) = servers, world.officers
    officers, asking = [Officer(world, one, hai), Officer(world, two, ba)], Officer(world, one, ACCOUNTS["officer"][0])
    contested, start = world.cases[:8], threading.Barrier(2)

    def claims_of(officer):
        found = []
        for case_id in contested:
            start.wait()
            found.append(officer.claim(case_id))
        return found

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(claims_of, officers))
    assert {min(pair) for pair in zip(*answers, strict=True)} == {303}
    assert {max(pair) for pair in zip(*answers, strict=True)} <= {403, 409}  # the other was a moment later, and is told
    claims, holders = steps_of(world)
    assert {claims[each] for each in contested} == {1}
    assert all(holders[each] for each in contested)

    # Two colleagues grant the same thing at once: it is granted once, by one.
    assert asking.claim(world.cases[8]) == 303
    until = (EVENING + timedelta(days=30)).date().isoformat()
    asked = {"csrf": asking.csrf, "kind": "seal-looks", "case": world.cases[8], "until": until, "reason": "x"}
    assert asking.http.post("/police/second-eyes", data=asked).status_code == 200
    (waiting,) = proposals(world, tables.proposals.c.outcome.is_(None))
    seen = fields_of(officers[0].http.get(f"/police/second-eyes/{waiting}").text)["seen"]
    with ThreadPoolExecutor(2) as pool:
        granted = sorted(pool.map(lambda each: each.grant(waiting, seen), officers))
    assert granted == [303, 422]
    assert asking.grant(waiting, seen) == 422

    # A server is killed while one works: each case is claimed with its step and its look, or not at all.
    rest = world.cases[10:]
    killer = threading.Timer(0.6, lambda: servers[two].send_signal(signal.SIGKILL))
    killer.start()
    answered = set(claimed_until_it_breaks(officers[1], rest))
    claims, holders = steps_of(world)
    assert answered
    assert answered <= {each for each, holder in holders.items() if holder == "acc-ba"}
    assert all(claims[each] == (1 if holders[each] else 0) for each in rest)
    assert officers[0].http.get(f"/police/cases/{rest[0]}").status_code == 200  # the other one works on
    for each in (*officers, asking):
        each.http.close()


def claimed_until_it_breaks(officer, cases):
    try:
        for case_id in cases * 20:
            if officer.claim(case_id) == 303:
                yield case_id
    except httpx.TransportError:
        return
    raise AssertionError("the server was never killed")


def in_force(world):
    index = world.vault.number_index("personal", NUMBER)
    order = Order(kind="court", paper="1/2026", issuer="x", unit="x", receivers=("acc-hai",))
    with world.registry.writing() as connection:
        put_in_force(
            connection, order, place=(COMMUNE, "order-1"), index=index, by=("acc-officer", "acc-hai"), until=EVENING + timedelta(days=3), now=EVENING - timedelta(minutes=5),
        )  # fmt: skip


def declare(world, count, of=NUMBER):
    for _ in range(count):
        person = make_person(
            full_name="Phạm Thị Thử Nghiệm", personal_number=of, sex="female" if of == NUMBER else "male", document=None
        )
        assert world.declare_guest(person=person, declaration_id=make_id(world.clock.now())).receipt.state == "accepted"


@pytest.fixture
def gateways(world):
    """Two processes that hold orders when told what time it is."""
    arguments = [sys.executable, "-c", GATEWAY, world.url, str(world.folder / "keys")]
    with ExitStack() as stack:
        made = [stack.enter_context(subprocess.Popen(arguments, stdin=PIPE, stdout=PIPE, text=True)) for _ in range(2)]
        for each in made:
            assert each.stdout.readline() == "ready\n"
        yield made
        for each in made:
            each.kill()


def test_two_gateways_hold_an_order_at_once_and_one_is_killed_and_each_declaration_counts_once(world, gateways):
    in_force(world)
    declared, works = 0, list(gateways)
    for turn in range(6):
        declare(world, 1)
        declare(world, 1, of="001095000333")
        declared += 2
        world.clock.pass_time(minutes=1)
        for each in works:
            each.stdin.write(f"{world.clock.now().isoformat()}\n")
            each.stdin.flush()
        if turn == 4:
            works.pop().kill()  # while it holds
        for each in works:
            assert each.stdout.readline() == "done\n"
    with world.registry.reading() as connection:
        order = connection.execute(select(tables.orders)).one()
        matches = connection.execute(select(tables.order_matches)).all()
        said = list(connection.scalars(select(tables.log_statements.c.said).where(tables.log_statements.c.kind == "match")))
    assert (order.held_against, order.matched, len(matches)) == (declared, declared // 2, declared // 2)
    assert len({each.declaration_id for each in matches}) == declared // 2
    counts = [[int(line.split()[1]) for line in each.splitlines() if "matches " in line] for each in said]
    assert [sum(each) for each in zip(*counts, strict=True)] == [declared // 2, declared // 2]


def test_an_answer_given_while_the_draw_asks_somebody_else_stays_with_whoever_gave_it(world, monkeypatch):
    view = {
        "commune_code": COMMUNE, "view_id": "view-1", "draw_id": "draw-1", "case_id": world.cases[0], "event_id": "e", "code": "visitor",
        "closed_by": "acc-officer", "closed_at": EVENING, "reviewer_id": "gone",
    }  # fmt: skip
    with world.registry.writing() as connection:
        connection.execute(tables.second_views.insert(), [view])

    def free(connection, row, *, now):  # between reading what waits and asking somebody, the answer comes
        connection.execute(update(tables.second_views).values(said="visitor", said_reason="x", said_at=now))
        return ["acc-hai"]

    monkeypatch.setattr(second_views, "free_to_see", free)
    second_views.draw_second_views(world.registry, now=EVENING, percent=10, random_bytes=random_bytes)
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.second_views)).one().reviewer_id == "gone"
