"""Every broker we run our pipeline on, and in which ways they differ: the one place that says it.

- A trait is a fact, not a wish: ``tests/gateway/test_broker_differences.py`` tries each on each broker, and docs/brokers.md shows them.
- No trait is needed for "nothing lost, nothing doubled": ``tests/acceptance/`` shows that on every broker here.
- Mosquitto is the product's (``luutru.demo.broker``). rumqttd comes in the wheel of ``iotcore``: for tests, never for production, because it
  neither checks client certificates nor has access rules, and forgets everything when it ends.

Example: ``with make("rumqttd", directory, pki=pki) as broker: connect("127.0.0.1", broker.port)``
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from luutru.demo.broker import HOST, Broker, free_port


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a broker does. The names are the rows of the table in docs/brokers.md."""

    checks_client_certificates: bool
    keeps_kiosks_to_their_own_topics: bool
    says_when_nobody_subscribes: bool
    obeys_our_receive_maximum: bool
    says_its_largest_packet: bool
    keeps_queues_over_a_restart: bool
    takes_keepalive_zero: bool
    ends_the_older_of_two_with_one_client_id: bool


TRAITS = {
    "mosquitto": Traits(
        checks_client_certificates=True,
        keeps_kiosks_to_their_own_topics=True,
        says_when_nobody_subscribes=True,
        obeys_our_receive_maximum=True,
        says_its_largest_packet=True,
        keeps_queues_over_a_restart=True,
        takes_keepalive_zero=True,
        ends_the_older_of_two_with_one_client_id=True,
    ),
    "rumqttd": Traits(
        checks_client_certificates=False,
        keeps_kiosks_to_their_own_topics=False,
        says_when_nobody_subscribes=False,
        obeys_our_receive_maximum=False,
        says_its_largest_packet=False,
        keeps_queues_over_a_restart=False,
        takes_keepalive_zero=False,
        ends_the_older_of_two_with_one_client_id=True,
    ),
}
NAMES = tuple(TRAITS)

RUMQTTD = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.tls]
capath = "{ca}"
certpath = "{certificate}"
keypath = "{key}"

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 20480
max_inflight_count = 100
dynamic_filters = true
"""


class Rumqttd:
    """The part of ``luutru.demo.broker.Broker`` that tests use, on rumqttd as our child."""

    def __init__(self, directory, *, pki, port=None):
        self.directory, self.pki, self.host = directory, pki, HOST
        self.port = port or free_port()
        self.log = directory / "rumqttd.log"
        self._process = None

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def start(self):
        if self.running:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        who = self.pki.broker()
        path = self.directory / "rumqttd.toml"
        # Its default is every address of the machine.
        path.write_text(RUMQTTD.format(host=HOST, port=self.port, ca=who.ca, certificate=who.certificate, key=who.key), "utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "iotcore", "--config", str(path), "--log-level", "CRITICAL"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 10
        while time.monotonic() < end and self.running:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"rumqttd did not start: {self.log.read_text('utf-8', 'replace')[-500:]}")

    def stop(self):
        self.kill()  # it has no other end

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()


def make(name, directory, *, pki, port=None):
    """Return a broker by name; it is not started."""
    return {"mosquitto": Broker, "rumqttd": Rumqttd}[name](directory, pki=pki, port=port)


def forget(broker):
    """Take everything a stopped broker has stored."""
    shutil.rmtree(broker.directory / "data", ignore_errors=True)
