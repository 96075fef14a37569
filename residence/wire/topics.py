"""Every MQTT topic of this product, in one place; no personal data is ever in a topic.

- ``luutru/1/<shard>/<site>/<kiosk>/<leaf>``: ``d`` envelopes up, ``s`` kiosk state (retained, also the will), ``r`` receipts down,
  ``c`` keyring updates down, ``e`` events of readers and doors up; ``l/<paper>`` door lists, orders, what is kept of events, answers, down (each retained).
- ``luutru/1/gateway/state`` (retained) says whether a gateway is taking; ``luutru/1/gateway/trust/<place>`` (retained) are the pieces of the
  bundle that says whom to trust about chips.
- The shard is the first eight bytes of SHA-256(site) modulo 64, two digits. Workers subscribe to disjoint shards, so a site's
  messages stay in order and broker features like ``$share`` are not needed.
- Ids are ``[a-z0-9][a-z0-9-]{0,62}``: no MQTT wildcard or separator fits in.
- The broker's ACL compares the kiosk level with the certificate's CN (``%u``); see ``acl_lines``.

>>> kiosk_topics("blk-hoa-binh", "kiosk-lobby-1").declarations
'luutru/1/21/blk-hoa-binh/kiosk-lobby-1/d'
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, cast

import msgspec

from residence.errors import Malformed

ROOT: Final = "luutru/1"
SHARDS: Final = 64
GATEWAY_STATE: Final = f"{ROOT}/gateway/state"
TRUST_PIECES: Final = f"{ROOT}/gateway/trust/+"

Leaf = Literal["d", "s", "r", "c", "e"]
LEAVES: Final[dict[Leaf, str]] = {
    "d": "envelopes",
    "s": "kiosk state",
    "r": "receipts",
    "c": "keyring updates",
    "e": "door events",
}
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LEVELS: Final = 6


class KioskTopics(msgspec.Struct, frozen=True, kw_only=True):
    """The topics of one kiosk. ``papers`` is a prefix: what follows names the paper."""

    declarations: str
    state: str
    receipts: str
    commands: str
    events: str
    papers: str


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A kiosk topic taken apart."""

    shard: int
    site: str
    kiosk: str
    leaf: Leaf


def shard_of(site: str) -> int:
    """Return the shard 0..63 of a site."""
    return int.from_bytes(hashlib.sha256(site.encode()).digest()[:8], "big") % SHARDS


def kiosk_topics(site: str, kiosk: str) -> KioskTopics:
    """Return the topics of one kiosk, or raise ``Malformed("topic.malformed")`` for an id that cannot be in a topic."""
    return KioskTopics(
        declarations=topic(site, kiosk, "d"),
        state=topic(site, kiosk, "s"),
        receipts=topic(site, kiosk, "r"),
        commands=topic(site, kiosk, "c"),
        events=topic(site, kiosk, "e"),
        papers=paper_topic(site, kiosk, ""),
    )


def paper_topic(site: str, kiosk: str, paper: str) -> str:
    """Return where a paper for a kiosk's doors is retained: ``0``, ``1``, ... parts of its list, ``now`` orders, ``kept`` events."""
    return f"{topic(site, kiosk, 'd').removesuffix('d')}l/{paper}"


def trust_topic(place: int) -> str:
    """Return where one piece of the trust bundle is retained."""
    return f"{TRUST_PIECES.removesuffix('+')}{place}"


@lru_cache(maxsize=16_384)
def topic(site: str, kiosk: str, leaf: Leaf) -> str:
    """Build one kiosk topic."""
    for each in (site, kiosk):
        if not _ID.fullmatch(each):
            raise Malformed("topic.malformed", "", each)
    return f"{ROOT}/{shard_of(site):02d}/{site}/{kiosk}/{leaf}"


def shard_filter(shard: int, leaf: Leaf = "d") -> str:
    """Return the subscription that takes one shard's messages of one leaf."""
    return f"{ROOT}/{shard:02d}/+/+/{leaf}"


@lru_cache(maxsize=16_384)  # a kiosk's are the same each time
def parse_topic(text: str) -> Topic:
    """Take a kiosk topic apart, or raise ``Malformed("topic.malformed")``; the shard must be the site's own."""
    levels = text.split("/")
    if len(levels) != _LEVELS or "/".join(levels[:2]) != ROOT or levels[5] not in LEAVES:
        raise Malformed("topic.malformed", "", text)
    _, _, shard, site, kiosk, leaf = levels
    if text != topic(site, kiosk, cast("Leaf", leaf)):
        raise Malformed("topic.malformed", "", text)
    return Topic(shard=int(shard), site=site, kiosk=kiosk, leaf=cast("Leaf", leaf))


def access_edition(edition: str) -> str:
    """Return the topic only the gateway may write, and only while a broker goes by this edition of its access rules."""
    return f"{ROOT}/gateway/access/{edition}"


def acl_lines(gateway: str, *, shut_out: Iterable[str] = (), edition: str = "1") -> tuple[str, ...]:
    """Return the Mosquitto ``acl_file`` that gives kiosks (by certificate CN) and one gateway user what they need, no more.

    Kiosks that are ``shut_out`` may do nothing at all; ``edition`` lets somebody ask which rules are in force.
    """
    denied = [line for kiosk in shut_out for line in (f"user {kiosk}", "topic deny #", "")]
    return (
        *denied,
        f"user {gateway}",
        f"topic read {ROOT}/+/+/+/d",
        f"topic read {ROOT}/+/+/+/s",
        f"topic write {ROOT}/+/+/+/r",
        f"topic write {ROOT}/+/+/+/c",
        f"topic read {ROOT}/+/+/+/e",
        f"topic write {ROOT}/+/+/+/l/+",
        f"topic readwrite {GATEWAY_STATE}",
        f"topic write {TRUST_PIECES}",
        f"topic write {access_edition(edition)}",
        "",
        f"pattern write {ROOT}/+/+/%u/d",
        f"pattern write {ROOT}/+/+/%u/s",
        f"pattern read {ROOT}/+/+/%u/r",
        f"pattern read {ROOT}/+/+/%u/c",
        f"pattern write {ROOT}/+/+/%u/e",
        f"pattern read {ROOT}/+/+/%u/l/+",
        f"pattern read {GATEWAY_STATE}",
        f"pattern read {TRUST_PIECES}",
    )
