"""How a kiosk's machine keeps time: chrony's configuration. A wrong clock means no uplink and deadlines nobody can rely on.

- Only servers that prove who they are (NTS) are asked, and two must agree: one that lies alone moves nothing.
- A clock that is far off is set at once in the first three updates; later, a jump of more than a thousand seconds ends the service, for somebody should look.
- ``first_time_unchecked`` lets a machine without a clock of its own accept certificates without looking at their dates, once: it cannot know the date
  yet. It weakens the first answer and nothing after it.

Example: ``chrony_configuration(machine)``
"""

from __future__ import annotations

from firmware_config.machines import Machine


def chrony_configuration(machine: Machine) -> str:
    """Return chrony's configuration."""
    time = machine.time
    unchecked = (
        [
            "# This machine does not know the date before its first answer; certificates' dates count from the second on.",
            "nocerttimecheck 1",
        ]
        if time.first_time_unchecked
        else []
    )
    return "\n".join(
        (
            "# Written by `luutru firmware render`; changes are lost.",
            "# Servers that prove who they are (NTS).",
            *(f"server {each} iburst nts" for each in time.servers),
            *(f"server {each} iburst" for each in time.also_unproven),
            "# Those without proof count only where one with proof agrees.",
            "authselectmode mix" if time.also_unproven else "authselectmode require",
            "# One server alone is not believed.",
            "minsources 2",
            *unchecked,
            "# Cookies and keys of NTS, so that a restart needs no new handshake.",
            "ntsdumpdir /var/lib/chrony",
            "driftfile /var/lib/chrony/drift",
            "# Far off at the start: set at once. Later: slowly.",
            "makestep 1.0 3",
            "# A thousand seconds at once, later on, is a fault and not a correction.",
            "maxchange 1000 3 0",
            "# The machine's own clock is kept right, for the next start without a network.",
            "rtcsync",
            "# Nobody asks us, and only this machine gives orders.",
            "port 0",
            "cmdport 0",
            "",
        )
    )
