"""What goes wrong and when: one fault after another, drawn from the run's randomness, until calm.

- Every fault is counted when it has really struck, not when it was wished for.
- Faults at the boundaries of a commit are not here: processes draw those themselves (``Kiosk.may_die``, ``Gateway.may_die``).

Example: ``Nemesis(world).begin()``
"""

from __future__ import annotations

from datetime import timedelta

HOUR = timedelta(hours=1)
THREE_YEARS = timedelta(days=3 * 365)


class Nemesis:
    """The run's bad luck."""

    def __init__(self, world):
        self._world = world
        self._rng = world.rng
        self._faults = (
            self._partition_kiosk,
            self._partition_gateway,
            self._empty_broker,
            self._empty_broker,
            self._kill_kiosk,
            self._cut_power,
            self._reset_kiosk,
            self._jump,
            self._kill_gateway,
            self._kill_gateway,
            self._take_registry_away,
            self._change_key,
        )

    def begin(self):
        """Wait for the first."""
        self._world.loop.call_after(self._rng.expovariate(1 / self._world.plan.fault_every), self._strike)

    def _strike(self):
        if self._world.chaos:
            self._rng.choice(self._faults)()
            self.begin()

    def _struck(self, kind):
        self._world.history.struck(kind)

    def _kiosk(self):
        return self._rng.choice(self._world.kiosks)

    def _gateway(self):
        return self._rng.choice(self._world.gateways)

    def _partition(self, client, longest):
        broker = self._world.broker
        broker.partition(client)
        self._world.loop.call_after(self._rng.uniform(1, longest), broker.heal, client)

    def _partition_kiosk(self):
        self._partition(self._kiosk().kiosk_id, 15)
        self._struck("kiosk cut off")

    def _partition_gateway(self):
        self._partition(self._gateway().client_id, 10)
        self._struck("gateway cut off")

    def _empty_broker(self):
        forget = self._rng.random() < 0.4
        self._world.broker.die(forget=forget)
        self._world.loop.call_after(self._rng.uniform(0.5, 8), self._world.broker.rise)
        self._struck("broker died and forgot its sessions" if forget else "broker died, queues emptied")

    def _kill_kiosk(self):
        kiosk = self._kiosk()
        if kiosk.up:
            kiosk.crash()
            self._struck("kiosk killed")

    def _cut_power(self):
        kiosk = self._kiosk()
        if kiosk.up:
            kiosk.crash(power=True)
            self._struck("kiosk's power cut")

    def _reset_kiosk(self):
        kiosk = self._kiosk()
        if kiosk.up:
            kiosk.reset()
            self._struck("kiosk reset")

    def _jump(self):
        kiosk = self._kiosk()
        step, kind = self._rng.choice(((-HOUR, "clock an hour back"), (THREE_YEARS, "clock three years ahead")))
        kiosk.jump(step)
        self._struck(kind)
        if self._rng.random() < 0.5:
            self._world.loop.call_after(self._rng.uniform(2, 15), kiosk.jump, -step)

    def _kill_gateway(self):
        gateway = self._gateway()
        if gateway.up:
            gateway.crash()
            self._struck("gateway killed")

    def _take_registry_away(self):
        gateway = self._gateway()
        gateway.away_until = self._world.loop.now + self._rng.uniform(0.5, 6)

    def _change_key(self):
        world = self._world
        world.authority.rotate(at=world.gateways[0].clock.now())
        self._struck("receipt key rotated")
        for gateway in world.gateways:
            if self._rng.random() < 0.7:  # the rest sign with the old one until they die of something else
                world.loop.call_after(self._rng.uniform(0, 3), gateway.crash)
        if self._rng.random() < 0.5:
            world.loop.call_after(self._rng.uniform(0.5, 8), self._revoke)

    def _revoke(self):
        if self._world.chaos and self._world.authority.revoke(at=self._world.gateways[0].clock.now()):
            self._struck("receipt key revoked")
