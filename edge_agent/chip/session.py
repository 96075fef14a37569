"""One whole reading of a chip: in which order, with which secret, what is tried when something is refused, and what is never tried.

- Order: EF.CardAccess, PACE, application, EF.COM, EF.SOD, DG14, DG15, Chip Authentication, then whatever names a person, then Active
  Authentication. Personal groups are read only after the chip was asked to show itself.
- PACE goes first wherever the chip offers it, in its order. When the chip does not go through with it (not: when the secret was wrong) and the site
  allows it, BAC follows, and the capture says so. A wrong secret is never tried twice, in PACE or BAC; candidates are tried once each.
- A chip that says one try is left, or none, is asked no more. Where it called a secret wrong and nothing opened it, that is what is told,
  whatever ended the reading after it: a card that is pulled away was still refused.
- A chip that drops its keys because it was asked for more than it carries is opened anew and asked for less, as often as there is less.
- DG2 is not read unless asked for; DG3 and DG4 never; DG13 only of a document that has a Vietnamese card's details there.
- Active Authentication is left out where the reader cannot carry so long a signature; that is "not performed", never "failed".
- A chip that fails Chip Authentication is opened once more, and its files are read: a copy is a finding, with the name it bears.
- A chip that breaks the channel, or is pulled away, ends the reading with that error: nothing half-read comes back.
- Phases are reported by name, so the screen can say that the card must stay.

Example: ``ChipReader(card, draw=draw, clock=clock).read(Opening(can="123456"))``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from edge_agent.chip.apdu import Card, Channel, Command
from edge_agent.chip.bac import run_bac
from edge_agent.chip.drawing import Draw
from edge_agent.chip.files import (
    CARD_ACCESS,
    CARD_SECURITY,
    EF_COM,
    EF_SOD,
    FileName,
    Link,
    data_group,
    probe_extended,
    read_file,
)
from edge_agent.chip.pace import Secret, can_secret, mrz_secret, run_pace
from edge_agent.chip.presence import ask_for_signature, run_chip_authentication
from edge_agent.chip.secure_messaging import PLAIN
from edge_agent.chip.taken import Taken, is_vietnamese, mapping_of, not_opened, signed_groups
from residence.clock import Clock
from residence.credentials.chip.active import challenge_for, signature_bytes
from residence.credentials.chip.capture import Access, ActiveTranscript, Attempt, Capture, ChipTranscript
from residence.credentials.chip.chip_authentication import infos_of_dg14, ways_of
from residence.credentials.chip.lds import NUMBERS, parse_com
from residence.credentials.chip.security_infos import PaceInfo, parse_security_infos
from residence.errors import LuutruError, Untrusted

APPLICATION: Final = bytes.fromhex("A0000002471001")
DEADLINE_NS: Final = 30 * 10**9
_DETAILS: Final = "DG13"
_NEVER: Final = {"DG3", "DG4"}
_ENDS_THE_READING: Final = {"chip.card_gone", "chip.too_slow", "chip.channel_closed", "chip.sm_broken", "chip.sm_padding"}
_OPEN: Final = "9000"
_WRONG: Final = "chip.wrong_key"
_LAST_TRIES: Final = {"63C0", "63C1"}
_MOST_WAYS: Final = 3  # of PACE, tried in the chip's order before BAC
_TOO_MUCH: Final = {f"{PLAIN} {status}" for status in ("6700", "6B00")}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Opening:
    """What may open the chip, in memory only. ``mrz_keys`` are tried once each, in order. ``details``: read a Vietnamese card's DG13."""

    can: str = ""
    mrz_keys: tuple[str, ...] = ()
    allow_bac: bool = True
    details: bool = True

    @property
    def secrets(self) -> tuple[tuple[str, Secret], ...]:
        """Return what PACE may be tried with, the number on the card first."""
        can = (("CAN", can_secret(self.can)),) if self.can else ()
        return (*can, *(("MRZ", mrz_secret(key)) for key in self.mrz_keys))


