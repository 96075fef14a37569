"""A network in which every machine of the town has its own stack and its own cable: cut it, lose packets on it, make it slow.

- One namespace per machine, a veth pair to a bridge that is the campaign's own. The campaign itself is no machine and is never cut off.
- ``cut`` drops everything both ways without a word, as a dead cable does: nobody is told, connections stay half open.
- ``lose`` drops one packet in so many by chance; ``slow`` is a token bucket. netem is not in every kernel and is not used.
- Healing says how many packets the fault really took: a cut that nobody noticed does not count.

Example: ``network = Network(["kiosk-1", "broker"]); network.cut("broker"); network.heal("broker") > 0``
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

PREFIX = "10.77.0"
FIRST_ADDRESS = 10


class Network:
    """The machines, by name."""

    def __init__(self, machines):
        self.addresses = {name: f"{PREFIX}.{FIRST_ADDRESS + number}" for number, name in enumerate(machines)}
        self._holders = {}
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "br0", "type", "bridge")
        _run("ip", "link", "set", "br0", "up")
        for number, name in enumerate(machines):
            self._connect(name, cable=f"v{number}")

    def enter(self, name):
        """Return the words before a command that is to run on a machine."""
        return ["nsenter", f"--net=/proc/{self._holders[name].pid}/ns/net", "--"]

    def cut(self, name):
        """Cut a machine off."""
        self._filter(name, "cut", "counter drop")

    def cut_outgoing(self, name):
        """Let a machine hear and not speak."""
        self._filter(name, "cut", "counter drop", hooks=("output",))

    def lose(self, name, percent):
        """Lose packets both ways."""
        self._filter(name, "loss", f"numgen random mod 100 < {percent} counter drop")

    def slow(self, name, kilobits):
        """Narrow what leaves a machine."""
        rate = ("rate", f"{kilobits}kbit", "burst", "4kb", "latency", "400ms")
        _run(*self.enter(name), "tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", *rate)

    def heal(self, name):
        """End a cut or a loss; return how many packets it took."""
        return self._unfilter(name, "cut")

    def find_again(self, name):
        """End a loss; return how many packets it took."""
        return self._unfilter(name, "loss")

    def hurry(self, name):
        """Make a cable fast again; return how many packets had to wait or were dropped."""
        shown = _run(*self.enter(name), "tc", "-s", "qdisc", "show", "dev", "eth0")
        _run(*self.enter(name), "tc", "qdisc", "del", "dev", "eth0", "root")
        return sum(int(each) for each in re.findall(r"(?:dropped|overlimits) (\d+)", shown))

    def _connect(self, name, *, cable):
        ours = Path("/proc/self/ns/net").readlink()
        holder = self._holders[name] = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == ours:
            time.sleep(0.002)
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid))
        _run("ip", "link", "set", cable, "master", "br0", "up")
        inside = self.enter(name)
        _run(*inside, "ip", "addr", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        _run(*inside, "ip", "link", "set", "lo", "up")
        _run(*inside, "ip", "link", "set", "eth0", "up")

    def _filter(self, name, table, rule, *, hooks=("input", "output")):
        lines = [f"add table inet {table}"]
        for hook in hooks:
            cable = "iifname" if hook == "input" else "oifname"
            lines.append(f"add chain inet {table} {hook} {{ type filter hook {hook} priority 0; policy accept; }}")
            lines.append(f"add rule inet {table} {hook} {cable} eth0 {rule}")
        _run(*self.enter(name), "nft", "-f", "-", text="\n".join(lines) + "\n")

    def _unfilter(self, name, table):
        shown = _run(*self.enter(name), "nft", "list", "table", "inet", table)
        _run(*self.enter(name), "nft", "delete", "table", "inet", table)
        return sum(int(each) for each in re.findall(r"packets (\d+)", shown))


def _run(*command, text=None):
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
