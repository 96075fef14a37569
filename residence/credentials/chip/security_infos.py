"""What a chip says it can do: EF.CardAccess, DG14 and the inside of EF.CardSecurity are sets of SecurityInfos.

- Every entry is kept: what is not known is raw bytes, counted, never an error; a broken entry that we do know is ``Malformed``.
- PACE, Chip Authentication and Active Authentication entries are read; keys are checked where they are used, not here.
- PACE-CAM exists for elliptic curves with AES only; other combinations nobody defined are not offered.
- The first usable PACE entry is taken in the chip's order, for a chip lists what it prefers (``pace_choices``).

>>> infos = parse_security_infos(bytes.fromhex("31143012060A04007F0007020204020202010202010D"))
>>> infos.pace[0].name, infos.pace[0].parameter
('PACE-ECDH-GM-AES-128', 13)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from residence.credentials.chip import tlv
from residence.credentials.chip.groups import STANDARD, DhGroup
from residence.credentials.chip.suites import BY_ID, TRIPLE_DES, Suite
from residence.errors import Malformed

Mapping = Literal["GM", "IM", "CAM"]

_PACE: Final = "0.4.0.127.0.7.2.2.4."
_CHIP_AUTHENTICATION: Final = "0.4.0.127.0.7.2.2.3."
_CHIP_KEY: Final = "0.4.0.127.0.7.2.2.1."
_ACTIVE_AUTHENTICATION: Final = "2.23.136.1.1.5"
_MAPPINGS: Final[dict[int, tuple[Mapping, bool]]] = {
    1: ("GM", False),
    2: ("GM", True),
    3: ("IM", False),
    4: ("IM", True),
    6: ("CAM", True),
}
_MOST_INFOS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class PaceInfo:
    """One way to run PACE. ``parameter`` is the standard's number of the group, None where the chip gives its own."""

    oid: str
    mapping: Mapping
    is_ec: bool
    suite: Suite
    parameter: int | None

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        return f"PACE-{'ECDH' if self.is_ec else 'DH'}-{self.mapping}-{self.suite.name}"

    @property
    def is_supported(self) -> bool:
        """Tell whether we can run it: a standard group of the right kind, and a cipher the mapping allows."""
        group = STANDARD.get(-1 if self.parameter is None else self.parameter)
        if group is None or isinstance(group, DhGroup) is self.is_ec:
            return False
        return self.mapping != "CAM" or self.suite is not TRIPLE_DES


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipAuthenticationInfo:
    """One way to run Chip Authentication, for the key with this number where a chip has several."""

    oid: str
    is_ec: bool
    suite: Suite
    key_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipKey:
    """A chip's own public key, as it stands in the signed file."""

    is_ec: bool
    spki: bytes
    key_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityInfos:
    """All entries of one file."""

    raw: bytes
    pace: tuple[PaceInfo, ...] = ()
    chip_authentication: tuple[ChipAuthenticationInfo, ...] = ()
    chip_keys: tuple[ChipKey, ...] = ()
    active_signature: str | None = None  # object identifier of the ECDSA signature of Active Authentication
    others: tuple[bytes, ...] = ()

    @property
    def pace_choices(self) -> tuple[PaceInfo, ...]:
        """Return the ways of PACE that can be run here, in the chip's order."""
        return tuple(each for each in self.pace if each.is_supported)


def _numbers_after(oid: str, prefix: str) -> tuple[int, ...]:
    return tuple(map(int, oid[len(prefix) :].split(".")))


def _optional_integer(fields: tuple[tlv.Node, ...], index: int) -> int | None:
    if len(fields) <= index:
        return None
    number = tlv.integer(fields[index], most_bytes=4)
    if number < 0:
        raise Malformed("chip.tlv", "", "a negative number")
    return number


def _pace(oid: str, fields: tuple[tlv.Node, ...]) -> PaceInfo | None:
    numbers = _numbers_after(oid, _PACE)
    if len(numbers) != 2 or numbers[0] not in _MAPPINGS or numbers[1] not in BY_ID:
        return None
    mapping, is_ec = _MAPPINGS[numbers[0]]
    return PaceInfo(oid=oid, mapping=mapping, is_ec=is_ec, suite=BY_ID[numbers[1]], parameter=_optional_integer(fields, 2))


def _chip_authentication(oid: str, fields: tuple[tlv.Node, ...]) -> ChipAuthenticationInfo | None:
    numbers = _numbers_after(oid, _CHIP_AUTHENTICATION)
    if len(numbers) != 2 or numbers[0] not in {1, 2} or numbers[1] not in BY_ID:
        return None
    return ChipAuthenticationInfo(
        oid=oid,
        is_ec=numbers[0] == 2,
        suite=BY_ID[numbers[1]],
        key_id=_optional_integer(fields, 2),
    )


def _chip_key(oid: str, fields: tuple[tlv.Node, ...]) -> ChipKey | None:
    numbers = _numbers_after(oid, _CHIP_KEY)
    if numbers not in {(1,), (2,)} or len(fields) < 2:
        return None
    return ChipKey(is_ec=numbers == (2,), spki=fields[1].raw, key_id=_optional_integer(fields, 2))


def parse_security_infos(data: bytes) -> SecurityInfos:
    """Read one set of SecurityInfos; ``Malformed`` when it is none."""
    pace: list[PaceInfo] = []
    ways: list[ChipAuthenticationInfo] = []
    keys: list[ChipKey] = []
    others: list[bytes] = []
    active = None
    for entry in tlv.read_node(data, trailing=True).expect(tlv.SET).children(most=_MOST_INFOS):
        fields = entry.expect(tlv.SEQUENCE).children(most=_MOST_INFOS)
        if not fields:
            raise Malformed("chip.tlv", "", "an entry without an identifier")
        oid = tlv.object_id(fields[0])
        if oid.startswith(_PACE) and (way := _pace(oid, fields)) is not None:
            pace.append(way)
        elif oid.startswith(_CHIP_AUTHENTICATION) and (info := _chip_authentication(oid, fields)) is not None:
            ways.append(info)
        elif oid.startswith(_CHIP_KEY) and (key := _chip_key(oid, fields)) is not None:
            keys.append(key)
        elif oid == _ACTIVE_AUTHENTICATION and len(fields) > 2:
            active = tlv.object_id(fields[2])
        else:
            others.append(entry.raw)
    return SecurityInfos(
        raw=data,
        pace=tuple(pace),
        chip_authentication=tuple(ways),
        chip_keys=tuple(keys),
        active_signature=active,
        others=tuple(others),
    )
