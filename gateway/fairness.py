"""Whose turn it is: from what was taken in hand, the next batch, so that one kiosk's flood delays nobody else.

- Sites take turns, and the kiosks of a site take turns for it; a kiosk's own messages keep their order. What is in the message does not
  matter, only the kiosk in the topic it came on, which the broker gives to nobody else: valid floods and invalid ones are the same.
- A kiosk's site is the one it is enrolled at, whatever site its topic names: a broker lets it name any, and each would have had a turn of its own.
  Who is enrolled nowhere shares one turn with all others of that kind.
- Of a kiosk beyond its pace the rest waits until nobody else does. Nothing is dropped, and nothing is refused for being much.
- Acknowledged is in order of arrival, as MQTT asks (MQTT 5.0, [MQTT-4.6.0-2]): what is committed before its turn is held back until all
  before it are committed. A receipt does not wait for that.
- So nobody starves: who waits at the head holds the acknowledgements back, the broker's window fills, and the head is what is left.
- Only what is in hand can be ordered: the receive maximum says how much that is; the broker's queue in front of it is first come, first served.

Example: ``hand.add(deliveries, now_ns=now); batch = hand.choose(500); ...; transport.acknowledge(hand.settle())``
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.port import Delivery

NOWHERE: Final = ""  # the site of whoever is enrolled at none
REMEMBERED: Final = 10_000  # kiosks whose pace is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """What a kiosk may send before it waits for the others: so many at once, and so many a second."""

    at_once: int = 200
    per_second: float = 20.0


@dataclass(kw_only=True, slots=True, eq=False)
class _Held:
    """One message in hand."""

    delivery: Delivery
    arrived_ns: int
    done: bool = False


class _Turns:
    """Sites in turn, and of a site its kiosks in turn; whoever was served goes to the end."""

    def __init__(self) -> None:
        self._sites: OrderedDict[str, OrderedDict[str, deque[_Held]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._sites)

    def add(self, site: str, kiosk: str, held: _Held) -> None:
        """Put a message at the end of its kiosk's line."""
        kiosks = self._sites.get(site)
        if kiosks is None:
            kiosks = self._sites[site] = OrderedDict()
        line = kiosks.get(kiosk)
        if line is None:
            line = kiosks[kiosk] = deque()
        line.append(held)

    def take(self) -> _Held:
        """Take the message whose turn it is."""
        site, kiosks = next(iter(self._sites.items()))
        kiosk, line = next(iter(kiosks.items()))
        held = line.popleft()
        if line:
            kiosks.move_to_end(kiosk)
        else:
            del kiosks[kiosk]
        if kiosks:
            self._sites.move_to_end(site)
        else:
            del self._sites[site]
        return held


class Hand:
    """What a worker has taken from the broker and not yet acknowledged."""

    def __init__(self, pace: Pace = Pace(), *, site_of: Callable[[str], str | None] | None = None) -> None:
        """``site_of`` tells where a kiosk is enrolled; without it the topic is believed."""
        self._pace = pace
        self._site_of = site_of
        self._arrived: deque[_Held] = deque()
        self._turns = _Turns()
        self._afterwards = _Turns()
        self._chosen: list[_Held] = []
        self._waiting = 0
        self._left: dict[tuple[str, str], tuple[float, int]] = {}  # kiosk -> how many it may still send, and as of when

    def __len__(self) -> int:
        """Return how many are not yet acknowledged."""
        return len(self._arrived)

    @property
    def waiting(self) -> int:
        """Return how many were not chosen yet."""
        return self._waiting

    def oldest_ns(self) -> int | None:
        """Return when the oldest that is not acknowledged was taken in hand."""
        return self._arrived[0].arrived_ns if self._arrived else None

    def add(self, deliveries: Iterable[Delivery], *, now_ns: int) -> None:
        """Take deliveries in hand, in order of arrival."""
        for delivery in deliveries:
            held = _Held(delivery=delivery, arrived_ns=now_ns)
            self._arrived.append(held)
            self._waiting += 1
            site, _, kiosk = delivery.topic.removesuffix("/d").rpartition("/")
            if self._site_of is not None:
                site = self._site_of(kiosk) or NOWHERE
            turns = self._turns if self._within_pace(site, kiosk, now_ns) else self._afterwards
            turns.add(site, kiosk, held)

    def choose(self, limit: int) -> list[Delivery]:
        """Return the next batch. It stays in hand until ``settle``."""
        chosen = self._chosen
        while len(chosen) < limit and (turns := self._turns or self._afterwards):
            chosen.append(turns.take())
            self._waiting -= 1
        return [each.delivery for each in chosen]

    def settle(self) -> list[Delivery]:
        """Note that the chosen batch is committed; return what may be acknowledged now, in order of arrival."""
        for each in self._chosen:
            each.done = True
        self._chosen = []
        released = []
        while self._arrived and self._arrived[0].done:
            released.append(self._arrived.popleft().delivery)
        return released

    def _within_pace(self, site: str, kiosk: str, now_ns: int) -> bool:
        pace, sender = self._pace, (site, kiosk)
        left, since = self._left.get(sender, (float(pace.at_once), now_ns))
        left = min(float(pace.at_once), left + (now_ns - since) / 1e9 * pace.per_second)
        if len(self._left) >= REMEMBERED and sender not in self._left:
            self._left.clear()  # whoever floods is soon beyond its pace again
        self._left[sender] = (left - 1 if left >= 1 else left, now_ns)
        return left >= 1
