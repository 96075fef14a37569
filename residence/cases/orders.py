"""Orders a court or an investigation issued on paper: what has to be said to enter one, and what the log says of holding it against declarations.

- An order has a number, an issuer, an end, a unit with named accounts, and one whole personal number: no name, no part of a number, no pattern.
- What a second person types from the same paper must be the same number; what was asked for keeps a salted digest of it and nothing to find anybody by.
- Each declaration held against an order counts in the log as a match or not; which one is nowhere said.

>>> order_problems(Order(kind="court", paper="12/2026", issuer="TAND", unit="Đội 3", receivers=("a",)))
()
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Literal, get_args

import msgspec

from residence.errors import Problem, problem

OrderKind = Literal["court", "investigation"]
ORDER_KINDS: Final[tuple[OrderKind, ...]] = get_args(OrderKind)
LONGEST: Final = 200
RECEIVERS_AT_MOST: Final = 12


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an order besides its end and the number."""

    kind: str
    paper: str
    issuer: str
    unit: str
    receivers: tuple[str, ...]


def order_problems(order: Order) -> tuple[Problem, ...]:
    """Return everything that is missing or too long, with a pointer each."""
    found = [problem("orders.kind", "/kind")] if order.kind not in ORDER_KINDS else []
    words = {"paper": order.paper, "issuer": order.issuer, "unit": order.unit}
    found += [problem("orders.words", f"/{name}") for name, said in words.items() if not 0 < len(said) <= LONGEST]
    if not 0 < len(order.receivers) <= RECEIVERS_AT_MOST:
        found.append(problem("orders.receivers", "/receivers"))
    return tuple(found)


def number_check(index: bytes, salt: str) -> str:
    """Return what two people's typing of one number is compared by: a digest that finds nobody."""
    return sha256(b"luutru order\x00" + salt.encode() + index).hexdigest()


def match_text(order_id: str, *, where: str, held: int, matched: int, salt: str, window: tuple[str, str]) -> bytes:
    """Return the text that holding an order against declarations is committed to by: each counts, as a match or not."""
    lines = (
        "luutru-match-row/1",
        f"salt {salt}",
        f"commune {where}",
        f"order {order_id}",
        f"from {window[0]}",
        f"until {window[1]}",
        f"matches {matched}",
        f"non-matches {held - matched}",
    )
    return "".join(f"{line}\n" for line in lines).encode()
