"""An order from a paper entered by two: each has the paper before them, and both type the number it names.

- The second person's number must be the first one's; ``Conflict("orders.number_differs")`` otherwise, and nothing is entered.
- What waits keeps a salted digest of the number's index: it can be compared with, and finds nobody.

Example: ``preview(scene)["unit"]`` is "Đội 3"
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from registry.accounts import names_of
from registry.blind_indexes import every
from registry.orders import put_in_force
from residence.cases.orders import Order, number_check, order_problems
from residence.clock import parse_instant, rfc3339
from residence.errors import Conflict, Malformed, Refused
from residence.people.personal_number import parse_personal_number
from server.police.matter_scene import Scene
from server.policy import CommuneResource
from server.wiring import Server


def preview(scene: Scene) -> dict[str, Any]:
    """Return what would be in force, all but the number."""
    order, until = order_of(scene.content), parse_instant(scene.content["until"])
    if order_problems(order) or until <= scene.server.clock.now():
        raise Refused("orders.words")
    names = names_of(scene.connection, order.receivers)
    said: dict[str, Any] = msgspec.to_builtins(order)
    return said | {"until": rfc3339(until), "receivers": [[each, names[each]] for each in order.receivers]}


def require(scene: Scene) -> None:
    """Refuse whoever may not enter an order."""
    for account in (scene.asker, scene.viewer):
        scene.server.policy.require(account, "enter_order", resource=CommuneResource(commune=scene.asker.commune_code))


def carry_out(scene: Scene) -> None:
    """Put it in force, if the number typed now is the one that was typed when it was asked for."""
    index = index_of(scene.server, scene.typed)
    forms = every(index)  # its key may have been rotated since it was asked for
    if not any(hmac.compare_digest(number_check(each, scene.subject), scene.content["check"]) for each in forms):
        raise Conflict("orders.number_differs", "/number")
    put_in_force(
        scene.connection,
        order_of(scene.content),
        place=(scene.asker.commune_code, scene.subject),
        index=index,
        by=(scene.asker.account_id, scene.viewer.account_id),
        until=parse_instant(scene.content["until"]),
        now=scene.server.clock.now(),
    )


def index_of(server: Server, typed: str) -> bytes:
    """Return the keyed index of a whole personal number, or raise ``Refused("orders.number")``."""
    try:
        number = parse_personal_number(typed.strip(), "/number")
    except Malformed:
        raise Refused("orders.number", "/number") from None
    return server.registry.vault.number_index("personal", number.number)


def order_of(content: Mapping[str, Any]) -> Order:
    """Return what a proposal says of an order."""
    return msgspec.convert({name: content[name] for name in Order.__struct_fields__}, Order)
