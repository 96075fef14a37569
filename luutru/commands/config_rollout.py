"""How far a rollout may go: whom a share chooses, and how those are that were sent something before.

- A share is always of the same kiosks. One that chooses nobody is no step of a rollout: it is refused, with the smallest share that would choose somebody.
- A kiosk in trouble with this paper, or lost, stops a rollout; one that does not work by it yet makes it wait. So many as ``errors`` do not matter.

Example: ``go_on(url, paper="words", wanted=names, sent=before, errors=0)``
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from firmware_config.signed.paths import place_of


def chosen(kiosks: Collection[str], share: int) -> list[str]:
    """Return whom ``share`` of a hundred chooses, or raise ``Refused("configuration.nobody_chosen")``."""
    from residence.errors import Refused

    found = [each for each in sorted(kiosks) if place_of(each) < share]
    if kiosks and not found:
        least = min(map(place_of, kiosks)) + 1
        raise Refused("configuration.nobody_chosen", "/share", f"none of {len(kiosks)} kiosks; --share {least} chooses the first")
    return found


def go_on(registry_url: str, *, paper: str, wanted: Mapping[str, str], sent: Mapping[str, str], errors: int) -> None:
    """Return when a rollout may go on; raise ``Refused("configuration.rollout_stopped")`` or ``("configuration.rollout_waits")``.

    ``wanted``, ``sent``: kiosk -> the name of the paper it should work by, and of the one it was sent before.
    """
    from residence.errors import Refused

    troubled, behind = _how_they_are(registry_url, paper, wanted, sent)
    if len(troubled) > errors:
        raise Refused("configuration.rollout_stopped", "", ", ".join(troubled[:20]))
    if len(troubled) + len(behind) > errors:
        raise Refused("configuration.rollout_waits", "", ", ".join(behind[:20]))


def _how_they_are(
    registry_url: str, paper: str, wanted: Mapping[str, str], sent: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return which kiosks are in trouble with the paper or lost, and which do not work yet by what this rollout has sent them."""
    from registry.database import open_engine
    from registry.kiosks import kiosks_among

    troubled, behind = [], []
    with open_engine(registry_url).connect() as connection:
        for each in kiosks_among(connection, wanted):
            if each.retired_at is not None:
                continue
            told = (each.readers or {}).get(paper, "ok")
            if not told.startswith("ok") or (each.seen_at is not None and not each.online):
                troubled.append(each.kiosk_id)
            elif sent.get(each.kiosk_id) == wanted[each.kiosk_id] and told != f"ok:{wanted[each.kiosk_id]}":
                behind.append(each.kiosk_id)
    return troubled, behind
