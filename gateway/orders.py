"""Orders of a court or an investigation, held against declarations beside the intake: the one place where a number of an order meets a register.

- Nothing goes out from here: no receipt, no message, no event. What was met waits for the unit the order names (``/police/orders``).
- It is asked often, and does nothing where no order is in force.

Example: ``orders_duty(registry, random_bytes=random_bytes).perform(now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from gateway.worker import Duty
from registry.database import Registry
from registry.order_matching import hold_orders

EVERY: Final = timedelta(seconds=20)


def orders_duty(registry: Registry, *, random_bytes: Callable[[int], bytes]) -> Duty:
    """Return the duty of the gateway that sweeps."""
    return Duty("orders", EVERY, lambda now: hold_orders(registry, now=now, random_bytes=random_bytes))