class ChipReader:
    """Reads one card once."""

    def __init__(
        self,
        card: Card,
        *,
        draw: Draw,
        clock: Clock,
        link: Link | None = None,
        report: Callable[[str], None] = lambda _phase: None,
        reset: Callable[[], None] = lambda: None,
    ) -> None:
        self._draw = draw
        self._link = link or Link()
        self._report = report
        self._reset = reset
        self._wrong: set[Secret] = set()  # what this chip called wrong
        self.channel: Final = Channel(card, monotonic_ns=clock.monotonic_ns, deadline_ns=clock.monotonic_ns() + DEADLINE_NS)

    def read(
        self, opening: Opening, *, bound_to: tuple[bytes, ...] = (), extra: tuple[str, ...] = (), reader: str = ""
    ) -> Capture:
        """Read the chip; ``bound_to`` is what Active Authentication is tied to, ``extra`` names further groups."""
        while True:
            try:
                return self._read(opening, bound_to, extra, reader)
            except Untrusted as error:
                if error.detail not in _TOO_MUCH or not self._link.step_down():
                    raise
                self._reset()
                self.channel.start_again()

    def _read(self, opening: Opening, bound_to: tuple[bytes, ...], extra: tuple[str, ...], reader: str) -> Capture:
        taken = Taken()
        self._report("opening")
        self._open(taken, opening)
        self._report("reading")
        for name, place in (("COM", EF_COM), ("SOD", EF_SOD)):
            self._take(taken, name, place)
        listed = self._listed(taken)
        for name in ("DG14", "DG15"):
            self._take_group(taken, name, listed)
        self._report("authenticating")
        chip, chip_refused = self._chip_authentication(taken)
        if not self.channel.is_protected:
            # the chip does not hold its key, so both sides lost each other: open it once more to read what it says
            self._reset()
            self.channel.start_again()
            self._open(taken, opening)
        self._report("reading")
        self._take_group(taken, "DG1", listed)
        details = (_DETAILS,) if opening.details and is_vietnamese(taken) else ()
        for name in (*details, *(each for each in extra if each not in _NEVER)):
            self._take_group(taken, name, listed)
        active, active_refused = self._active_authentication(taken, bound_to)
        self._report("done")
        return Capture(
            access=Access(protocol=taken.protocol, attempts=tuple(taken.attempts), downgraded_from=taken.downgraded_from),
            card_access=taken.card_access,
            card_security=taken.card_security,
            files=taken.files,
            missing=taken.missing,
            chip=chip,
            chip_refused=chip_refused,
            active=active,
            active_refused=active_refused,
            mapping=mapping_of(taken.pace),
            reader=reader,
            commands=self.channel.sent,
        )

    # opening

    def _open(self, taken: Taken, opening: Opening) -> None:
        try:
            self._open_one_way(taken, opening)
        except LuutruError:
            if not taken.protocol and any(each.outcome == _WRONG for each in taken.attempts):
                raise not_opened(taken) from None
            raise

    def _open_one_way(self, taken: Taken, opening: Opening) -> None:
        ways = self._offers(taken)
        for way in ways[:_MOST_WAYS]:
            came_to = self._pace(taken, way, opening)
            if came_to == "opened":
                self._select_application()
                return
            if came_to == "wrong":  # every secret was tried; BAC would try the same ones again
                raise not_opened(taken)
            taken.downgraded_from = taken.downgraded_from or way.name
        if opening.allow_bac:
            for key in opening.mrz_keys:
                if mrz_secret(key) not in self._wrong and self._bac(taken, key):
                    return
        raise not_opened(taken)

    def _offers(self, taken: Taken) -> tuple[PaceInfo, ...]:
        """Read EF.CardAccess, which stands outside the application; a chip without it has no PACE."""
        try:
            taken.card_access = read_file(self.channel, CARD_ACCESS, self._link) or b""
            if not taken.card_access:
                return ()
            probe_extended(self.channel, self._link)
            return parse_security_infos(taken.card_access).pace_choices
        except LuutruError as error:
            self._recover(error)
            taken.missing["CardAccess"] = error.detail or error.code
            return ()

    def _recover(self, error: LuutruError) -> None:
        """Go on after a refusal; a lost card or a broken channel goes up."""
        if error.code in {"chip.card_gone", "chip.too_slow"}:
            raise error
        self._reset()
        self.channel.start_again()

    def _pace(self, taken: Taken, way: PaceInfo, opening: Opening) -> Literal["opened", "refused", "wrong"]:
        for kind, secret in opening.secrets:
            if secret in self._wrong:
                continue
            name = f"{way.name}-{kind}"
            try:
                taken.pace = run_pace(self.channel, way, secret, self._draw)
            except LuutruError as error:
                taken.attempts.append(
                    Attempt(protocol=name, outcome=error.detail if error.code == "chip.refused" else error.code)
                )
                if error.code == _WRONG:
                    self._wrong.add(secret)
                if error.detail in _LAST_TRIES:
                    return "wrong"
                self._recover(error)
                if error.code != _WRONG:
                    return "refused"
            else:
                taken.attempts.append(Attempt(protocol=name, outcome=_OPEN))
                taken.protocol = name
                if way.mapping == "CAM":
                    taken.card_security = read_file(self.channel, CARD_SECURITY, self._link) or b""
                return "opened"
        return "wrong" if opening.secrets else "refused"

    def _bac(self, taken: Taken, key: str) -> bool:
        try:
            self._select_application()
            probe_extended(self.channel, self._link)
            run_bac(self.channel, key, self._draw)
        except LuutruError as error:
            taken.attempts.append(Attempt(protocol="BAC", outcome=error.detail if error.code == "chip.refused" else error.code))
            if error.code == _WRONG:
                self._wrong.add(mrz_secret(key))
            self._recover(error)
            return False
        taken.attempts.append(Attempt(protocol="BAC", outcome=_OPEN))
        taken.protocol = "BAC"
        return True

    def _select_application(self) -> None:
        self.channel.send(Command(ins=0xA4, p1=0x04, p2=0x0C, data=APPLICATION)).expect("chip.refused")

    # files

    def _take(self, taken: Taken, name: str, place: FileName) -> None:
        try:
            raw = read_file(self.channel, place, self._link)
        except LuutruError as error:
            if error.code in _ENDS_THE_READING or error.code == "chip.apdu":
                raise
            taken.missing[name] = error.detail if error.code == "chip.refused" else error.code
            return
        if raw is None:
            taken.missing[name] = "absent"
        else:
            taken.files[name] = raw

    def _listed(self, taken: Taken) -> frozenset[str]:
        """Return the groups the chip says it has, and those the issuer signed; all of them where it does not say."""
        try:
            return frozenset(parse_com(taken.files["COM"]).groups) | signed_groups(taken)
        except (KeyError, LuutruError):
            return frozenset(NUMBERS)

    def _take_group(self, taken: Taken, name: str, listed: frozenset[str]) -> None:
        if name in listed and name in NUMBERS:
            self._take(taken, name, data_group(NUMBERS[name]))
        else:
            taken.missing[name] = "not listed"

    # presence

    def _chip_authentication(self, taken: Taken) -> tuple[ChipTranscript | None, str]:
        if "DG14" not in taken.files:
            return None, ""
        try:
            ways = ways_of(infos_of_dg14(taken.files["DG14"]))
        except LuutruError:
            return None, ""  # judged from the bytes; there is no key to ask for
        if not ways:
            return None, ""
        try:
            return run_chip_authentication(self.channel, ways[0], self._draw), ""
        except LuutruError as error:
            if error.code in _ENDS_THE_READING:
                raise
            return None, error.detail or error.code

    def _active_authentication(self, taken: Taken, bound_to: tuple[bytes, ...]) -> tuple[ActiveTranscript | None, str]:
        if "DG15" not in taken.files or not self._link.carries(signature_bytes(taken.files["DG15"])):
            return None, ""
        try:
            signature = ask_for_signature(self.channel, challenge_for(*bound_to), extended=self._link.is_extended)
        except LuutruError as error:
            if error.code in {"chip.card_gone", "chip.too_slow"}:
                raise
            return None, error.detail or error.code
        return ActiveTranscript(bound_to=bound_to, signature=signature), ""
