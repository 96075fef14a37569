"""Who gets which case: whoever has least to do, in the order cases want somebody; nobody their own, and nobody the same again.

- Everybody of a commune is asked alike: only how many cases somebody has decides, then the order of account ids, so a draw can be repeated.
- Somebody is barred from a case by an interest of theirs (own address, a relative's, own establishment), or because they handed it back.
- A case everybody is barred from is given to nobody and said to be; it still stands in the queue.
- To be given a case is no claim: it shows no name, and anybody else may claim it.

>>> distribute(["c-1", "c-2", "c-3"], load={"an": 1, "binh": 0}, barred={"c-1": frozenset({"binh"})})
{'c-1': 'an', 'c-2': 'binh', 'c-3': 'binh'}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def distribute(waiting: Iterable[str], *, load: Mapping[str, int], barred: Mapping[str, frozenset[str]]) -> dict[str, str | None]:
    """Return whom each case goes to, None where everybody is barred. ``waiting``: cases in order; ``load``: account -> cases in hand."""
    has = dict(load)
    given: dict[str, str | None] = {}
    for case_id in waiting:
        free = [account for account in has if account not in barred.get(case_id, frozenset())]
        chosen = min(free, key=lambda account: (has[account], account), default=None)
        given[case_id] = chosen
        if chosen is not None:
            has[chosen] += 1
    return given
