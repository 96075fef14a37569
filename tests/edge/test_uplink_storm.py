"""How a kiosk comes back: spread after a power cut, with its TLS session to a broker that lived on, with a new certificate at once."""

import random
import shutil
import socket
import time

import msgspec
import pytest
from kiosk_parts import make_outbox

from edge_agent.line import ConnectionState, Line, Tls, first_spread
from edge_agent.uplink import Uplink
from luutru.system import SystemClock
from luutru.throwaway import KIOSK_ID

SITE = "blk-hoa-binh"


def eventually(check, seconds=15.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return
        time.sleep(0.01)
    pytest.fail("did not happen in time")


@pytest.mark.parametrize(
    ("host", "since_boot", "waits"),
    [("broker.example", 12.0, 30.0), ("broker.example", 300.0, 0.0), ("127.0.0.1", 12.0, 0.0), ("localhost", 12.0, 0.0)],
)
def test_only_a_machine_that_has_just_booted_waits_and_not_for_its_own_broker(host, since_boot, waits):
    assert first_spread(host, spread=30.0, since_boot=since_boot) == waits


@pytest.fixture
def line(tmp_path, broker):
    who = broker.pki.kiosk(KIOSK_ID).copy_to(tmp_path / "tls", as_name="kiosk")
    return Line(
        host=broker.host,
        port=broker.port,
        site=SITE,
        kiosk_id=KIOSK_ID,
        ca_file=who.ca,
        certificate_file=who.certificate,
        key_file=who.key,
        backoff_base=0.05,
        backoff_cap=0.2,
    )


@pytest.fixture
def started(tmp_path):
    """A factory of running uplinks."""
    running = []
    outbox = make_outbox(tmp_path / "kiosk.db", clock=SystemClock())

    def start(line, jitter=random.random):
        uplink = Uplink(outbox, line, clock=SystemClock(), jitter=jitter)
        running.append(uplink)
        uplink.start()
        return uplink

    yield start
    for each in running:
        each.stop()
    outbox.close()


def test_the_first_attempt_falls_where_chance_puts_it_in_the_spread(line, started):
    uplink = started(msgspec.structs.replace(line, first_spread=1000.0), jitter=lambda: 0.5)
    assert uplink.health().state is ConnectionState.WAITING
    assert 499.0 < uplink._retry_at - uplink._seconds() <= 500.0
    at_once = started(msgspec.structs.replace(line, first_spread=1000.0), jitter=lambda: 0.0)
    eventually(lambda: at_once.health().state is ConnectionState.UP)


def test_a_line_that_broke_takes_its_session_up_and_a_new_certificate_does_not(line, started, broker):
    uplink = started(line)
    reused = []
    for turn in range(3):
        eventually(lambda: uplink.health().state is ConnectionState.UP and uplink._tls._context.session is not None)
        reused.append(uplink._client.socket().session_reused)
        before = uplink.health().session
        if turn == 1:  # as a renewal does: another certificate, and the next connection is made with it
            (broker.pki._directory / f"{KIOSK_ID}.pem").unlink()
            shutil.copyfile(broker.pki.kiosk(KIOSK_ID).certificate, line.certificate_file)
            shutil.copyfile(broker.pki.kiosk(KIOSK_ID).key, line.key_file)
        uplink._client.socket().shutdown(2)
        eventually(lambda before=before: uplink.health().session > before)
    assert reused == [False, True, False]


def test_a_session_is_offered_once_so_that_one_that_is_refused_keeps_nobody_out(line):
    tls = Tls(line)
    context = tls.context()
    with (
        socket.create_connection((line.host, line.port)) as plain,
        context.wrap_socket(plain, server_hostname=line.host) as connection,
    ):
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)  # TLS 1.3 gives its sessions after the handshake
        tls.remember(connection)
        assert context.session is not None
    context.wrap_socket(socket.socket(), server_hostname=line.host, do_handshake_on_connect=False).close()
    assert tls.context() is context
    assert context.session is None
