"""Reads frame after frame of one camera: each on its own first, then what several of them say together.

- Every frame goes through the stages; what was located and not read is added up (``soft/fusing.py``).
- A read that is ``enough`` (a whole card, at a kiosk) ends the adding: the next frames are looked at anew.
- Time is passed in; one ``Following`` a camera, ``forget`` when the camera is opened anew or somebody's session ends.

Example: ``codes, view = Following().read(grey, now_ns=frame.taken_ns)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_agent.scanning.cascade import Stage, examine
from edge_agent.scanning.codes import Code
from edge_agent.scanning.soft.fusing import Fusion
from edge_agent.scanning.views import Grey, View, always, as_code


class Following:
    """What one camera has shown lately of a code that nobody could read yet."""

    def __init__(self) -> None:
        self._fusion = Fusion()

    def forget(self) -> None:
        """Wipe what was added up."""
        self._fusion.forget()

    def read(
        self,
        grey: Grey,
        *,
        now_ns: int,
        stages: Sequence[Stage] | None = None,
        time_left: Callable[[], bool] = always,
        enough: Callable[[list[Code]], bool] = bool,
    ) -> tuple[list[Code], View]:
        """Return the codes of this frame (as ``examine`` does), or the one that it and the frames before it say."""
        codes, view = examine(grey, stages=stages, time_left=time_left, enough=enough)
        if enough(codes):
            self._fusion.forget()
            return codes, view
        self._fusion.forget_older(now_ns=now_ns)
        for found in sorted(view.looks, key=lambda each: -abs(each.fit))[:1]:
            decoded = self._fusion.add(found, now_ns=now_ns)
            if decoded is not None and (payload := decoded.payload) is not None:
                codes.append(as_code(payload, "soft-fused", found.corners))
            elif decoded is not None:
                view.refusals.append(decoded.refusal)
        return codes, view
