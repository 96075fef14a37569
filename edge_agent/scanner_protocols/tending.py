"""What is done with a scanner: find it, look at its settings, set it, and look again.

- ``probe`` tries the expected rate first, then those of the model; an answer that is whole proves rate and protocol.
- ``survey`` never writes. A setting that looks wrong is asked until the same answer comes twice, for a false alarm costs a visit.
- ``configure`` looks first and writes nothing at all when a value shows another model (``scanner.model_differs``). It writes only what
  differs, changes the rate last, saves once, and reads everything back: what then differs is ``scanner.readback_differs``.
- Read back is what the scanner works with. That it is also in its flash only a power cut shows; no protocol here can tell.

Example: ``configure(line, load_model("gm65"), clock=clock, wish=Wish(baud_rate=115_200))``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from edge_agent.scanner_protocols.conversing import TRIES, Conversation, Line
from edge_agent.scanner_protocols.dialects import DIALECTS, Held, judge
from firmware_config.scanner_models import ScannerModel, ScannerProtocol, Setting, TextSetting
from residence.clock import Clock
from residence.errors import Conflict, LuutruError, Refused

Outcome = Literal["already right", "read back", "acknowledged", "sent, no answer described"]

USUAL_RATES: Final = (9_600, 115_200, 57_600, 38_400, 19_200)
_PROBE_TRIES: Final = 2
_LOOKS: Final = 4
USUAL_PATIENCE: Final[dict[ScannerProtocol, int]] = {"grow": 300, "menu": 500, "dyscan": 1000}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a kiosk wants of its scanner: the rate, and the settings by name (``None``: the model's defaults)."""

    baud_rate: int
    settings: tuple[str, ...] | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A scanner that answers."""

    protocol: ScannerProtocol
    baud_rate: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each setting, at which rate it answers now, and whether anything had to be written."""

    baud_rate: int
    outcomes: dict[str, Outcome]
    changed: bool


def talk(line: Line, model: ScannerModel, *, clock: Clock, yields: bool = False) -> Conversation:
    """Return a conversation as the model holds it."""
    return Conversation(line, DIALECTS[model.protocol], clock=clock, reply_ms=model.reply_ms, yields=yields)


def probe(conversation: Conversation, rates: Sequence[int]) -> int:
    """Return the first rate at which the scanner answers, and leave the line there; or raise ``Refused("scanner.no_answer")``."""
    present = conversation.line.baud_rate
    for rate in dict.fromkeys(rates):
        conversation.line.set_baud(rate)
        try:
            conversation.ask(conversation.dialect.hello(), tries=TRIES if rate == present else _PROBE_TRIES)
        except LuutruError as error:
            if error.code == "reader.device_lost":
                raise
            if rate != present:
                conversation.take_stray()  # at a wrong rate everything is rubbish
            continue
        return rate
    raise Refused("scanner.no_answer", "", f"tried {', '.join(map(str, dict.fromkeys(rates)))} baud")


def probe_any(
    line: Line,
    *,
    clock: Clock,
    rates: Sequence[int] = USUAL_RATES,
    reply_ms: Mapping[ScannerProtocol, int] = USUAL_PATIENCE,
) -> Found:
    """Return which protocol answers at which rate, knowing nothing of the model."""
    for protocol, dialect in DIALECTS.items():
        conversation = Conversation(line, dialect, clock=clock, reply_ms=reply_ms[protocol])
        try:
            return Found(protocol=protocol, baud_rate=probe(conversation, rates))
        except Refused as error:
            if error.code != "scanner.no_answer":
                raise
    raise Refused("scanner.no_answer", "", f"tried {', '.join(map(str, rates))} baud, protocols {', '.join(DIALECTS)}")


def identify(conversation: Conversation, model: ScannerModel) -> dict[str, str]:
    """Return what the scanner says of itself, as it says it; an identity it does not know is left out."""
    said: dict[str, str] = {}
    for identity in model.identities:
        try:
            data = conversation.ask(conversation.dialect.identify(identity), whole=True)
        except LuutruError as error:
            if error.code == "reader.device_lost":
                raise
            continue
        lines = [line for line in data.decode("ascii", "replace").splitlines() if line]
        readable = model.protocol != "grow" and lines and all(line.isprintable() for line in lines)
        said[identity.name] = "; ".join(lines) if readable else data.hex(" ")
    return said


def survey(conversation: Conversation, settings: Sequence[Setting]) -> tuple[Held, ...]:
    """Return what the scanner holds for each setting."""
    return tuple(look(conversation, setting) for setting in settings)


def look(conversation: Conversation, setting: Setting) -> Held:
    """Return what the scanner holds for one setting; what looks wrong must be said twice."""
    question = conversation.dialect.read(setting)
    if question is None:
        return judge(setting, None)
    held = judge(setting, conversation.ask(question))
    for _ in range(_LOOKS):
        if held.state == "right":
            break
        before, held = held, judge(setting, conversation.ask(question))
        if held == before:
            break
    return held


def configure(line: Line, model: ScannerModel, *, clock: Clock, wish: Wish) -> Done:
    """Find the scanner, set what differs, save, and read back."""
    settings = model.chosen(wish.settings)
    code = model.baud_code(wish.baud_rate)
    conversation = talk(line, model, clock=clock)
    rate = probe(conversation, (line.baud_rate, wish.baud_rate, *model.probe_rates))
    held = survey(conversation, settings)
    if strange := [each for each in held if each.state == "implausible"]:
        raise Conflict("scanner.model_differs", f"/{strange[0].name}", f"{strange[0].name} holds {strange[0].held}")
    wanting = [(setting, each) for setting, each in zip(settings, held, strict=True) if each.state != "right"]
    for setting, each in wanting:
        _write(conversation, setting, each)
    if rate != wish.baud_rate:
        _move(conversation, code, wish.baud_rate)
    changed = bool(wanting) or rate != wish.baud_rate
    saving = conversation.dialect.save()
    if changed and saving is not None:
        conversation.ask(saving)
    written = {setting.name for setting, _ in wanting}
    return Done(baud_rate=wish.baud_rate, outcomes=_read_back(conversation, settings, written), changed=changed)


def _write(conversation: Conversation, setting: Setting, held: Held) -> None:
    request = conversation.dialect.write(setting, held.raw)
    if isinstance(setting, TextSetting):
        conversation.send(request)
    else:
        conversation.ask(request)


def _move(conversation: Conversation, code: str, rate: int) -> None:
    """Change the rate on both sides. The answer may be lost between the two rates, so only an answer at the new one counts."""
    conversation.send(conversation.dialect.set_baud(code))
    conversation.line.set_baud(rate)
    conversation.take_stray()
    try:
        conversation.ask(conversation.dialect.hello())
    except Refused as error:
        raise Conflict("scanner.readback_differs", "/baud_rate", f"no answer at {rate} baud") from error


def _read_back(conversation: Conversation, settings: Sequence[Setting], written: set[str]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for setting in settings:
        held = look(conversation, setting)
        if held.state in {"differs", "implausible"}:
            raise Conflict("scanner.readback_differs", f"/{setting.name}", f"wanted {held.wanted}, holds {held.held}")
        if held.state == "unreadable":
            outcomes[setting.name] = "sent, no answer described" if isinstance(setting, TextSetting) else "acknowledged"
        else:
            outcomes[setting.name] = "read back" if setting.name in written else "already right"
    return outcomes
