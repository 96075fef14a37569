"""How far each reader's driver is to be trusted: its quality file, and the tier that follows from it.

- A driver's file (``firmware_config/drivers/<driver>.toml``) answers every rule of ``rules.toml``: ``done`` names the test that shows it; ``exempt``
  and ``todo`` say why, in both languages.
- The tier is worked out, never written: the highest of which, and of all before it, every rule is done or exempt.
- Operators see it at ``/operators/readers``.

Example: ``quality_of("serial").tier == "gold"``
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final, Literal

import msgspec

from residence.errors import Malformed
from residence.errors.setting_files import read_toml, setting_refusal

Tier = Literal["none", "bronze", "silver", "gold", "platinum"]
Status = Literal["done", "exempt", "todo"]
TIERS: Final[tuple[Tier, ...]] = ("bronze", "silver", "gold", "platinum")
_FOLDER: Final = "drivers"
_RULES: Final = "rules"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a good driver does."""

    name: str
    tier: Tier
    vi: str
    en: str


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one driver stands to one rule. Without a proof there is a reason."""

    status: Status
    proof: str = ""
    vi: str = ""
    en: str = ""


class Quality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One driver's file."""

    vi: str
    en: str
    rules: dict[str, Kept]

    @property
    def tier(self) -> Tier:
        """Return the highest tier that is kept whole, with all before it."""
        reached: Tier = "none"
        for tier in TIERS:
            if any(self.rules[rule.name].status == "todo" for rule in rules() if rule.tier == tier):
                return reached
            reached = tier
        return reached


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules, the first tier first."""
    found = msgspec.convert(_read(_RULES)["rule"], tuple[Rule, ...])
    return tuple(sorted(found, key=lambda each: TIERS.index(each.tier)))


@cache
def quality_of(driver: str) -> Quality:
    """Return one driver's quality, or raise ``Malformed("driver.*")`` when its file is not whole."""
    try:
        quality = msgspec.convert(_read(driver), Quality)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area="driver", known=("status", "proof", "vi", "en")) from error
    wrong = {rule.name for rule in rules()} ^ set(quality.rules)
    unfounded = [
        name for name, kept in quality.rules.items() if not (kept.proof if kept.status == "done" else kept.vi and kept.en)
    ]
    if wrong or unfounded:
        raise Malformed("driver.invalid_setting", "/rules", f"{driver}: {sorted(wrong | set(unfounded))}")
    return quality


def drivers() -> tuple[str, ...]:
    """Return every driver that has a quality file, by name."""
    names = (each.name.removesuffix(".toml") for each in _files() if each.name.endswith(".toml"))
    return tuple(sorted(set(names) - {_RULES}))


def _files() -> list[resources.abc.Traversable]:
    return list(resources.files("firmware_config").joinpath(_FOLDER).iterdir())


def _read(name: str) -> dict[str, object]:
    return read_toml(resources.files("firmware_config").joinpath(_FOLDER, f"{name}.toml").read_bytes(), area="driver")
