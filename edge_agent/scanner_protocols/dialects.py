r"""How each protocol sets and asks what a model file names: settings in, request bytes out; replies in, a verdict out.

- Pure, like the codecs below it. Which values are right is the model file's business, not the protocol's.
- A setting that can be asked for is judged by what the scanner holds; one that cannot is ``unreadable``, never assumed.
- ``implausible``: the scanner holds a value that the model cannot have there, so it is another model; nothing may be written.

>>> setting = RegisterSetting(name="line-end", why="-", source="-", address=0x60, mask=0x60, value=0x20)
>>> Grow().write(setting, b"\x81").hex(" ")
'7e 00 08 01 00 60 a1 da 78'
>>> judge(setting, b"\xa1").state
'right'
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

from edge_agent.scanner_protocols import dyscan, grow, menu
from edge_agent.scanner_protocols.replies import Cut
from firmware_config.scanner_models import CommandSetting, Identity, RegisterSetting, ScannerProtocol, Setting, TextSetting
from residence.errors import Malformed

State = Literal["right", "differs", "implausible", "unreadable"]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a scanner holds for one setting, beside what is wanted."""

    name: str
    state: State
    wanted: str
    held: str = ""
    raw: bytes = b""


class Dialect(Protocol):
    """One protocol. ``None`` where it has no way to do a thing."""

    def hello(self) -> bytes:
        """Return a question that every device of this protocol answers."""
        ...

    def identify(self, identity: Identity) -> bytes:
        """Return the question behind an identity."""
        ...

    def read(self, setting: Setting) -> bytes | None:
        """Return the question for a setting's present value."""
        ...

    def write(self, setting: Setting, raw: bytes) -> bytes:
        """Return the bytes that set it; ``raw`` is what it holds now."""
        ...

    def set_baud(self, code: str) -> bytes:
        """Return the bytes that change the rate; the answer may come at either rate."""
        ...

    def save(self) -> bytes | None:
        """Return the bytes that keep everything over a power cut."""
        ...

    def cut(self, buffer: bytes, *, whole: bool) -> Cut:
        """Find the first reply; ``whole``: the answer may be of several words."""
        ...


class Grow:
    """Registers."""

    def hello(self) -> bytes:
        """Ask for the baud registers: every member of the family has them."""
        return grow.read_register(grow.BAUD_REGISTER, 2)

    def identify(self, identity: Identity) -> bytes:
        """Ask for one register."""
        return grow.read_register(identity.address or 0)

    def read(self, setting: Setting) -> bytes | None:
        """Ask for the setting's register."""
        return grow.read_register(setting.address) if isinstance(setting, RegisterSetting) else None

    def write(self, setting: Setting, raw: bytes) -> bytes:
        """Change the setting's bits and no others."""
        if isinstance(setting, RegisterSetting):
            kept = (raw[0] if raw else 0) & ~setting.mask
            return grow.write_register(setting.address, bytes([kept | setting.value]))
        return _text(setting)

    def set_baud(self, code: str) -> bytes:
        """Write both baud registers at once."""
        return grow.write_register(grow.BAUD_REGISTER, bytes.fromhex(code))

    def save(self) -> bytes | None:
        """Save to flash."""
        return grow.save()

    def cut(self, buffer: bytes, *, whole: bool) -> Cut:  # noqa: ARG002 -- frames have a length
        """Find a frame."""
        return grow.cut_reply(buffer)


class Dyscan:
    """Words that are acknowledged and cannot be asked for."""

    def hello(self) -> bytes:
        """Ask for the version."""
        return dyscan.command("DSPYFW")

    def identify(self, identity: Identity) -> bytes:
        """Send the identity's command."""
        return dyscan.command(identity.command or "DSPYFW")

    def read(self, setting: Setting) -> bytes | None:  # noqa: ARG002 -- see the class
        """Return nothing."""
        return None

    def write(self, setting: Setting, raw: bytes) -> bytes:  # noqa: ARG002 -- whole values only
        """Send the setting's command."""
        return dyscan.command(setting.tag, setting.data) if isinstance(setting, CommandSetting) else _text(setting)

    def set_baud(self, code: str) -> bytes:
        """Send the baud command."""
        return dyscan.command("232BAD", code)

    def save(self) -> bytes | None:
        """Return nothing: settings persist by themselves."""
        return None

    def cut(self, buffer: bytes, *, whole: bool) -> Cut:  # noqa: ARG002 -- the answer is one line
        """Find an answer byte."""
        return dyscan.cut_reply(buffer)


class Menu:
    """Menu commands, kept for good by their full stop."""

    def hello(self) -> bytes:
        """Ask for the rate."""
        return menu.question("232BAD")

    def identify(self, identity: Identity) -> bytes:
        """Send the identity's command."""
        return menu.command(identity.command or "REVINF")

    def read(self, setting: Setting) -> bytes | None:
        """Ask for the setting's tag where the model answers that."""
        return menu.question(setting.tag) if isinstance(setting, CommandSetting) and setting.readable else None

    def write(self, setting: Setting, raw: bytes) -> bytes:  # noqa: ARG002 -- whole values only
        """Send the setting's command."""
        if isinstance(setting, CommandSetting):
            return menu.command(setting.tag, setting.data, before=setting.before)
        return _text(setting)

    def set_baud(self, code: str) -> bytes:
        """Send the baud command."""
        return menu.command("232BAD", code)

    def save(self) -> bytes | None:
        """Return nothing: each command says where it is kept."""
        return None

    def cut(self, buffer: bytes, *, whole: bool) -> Cut:
        """Find a status byte."""
        return menu.cut_reply(buffer, whole=whole)


DIALECTS: Final[dict[ScannerProtocol, Dialect]] = {"grow": Grow(), "menu": Menu(), "dyscan": Dyscan()}


def judge(setting: Setting, data: bytes | None) -> Held:
    """Compare what a scanner answered for a setting with what is wanted; ``None``: it cannot be asked."""
    match setting:
        case RegisterSetting():
            return _judge_register(setting, data)
        case CommandSetting():
            return _judge_command(setting, data)
        case TextSetting():
            return Held(name=setting.name, state="unreadable", wanted=setting.text)


def _judge_register(setting: RegisterSetting, data: bytes | None) -> Held:
    if data is None or len(data) != 1:
        raise Malformed("scanner.reply_malformed", f"/{setting.name}", f"one byte was asked, {len(data or b'')} came")
    bits = data[0] & setting.mask
    good = {setting.value, *setting.also}
    state: State = "right" if bits in good else "differs"
    if setting.plausible and bits not in good.union(setting.plausible):
        state = "implausible"
    return Held(name=setting.name, state=state, wanted=f"{setting.value:#04x}", held=f"{bits:#04x}", raw=data)


def _judge_command(setting: CommandSetting, data: bytes | None) -> Held:
    wanted = setting.data or "set"
    if data is None:
        return Held(name=setting.name, state="unreadable", wanted=wanted)
    said = data.decode("ascii", "replace").upper()
    if not said.startswith(setting.tag):
        raise Malformed("scanner.reply_malformed", f"/{setting.name}", f"{setting.tag} was asked, the answer is of another tag")
    value = said.removeprefix(setting.tag)
    return Held(name=setting.name, state="right" if value == setting.data else "differs", wanted=wanted, held=value, raw=data)


def _text(setting: Setting) -> bytes:
    if isinstance(setting, TextSetting):
        return setting.text.encode("ascii")
    raise Malformed("scanner-model.invalid_setting", f"/{setting.name}", "not a setting of this protocol")
