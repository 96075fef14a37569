"""What people answered, and how far a path is that was asked about, is sent to the kiosks that asked: one signed paper each, retained, new whenever it says something else.

- Calls and residents' words of the last hours; what is older no screen shows any more.
- After a start every kiosk with an answer is sent its paper once more: the broker may have lost it, and it costs one message.
- Only kiosks enrolled where the topic says, of our shards.

Example: ``answers.send(transport, now)``
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

from gateway.path_questions import PathQuestions
from gateway.port import Transport
from gateway.trust import TrustStore
from registry.database import Registry
from registry.host_answers import host_answers_by_kiosk
from registry.kiosk_calls import answers_by_kiosk
from residence.clock import rfc3339
from residence.wire.kiosk_answers import ANSWERS, MOST, CallAnswer, HostAnswer, KioskAnswers, PathAnswer, sign_answers
from residence.wire.signing import SigningKey
from residence.wire.topics import SHARDS, paper_topic, shard_of

SAID_FOR: Final = timedelta(hours=6)
_Answer = TypeVar("_Answer")


class KioskAnswering:
    """The papers of our shards' kiosks. Used from the worker's thread only."""

    def __init__(
        self, registry: Registry, trust: TrustStore, *, signer: SigningKey, shards: Collection[int] = range(SHARDS)
    ) -> None:
        self._registry = registry
        self._trust = trust
        self._signer = signer
        self._shards = frozenset(shards)
        self._told: dict[str, tuple[dict[str, CallAnswer], dict[str, HostAnswer], dict[str, PathAnswer]]] = {}
        self.questions: Final = PathQuestions(registry)

    def send(self, transport: Transport, now: datetime) -> int:
        """Send what is new; return to how many kiosks."""
        with self._registry.reading() as connection:
            calls = answers_by_kiosk(connection, since=now - SAID_FOR)
            hosts = host_answers_by_kiosk(connection, since=now - SAID_FOR)
        paths = self.questions.answers(now)
        enrolled = self._trust.current(now).enrolments if calls or hosts or paths else {}
        sent = 0
        for kiosk_id in calls.keys() | hosts.keys() | paths.keys():
            said = _newest(calls.get(kiosk_id, {})), _newest(hosts.get(kiosk_id, {})), paths.get(kiosk_id, {})
            kiosk = enrolled.get(kiosk_id)
            if kiosk is None or shard_of(kiosk.premises_id) not in self._shards or self._told.get(kiosk_id) == said:
                continue
            answers = KioskAnswers(kiosk_id=kiosk_id, at=rfc3339(now), calls=said[0], hosts=said[1], paths=said[2])
            paper = paper_topic(kiosk.premises_id, kiosk_id, ANSWERS)
            if transport.publish(paper, sign_answers(answers, self._signer), retain=True):
                self._told[kiosk_id] = said
                sent += 1
        if sent:
            transport.flush()
        return sent


def _newest(answers: Mapping[str, _Answer]) -> dict[str, _Answer]:
    return dict(list(answers.items())[:MOST])
