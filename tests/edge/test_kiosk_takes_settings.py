"""A real kiosk process follows what is published: takes it up when nobody is there, keeps it when it works, takes it back when not."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from configuration_parts import Authority
from settings_machine import machine_of

from luutru.demo.broker import free_port


def test_settings_are_taken_up_when_nobody_is_there_and_taken_back_when_they_do_not_work(tmp_path, broker):
    authority = Authority(tmp_path / "authority", now=datetime.now(UTC))
    with machine_of(tmp_path, broker, authority) as machine:
        machine.until(lambda: 'data-name="idle"' in machine.page() and "Chung cư Hòa Bình" in machine.page())
        machine.press("start:vi")
        assert 'data-name="idle"' not in machine.page(), "somebody stands there"
        authority.publish(machine.sent(name="Chung cư Bình Minh"))
        machine.until(lambda: machine.state.get("trying"))
        time.sleep(1.5)  # several looks: somebody stands there, so nothing begins
        assert (machine.process.poll(), machine.state.get("tries", 0), machine.starts) == (None, 0, 1)
        machine.press("stop")
        machine.until(lambda: machine.state.get("good"))
        assert (machine.starts, machine.state["good"]) == (2, "a")
        machine.until(lambda: "Chung cư Bình Minh" in machine.page())
        good = machine.state["good_name"]

        authority.publish(machine.sent(name="Chung cư Hỏng", port=free_port()))  # nobody listens there
        machine.until(lambda: machine.state.get("refused"))
        machine.until(lambda: "Chung cư Bình Minh" in machine.page())
        assert (machine.state["good_name"], machine.state.get("trying", "")) == (good, "")
        starts = machine.starts
        time.sleep(1.0)  # the same document comes with every look, and is not tried again
        machine.until(lambda: "Chung cư Bình Minh" in machine.page())
        assert machine.starts == starts == 4
        told = machine.told()["readers"]
        assert told["configuration"] == "degraded:configuration.taken_back"

        authority.publish(machine.sent(name="Chung cư Lành"))
        machine.until(lambda: machine.state["good_name"] != good and "Chung cư Lành" in machine.page())
        assert machine.state["good"] == "b"
        told = machine.told()["readers"]
        assert told["configuration"] == f"ok:{machine.state['good_name']}"
