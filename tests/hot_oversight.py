"""What looks at the officers themselves asks of the registry: the log, orders, second views, published figures; nothing here writes SQL.

Example: ``OVERSIGHT["orders held against declarations"](town, scene)``
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from hot_steps import COMMUNES, _writing
from sqlalchemy import Connection

from registry import look_log, order_matching, orders, public_figures, second_view_answers, second_views, ward_figures
from registry.handing_over import Handed
from registry.seed import DEMO_COMMUNE
from residence.cases.orders import Order
from residence.errors import Refused

if TYPE_CHECKING:
    from hot_queries import Scene
    from recording_town import Town

OFFICER = "accoun-0000007"


def _publish(connection: Connection, _town: Town, _scene: Scene) -> None:
    look_log.known_size(connection)
    found = look_log.waiting(connection, 3)
    look_log.as_they_stand(connection, [Handed(commune_code=DEMO_COMMUNE, look_id=each.look_id, entry=b"") for each in found])
    look_log.place(connection, [(each, 10_000 + number) for number, each in enumerate(found)])
    look_log.looks_between(connection, 10_000, 10_003)
    look_log.records_of(connection, [each.look_id for each in found])


def _hold_orders(town: Town, _scene: Scene) -> object:
    order = Order(kind="court", paper="1/2026", issuer="x", unit="x", receivers=(OFFICER,))
    index = town.registry.vault.number_index("personal", "001095000778")
    with town.registry.writing() as connection:
        orders.put_in_force(
            connection,
            order,
            place=(DEMO_COMMUNE, "order-1"),
            index=index,
            by=("a-1", "a-2"),
            until=town.now + timedelta(days=3),
            now=town.now - timedelta(days=1),
        )
    held = order_matching.hold_orders(town.registry, now=town.now + timedelta(hours=1), random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        (mine,) = orders.orders_for(connection, DEMO_COMMUNE, OFFICER, now=town.now)
        assert orders.order_for(connection, mine.order_id, OFFICER, now=town.now) is not None
        means = {"now": town.now, "random_bytes": secrets.token_bytes}
        orders.look_at_matches(connection, mine, account_id=OFFICER, **means)
    return held


def _second_views(town: Town, _scene: Scene) -> object:
    drawn = second_views.draw_second_views(town.registry, now=town.now, percent=10, random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        second_view_answers.views_asked_of(connection, OFFICER)
        for code in COMMUNES[:3]:
            for row in second_views.waiting_views(connection, code)[:2]:
                second_views.free_to_see(connection, row, now=town.now)
                with suppress(Refused):
                    second_view_answers.say(connection, row.view_id, by=OFFICER, said="visitor", reason="x", now=town.now)
            second_view_answers.seen_otherwise(connection, code)
            for draw in second_views.draws_of(connection, code)[:1]:
                second_views.holds(connection, draw)
    return drawn


def _figures(town: Town, _scene: Scene) -> object:
    with town.registry.reading() as connection:
        public_figures.months_of(connection, DEMO_COMMUNE)
        ward_figures.ward_weeks(connection, DEMO_COMMUNE, now=town.now)
    return public_figures.publish_month(town.registry, now=town.now, least=5)


OVERSIGHT = {
    "looks get their places in the log": _writing(_publish),
    "orders held against declarations, and what one met": _hold_orders,
    "closed cases are drawn and seen again": _second_views,
    "a month is counted and published": _figures,
}
