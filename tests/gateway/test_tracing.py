"""A statement's way as a collector sees it: real kiosk, broker, gateway and OTLP bytes; no personal field in any of them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from authority import Authority
from gateway_thread import GatewayThread, eventually
from hypothesis import given
from hypothesis import strategies as st
from line_parts import kiosk_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from traces import traces

from luutru.system import system_clock
from luutru.tracing import tracing_of
from luutru.tracing_gateway import GatewayTrace
from luutru.tracing_kiosk import KioskTrace
from residence.errors import Malformed
from residence.wire.trace_ids import is_told, trace_of

NAME = "Lê Thị Ngọc Dấu Vết"
STAGES = {"collect", "read", "look-ups", "reconcile", "rows", "receipts", "commit", "answer", "acknowledge"}


class Collector:
    """An OTLP collector: takes protobuf over HTTP and keeps it."""

    def __init__(self):
        self.bodies, self.spans = [], []
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.bodies.append(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {each.key: each.value.string_value for each in resource.resource.attributes}
                    kept.spans += [(names, span) for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def collector(monkeypatch):
    collector = Collector()
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.server_port}",
        "OTEL_TRACES_SAMPLER_ARG": "1.0",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)  # the library's exporter reads them itself
    collector.environment = environment
    yield collector
    collector.close()


@pytest.fixture
def office(tmp_path):
    folder = tmp_path / "office"
    folder.mkdir()
    office = Authority(folder)
    office.ring = office.keyring
    yield office
    office.close()


def test_one_trace_from_the_promise_on_the_screen_to_the_receipt_and_nobody_in_it(office, broker, tmp_path, request, collector):
    clock = system_clock()
    ends = [
        tracing_of(collector.environment, service=f"luutru-{each}", instance=each, version="test")
        for each in ("kiosk", "gateway")
    ]
    outbox, _, _, _, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
    outbox.listen(KioskTrace(outbox, ends[0], clock).changed)
    gateway = GatewayThread(office, broker, tmp_path / "gateway", traced=GatewayTrace(ends[1], clock).batch)
    request.addfinalizer(gateway.stop)
    said = office.declaration(office.kiosk(), person=msgspec.structs.replace(office.person(), full_name=NAME))
    kept = outbox.keep(said)
    uplink.start()
    eventually(lambda: outbox.settlement(kept.declaration_id).receipt is not None)
    uplink.stop()
    gateway.stop()
    for each in ends:
        each.close()
    ids = trace_of(kept.declaration_id)
    mine = [(names, span) for names, span in collector.spans if span.trace_id == ids.trace_id.to_bytes(16, "big")]
    by_name = {span.name: (names, span) for names, span in mine}
    names, first = by_name["stay declaration"]
    assert (first.span_id, first.parent_span_id) == (ids.first_span_id.to_bytes(8, "big"), b"")
    assert names["service.name"] == "luutru-kiosk"
    assert {"to the broker", "to the receipt"} <= by_name.keys()
    assert {f"gateway: {each}" for each in STAGES} <= by_name.keys()
    assert all(span.parent_span_id == first.span_id for _, span in mine if span is not first)
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for _, span in mine)
    commit = by_name["gateway: commit"][1]
    assert first.start_time_unix_nano < commit.end_time_unix_nano < first.end_time_unix_nano
    assert by_name["gateway: commit"][0]["service.name"] == "luutru-gateway"
    secrets = [NAME, said.person.personal_number, kept.declaration_id, said.person.birth.value]
    assert collector.bodies
    assert traces(b"".join(collector.bodies), secrets) == set()


def test_a_collector_that_is_away_costs_no_statement_and_ends_in_time(office, broker, tmp_path, request, monkeypatch):
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_SAMPLER_ARG": "1.0"}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", away["OTEL_EXPORTER_OTLP_ENDPOINT"])
    tracing = tracing_of(away, service="luutru-kiosk", instance="kiosk", version="test")
    outbox, _, _, _, uplink = kiosk_of(office, broker, tmp_path / "kiosk")
    outbox.listen(KioskTrace(outbox, tracing, system_clock()).changed)
    gateway = GatewayThread(office, broker, tmp_path / "gateway")
    request.addfinalizer(gateway.stop)
    kept = outbox.keep(office.declaration(office.kiosk()))
    uplink.start()
    eventually(lambda: outbox.settlement(kept.declaration_id).receipt is not None)
    uplink.stop()
    ended = threading.Thread(target=tracing.close, daemon=True)
    ended.start()
    ended.join(30)
    assert not ended.is_alive()


def test_nothing_is_told_and_nothing_loaded_where_nobody_asked():
    assert tracing_of({}, service="a", instance="b", version="c") is None
    off = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}
    assert tracing_of(off, service="a", instance="b", version="c") is None


@pytest.mark.parametrize("share", ["2", "-0.1", "half", "nan"])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(Malformed, match=r"tracing\.share"):
        tracing_of(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_SAMPLER_ARG": share},
            service="a",
            instance="b",
            version="c",
        )


@pytest.mark.parametrize(("name", "value"), [("OTEL_EXPORTER_OTLP_TIMEOUT", "abc"), ("OTEL_BSP_MAX_QUEUE_SIZE", "-3")])
def test_a_variable_the_library_cannot_use_is_refused_with_a_sentence(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", name: value}
    with pytest.raises(Malformed, match=r"tracing\.settings"):
        tracing_of(asked, service="a", instance="b", version="c")


def test_only_what_is_on_the_list_can_be_told(collector):
    tracing = tracing_of(collector.environment, service="a", instance="b", version="c")
    with pytest.raises(ValueError, match="not to be told"):
        tracing.tell("x", trace_of("y"), began_ns=1, ended_ns=2, full_name=NAME)
    tracing.close()
    assert collector.spans == []


@given(st.text(), st.floats(0, 1))
def test_both_ends_tell_the_same_traces(declaration_id, share):
    ids = trace_of(declaration_id)
    assert min(ids) > 0
    assert (is_told(ids, 1.0), is_told(ids, 0.0)) == (True, False)
    assert not is_told(ids, share) or is_told(ids, (1 + share) / 2)
