"""What this kiosk asks, and what was answered: a call for a person, a resident's word about a guest, how far a slip's path is.

- The open call goes up with the kiosk's sign of life, retained: a gateway that comes later finds it. It is over when the person says so, when
  an operator has seen it, or after ``CALL_LASTS``; the end of a visit alone does not end it, for the person may still stand there.
- A slip's question goes up the same way and is over when it is answered, another is asked, or after ``QUESTION_LASTS``.
- Answers come as one signed paper; the newest counts. Nothing of it is written to disk, and nothing is about anybody.
- ``KioskPost`` is what the uplink hands papers to and asks for what is to be sent: events always, lists and orders where there is a door.

Example: ``asked.ask(CallPerson(call_id="018f...")); asked.take(payload); asked.call_answer("018f...")``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from edge_agent.event_posting import KEPT, EventPost
from edge_agent.kiosk.effects import AskPath, CallPerson, EndCall
from residence.clock import parse_instant
from residence.wire.keyring import Keyring
from residence.wire.kiosk_answers import ANSWERS, CallAnswer, HostAnswer, KioskAnswers, PathAnswer, verify_answers

if TYPE_CHECKING:
    from edge_agent.door.papers import DoorPapers  # only a kiosk with a door needs it

CALL_LASTS: Final = 30 * 60.0
QUESTION_LASTS: Final = 60.0


class Asked:
    """Calls and answers of one kiosk. Safe to call from several threads."""

    def __init__(
        self,
        *,
        kiosk_id: str,
        keyring: Callable[[], Keyring],
        monotonic_ns: Callable[[], int],
        on_answer: Callable[[], None] = lambda: None,
        heard: Callable[[datetime], None] = lambda _at: None,
    ) -> None:
        self._kiosk_id = kiosk_id
        self._keyring = keyring
        self._monotonic_ns = monotonic_ns
        self._on_answer = on_answer
        self._heard = heard  # when the authority signed: the clock cannot be before it
        self._lock = threading.Lock()
        self._call = ""
        self._began_ns = 0
        self._question = AskPath(question="", code="")
        self._asked_ns = 0
        self._told = ("", "")
        self._answers = KioskAnswers(kiosk_id=kiosk_id, at="")

    def ask(self, effect: CallPerson | EndCall | AskPath) -> None:
        """Call a person, in place of another open call; or call nobody any more; or ask how far a path is."""
        with self._lock:
            if isinstance(effect, AskPath):
                self._question, self._asked_ns = effect, self._monotonic_ns()
                return
            self._call = effect.call_id if isinstance(effect, CallPerson) else ""
            self._began_ns = self._monotonic_ns()

    def open_call(self) -> str:
        """Return the call that nobody has seen yet; empty when there is none."""
        with self._lock:
            if (self._monotonic_ns() - self._began_ns) / 1e9 > CALL_LASTS or self._answers.calls.get(
                self._call
            ) == "acknowledged":
                self._call = ""
            return self._call

    def open_question(self) -> str:
        """Return number and code of the question nobody has answered yet; empty when there is none."""
        with self._lock:
            if (self._monotonic_ns() - self._asked_ns) / 1e9 > QUESTION_LASTS or self._question.question in self._answers.paths:
                self._question = AskPath(question="", code="")  # whoever asked is told or gone: nothing of it stays
            return f"{self._question.question} {self._question.code}" if self._question.question else ""

    def has_news(self) -> bool:
        """Tell whether what the sign of life said of call and question is out of date."""
        return (self.open_call(), self.open_question()) != self._told

    def tell(self) -> tuple[str, str]:
        """Return the open call and the open question for a sign of life that is being written."""
        self._told = self.open_call(), self.open_question()
        return self._told

    def take(self, payload: bytes) -> None:
        """Take the paper of answers, or raise ``Malformed`` / ``Untrusted`` with the older ones in force."""
        answers = verify_answers(payload, keyring=self._keyring(), kiosk_id=self._kiosk_id)
        with self._lock:
            if answers.at < self._answers.at:
                return
            self._answers = answers
        self._heard(parse_instant(answers.at))
        self._on_answer()

    def call_answer(self, call_id: str) -> CallAnswer | None:
        """Return what came of a call."""
        return self._answers.calls.get(call_id)

    def path_answer(self, question: str) -> PathAnswer | None:
        """Return what was answered to a question about a path."""
        return self._answers.paths.get(question)

    def host_answer(self, declaration_id: str) -> HostAnswer | None:
        """Return what the resident said of a guest's declaration."""
        return self._answers.hosts.get(declaration_id)


class KioskPost:
    """What comes down as papers and goes up besides declarations. Used from the uplink's thread."""

    def __init__(self, asked: Asked, events: EventPost, papers: DoorPapers | None = None) -> None:
        self._events = events
        self._papers = papers
        self.asked: Final = asked

    def take(self, name: str, payload: bytes) -> None:
        """Take one paper by the last level of its topic, or raise ``Malformed`` / ``Untrusted`` / ``Refused``."""
        if name == ANSWERS:
            self.asked.take(payload)
        elif name == KEPT:
            self._events.take(payload)
        elif self._papers is not None:
            self._papers.take(name, payload)

    def reopen(self) -> None:
        """Send what waits without delay."""
        self._events.reopen()

    def due(self, *, at: float) -> bytes | None:
        """Return events to be sent now, if there are any."""
        return self._events.due(at=at)
