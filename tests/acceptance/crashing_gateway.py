"""The real gateway with one fault: it is killed between the commit and the acknowledgement of the first batch it takes.

Example: ``python nursery.py gateway``, then ``["gateway", "run", "--broker", "127.0.0.1:8883"]``
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from gateway.port import Delivery
from gateway.transport import MqttTransport
from luutru import __main__ as luutru


def die_instead(_line: object, deliveries: Sequence[Delivery]) -> None:
    """Die as a power cut would, when there is something to acknowledge that matters."""
    if any(delivery.topic.endswith("/d") for delivery in deliveries):
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    MqttTransport.acknowledge = die_instead  # type: ignore[method-assign]
    luutru.main()
