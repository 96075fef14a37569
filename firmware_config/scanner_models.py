"""What is known of each model of serial scanner: which bytes set it, which bytes ask it, and where that is written.

- A model is a TOML file in ``firmware_config/scanners/``; an installer may give a file of their own where a firmware differs.
- Only what a named source says stands in a file. What is missing there is listed under ``not_possible`` and never guessed.
- A setting is written by register (Grow family), by command (DE2120, Honeywell-type menus) or as plain text.
- ``default = false``: applied only when the kiosk's profile names it, because sources disagree or the maker is silent.
- ``also`` are values as good as ``value``; ``plausible`` are the other values the source allows. Anything else means another model.
- None of the files was tried on hardware.

Example: ``load_model("gm65").setting("line-end").value``
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from residence.errors import Malformed
from residence.errors.setting_files import names_in, read_toml, setting_refusal

ScannerProtocol = Literal["grow", "dyscan", "menu"]

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_Byte = Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
_Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
_Command = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{1,24}$")]  # tags; what ends or joins commands cannot be smuggled in
_Shipped = "firmware_config"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a model file; a key it does not know is an error."""


class _Setting(_Table, frozen=True, kw_only=True, tag_field="by"):
    """One thing to set: its name, what for, and where the bytes are written."""

    name: _Name
    why: _Text
    source: _Text
    default: bool = True


class RegisterSetting(_Setting, frozen=True, kw_only=True, tag="register"):
    """Bits of one register; the other bits of the byte keep what they are."""

    address: _Address
    value: _Byte
    mask: Annotated[int, msgspec.Meta(ge=1, le=0xFF)] = 0xFF
    also: tuple[_Byte, ...] = ()
    plausible: tuple[_Byte, ...] = ()  # empty: every value is


class CommandSetting(_Setting, frozen=True, kw_only=True, tag="command"):
    """A tag and its data. ``before`` must be sent first, for instance to clear a list that is added to."""

    tag: _Command
    data: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{0,24}$")] = ""
    before: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{0,24}$")] = ""
    readable: bool = False  # whether the model can be asked for it


class TextSetting(_Setting, frozen=True, kw_only=True, tag="text"):
    """Bytes sent as they are, for which no answer is described: what became of them cannot be known."""

    text: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,60}$")]


Setting = RegisterSetting | CommandSetting | TextSetting


class Identity(_Table, frozen=True, kw_only=True):
    """A question whose answer names the device: a register or a command. Shown as it comes; no model is concluded from it."""

    name: _Name
    address: _Address | None = None
    command: _Command | None = None


class NotPossible(_Table, frozen=True, kw_only=True):
    """What a kiosk wants and no source says how to do."""

    name: _Name
    why: _Text


class ScannerModel(_Table, frozen=True, kw_only=True):
    """One model. ``baud_codes``: rate -> the model's own code for it (hexadecimal bytes, or digits of a command)."""

    name: _Name
    protocol: ScannerProtocol
    about: _Text
    sources: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]
    baud_codes: dict[str, _Command]
    probe_rates: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    reply_ms: Annotated[int, msgspec.Meta(ge=20, le=5_000)] = 300
    identities: tuple[Identity, ...] = ()
    settings: tuple[Setting, ...] = ()
    not_possible: tuple[NotPossible, ...] = ()

    def setting(self, name: str) -> Setting:
        """Return one setting, or raise ``Malformed("scanner.setting_unknown")``."""
        for each in self.settings:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.settings)
        raise Malformed("scanner.setting_unknown", "/readers/settings", f"{self.name} has no setting {name!r}; it has: {known}")

    def chosen(self, names: Sequence[str] | None) -> tuple[Setting, ...]:
        """Return the settings named, or those applied by default."""
        if names is None:
            return tuple(each for each in self.settings if each.default)
        return tuple(self.setting(name) for name in names)

    def baud_code(self, rate: int) -> str:
        """Return the model's code for a rate, or raise ``Malformed("scanner.baud_unsupported")``."""
        if str(rate) not in self.baud_codes:
            raise Malformed("scanner.baud_unsupported", "/readers/baud_rate", f"{self.name}: {', '.join(self.baud_codes)}")
        return self.baud_codes[str(rate)]


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models that come with the product."""
    folder = resources.files(_Shipped).joinpath("scanners")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_model(name: str, *, folder: Path = Path()) -> ScannerModel:
    """Return a shipped model by name, or one from a TOML file (a path, relative to ``folder``)."""
    if name in shipped_models():
        return parse_model(resources.files(_Shipped).joinpath("scanners", f"{name}.toml").read_bytes())
    if not name.endswith(".toml"):
        raise Malformed(
            "scanner.model_unknown", "/readers/model", f"{name!r}; known: {', '.join(shipped_models())}, or a .toml file"
        )
    try:
        return parse_model((folder / name).read_bytes())
    except OSError as error:
        raise Malformed("scanner.model_unknown", "/readers/model", f"{name}: {error.strerror}") from error


def parse_model(data: bytes) -> ScannerModel:
    """Read a model file, or raise ``Malformed("scanner_model.*")`` with a pointer to the key."""
    table = read_toml(data, area="scanner-model")
    try:
        model = msgspec.convert(table, ScannerModel)
    except msgspec.ValidationError as error:
        known = [*names_in(ScannerModel), *names_in(RegisterSetting), *names_in(CommandSetting), *names_in(TextSetting)]
        raise setting_refusal(str(error), area="scanner-model", known=known) from error
    names = [each.name for each in model.settings]
    if len(set(names)) != len(names):
        raise Malformed("scanner-model.invalid_setting", "/settings", "a name stands twice")
    allowed = {
        "grow": (RegisterSetting, TextSetting),
        "dyscan": (CommandSetting, TextSetting),
        "menu": (CommandSetting, TextSetting),
    }
    if wrong := [each.name for each in model.settings if not isinstance(each, allowed[model.protocol])]:
        raise Malformed("scanner-model.invalid_setting", "/settings", f"not for protocol {model.protocol}: {', '.join(wrong)}")
    if model.protocol == "grow" and (odd := [code for code in model.baud_codes.values() if not _is_two_bytes(code)]):
        raise Malformed("scanner-model.invalid_setting", "/baud_codes", f"not two hexadecimal bytes: {', '.join(odd)}")
    return model


def _is_two_bytes(code: str) -> bool:
    try:
        return len(bytes.fromhex(code)) == 2  # noqa: PLR2004 -- low byte, high byte
    except ValueError:
        return False
