"""What one kiosk is: a typed profile in TOML, read once at start.

- Every setting has a type; most have a default that works. An unknown key is refused with a pointer and the nearest known name.
- Paths may be relative to the profile's own folder, so a folder can be moved or put into an image as it is.
- ``kind`` says who stands before the screen: in a lobby the person declares for themselves; at a hotel desk and at a guard post
  somebody of the house declares for the person (role ``facility``).
- The profile holds no secret, only the places of secrets. Every setting is explained in ``docs/settings.md``.

Example: ``load_profile(Path("kiosk.toml")).premises.units``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec

from firmware_config.door_readers import DoorReaderSection, check_door_readers
from firmware_config.doors import Date, DoorSection, ScheduleSection, check_doors
from residence.choices import Choices
from residence.errors import Malformed
from residence.errors.setting_files import read_toml, setting_refusal
from residence.places.premises import UNIT_MANDATORY, Premises, PremisesKind
from residence.stays.declaration import DeclarantRole

KioskKind = Literal["lobby", "hotel-desk", "guard-post"]
Language = Literal["vi", "en", "zh", "ko", "ja", "ru"]
ReaderKind = Literal["camera", "picamera", "video", "images", "cards", "serial"]

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_REPEATED: dict[str, type[msgspec.Struct]] = {
    "doors": DoorSection,
    "door_readers": DoorReaderSection,
    "schedules": ScheduleSection,
}  # and readers, below
PN532: Final = "pn532:"  # begins the name of a chip reader on a serial line
_NOT_SETTINGS = frozenset({"folder", "choices"})  # of a profile; the process puts them there


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the profile; a key it does not know is an error."""


class KioskSection(_Section, frozen=True, kw_only=True):
    """Who this kiosk is and how it speaks."""

    id: Name  # also the common name of its certificate
    site: Name  # the site the kiosk stands at; part of its topics
    kind: KioskKind = "lobby"
    languages: Annotated[tuple[Language, ...], msgspec.Meta(min_length=1)] = get_args(Language)  # the first is shown when idle
    presence: bool = False  # also offers "card at the entrance", which keeps a presence and never a stay
    to_desk_page: bool = False  # of a hotel desk: a card held up comes to the clerk's open page, and nothing is asked here
    declarant: Literal["self", "facility"] | None = None  # None: by kind
    declarant_name: str | None = None  # the house in whose name a hotel desk declares
    help_vi: str = "Cần giúp đỡ? Xin hỏi người trực."  # how to reach a person; on every screen
    help_en: str = "Need help? Ask the person on duty."
    help_zh: str = "需要帮助？请询问值班人员。"
    help_ko: str = "도움이 필요하세요? 담당자에게 말씀하세요."
    help_ja: str = "お困りですか？係の者にお尋ねください。"
    help_phone: str = ""  # said where a call for a person is not answered
    call_seconds: Annotated[int, msgspec.Meta(ge=10, le=1800)] = 120  # how long a call may wait before the screen says so
    help_ru: str = "Нужна помощь? Обратитесь к дежурному."

    def help_in(self, language: Language) -> str:
        """Return how to reach a person, in one language."""
        return str(getattr(self, f"help_{language}"))


class PremisesSection(_Section, frozen=True, kw_only=True):
    """The premises people declare a stay at."""

    id: Name
    kind: PremisesKind
    commune_code: Text
    name: Text
    address: str = ""
    remote_area: bool = False
    units: tuple[Text, ...] = ()  # apartments or rooms; empty: typed freely where a unit is mandatory


class BrokerSection(_Section, frozen=True, kw_only=True):
    """Where sealed declarations are sent. TLS with a certificate of the kiosk's own."""

    host: Text = "127.0.0.1"
    port: Port = 8883
    authority_file: str = "ca.pem"
    certificate_file: str = "kiosk.pem"
    key_file: str = "kiosk.key"
    spread_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = (
        30.0  # after a power cut the first attempt falls anywhere in it
    )
    certificates_url: str = ""  # the server that gives the next certificate; empty: somebody else looks after it


class KeysSection(_Section, frozen=True, kw_only=True):
    """Whose keys the kiosk trusts, and its own signing key."""

    keyring_file: str = "keyring.json"
    signing_key_id: str = ""  # when given, the key file must hold the key of this id
    signing_key_file: str = "signing.key"


class StoreSection(_Section, frozen=True, kw_only=True):
    """Where sealed rows wait for their receipts."""

    path: str = "outbox.db"


class PageSection(_Section, frozen=True, kw_only=True):
    """The kiosk's own page. Loopback only."""

    host: Literal["127.0.0.1", "localhost", "::1"] = "127.0.0.1"
    port: Port = 8800
    warn_after_seconds: Annotated[int, msgspec.Meta(ge=5, le=600)] = 30
    wipe_after_warning_seconds: Annotated[int, msgspec.Meta(ge=20, le=600)] = 20  # WCAG 2.2.1 asks for at least 20
    keypad: bool = False  # digits, * and # in place of a pointer: digits choose, and write letters as on a telephone
    check_url: str | None = None  # where a receipt code is looked up; "{code}" stands for the code, else it is put at the end
    stay_url: str | None = None  # where the code of one's own on a slip opens the page of the stay; none: no such code is printed
    way_in_url: str | None = None  # where a phone opens the page of whoever declared with their chip; none: it is not offered
    way_in_level: Annotated[int, msgspec.Meta(ge=4, le=5)] = 5  # what the chip must have shown here before it is offered


class ReaderSection(_Section, frozen=True, kw_only=True):
    """One device that reads cards."""

    kind: ReaderKind
    source: str = ""  # camera number (0), serial device, or a path to a video, folder or file of card texts
    baud_rate: int = 9_600  # of a serial scanner
    width: Annotated[int, msgspec.Meta(ge=320, le=4096)] = 1280  # of a camera's picture; so are the next four
    height: Annotated[int, msgspec.Meta(ge=240, le=3072)] = 720
    autofocus: bool | None = None  # None: as the camera has it
    focus: Annotated[float, msgspec.Meta(ge=0, le=10_000)] | None = None  # the device's unit; dioptres for picamera
    exposure_ms: Annotated[float, msgspec.Meta(gt=0, le=1_000)] | None = None
    model: str = ""  # of a serial scanner: a shipped model or a file that describes one; empty: listen only
    settings: tuple[Text, ...] | None = None  # those of the model to hold the scanner to; None: the model's defaults
    repair: bool = False  # set the scanner again when its settings have been changed
    check_seconds: Annotated[int, msgspec.Meta(ge=10, le=86_400)] = 600  # how often its settings are looked at
    mrz: bool = False  # also read the machine-readable zone of passports held before a camera
    mrz_every_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 700  # pause between two searches, at least


class VoiceSection(_Section, frozen=True, kw_only=True):
    """The voice that reads screens aloud to whoever asks for it."""

    program: str = "espeak-ng"  # empty: recordings only, and nothing where there is none
    recordings: str = "voices"  # folder of <language>/<screen>.wav
    words_per_minute: Annotated[int, msgspec.Meta(ge=80, le=300)] = 150


class PrinterSection(_Section, frozen=True, kw_only=True):
    """The printer of slips, if there is one."""

    kind: Literal["serial", "usb"] = "serial"
    device: str = ""  # serial device, or a USB printer's own file such as /dev/usb/lp0; empty: no printer
    baud_rate: int = 115_200  # of a serial printer
    width: Annotated[int, msgspec.Meta(ge=192, le=1024, multiple_of=8)] = 384  # dots across the paper: 384 on 58 mm, 576 on 80 mm


_REPEATED["readers"] = ReaderSection


class ChipSection(_Section, frozen=True, kw_only=True):
    """The contactless reader that opens the chips of cards, and whom this kiosk trusts about them."""

    enabled: bool = False
    # part of the PC/SC reader's name, or "pn532:" and a serial device; empty: the first one PC/SC knows
    reader: Annotated[str, msgspec.Meta(pattern=f"^(?!{PN532}$)")] = ""
    model: str = (
        ""  # of a reader that opens chips itself and speaks lines of text: a shipped one or a file; ``reader`` is then its device
    )
    baud_rate: Annotated[int, msgspec.Meta(ge=300, le=4_000_000)] | None = None  # of that reader's line; no source tells it
    trust: str = ""  # the authority's signed bundle, or a folder of certificates; empty: level 3 at best
    allow_bac: bool = True  # where a chip does not go through with PACE; the result then says "downgraded"
    consent: bool = True  # ask before the chip is read, as whoever is no state body must (Identity Law Art. 22(5)(d))


class ConfigurationSection(_Section, frozen=True, kw_only=True):
    """Where this kiosk's signed settings come from (docs/configuration.md). Without an address it works by this file alone."""

    url: str = ""  # of the folder that ``luutru config`` publishes
    district: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{0,63}$")] = ""  # whose key signs this kiosk's settings
    root_file: str = "root.json"  # the first root, which came with the machine
    folder: str = "configuration"
    pin: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{0,64}$")] = (
        ""  # hold at the release, or the document, whose name begins so
    )
    every_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 900.0
    steady_seconds: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 60.0  # how long all must be well before it is kept
    patience_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 600.0  # before it is taken back


class KioskProfile(_Section, frozen=True, kw_only=True):
    """One kiosk. ``folder`` is where the profile was read from; relative paths start there. ``choices`` come from a file of their own."""

    kiosk: KioskSection
    premises: PremisesSection
    broker: BrokerSection = BrokerSection()
    keys: KeysSection = KeysSection()
    store: StoreSection = StoreSection()
    page: PageSection = PageSection()
    readers: tuple[ReaderSection, ...] = ()
    printer: PrinterSection = PrinterSection()
    voice: VoiceSection = VoiceSection()
    chip: ChipSection = ChipSection()
    configuration: ConfigurationSection = ConfigurationSection()
    doors: Annotated[tuple[DoorSection, ...], msgspec.Meta(max_length=1)] = ()  # another door, another kiosk
    door_readers: tuple[DoorReaderSection, ...] = ()  # those that speak OSDP
    schedules: tuple[ScheduleSection, ...] = ()  # which doors name
    holidays: tuple[Date, ...] = ()
    folder: str = "."
    choices: Choices = Choices()

    def path(self, setting: str) -> Path:
        """Return a path of the profile, made absolute against the profile's folder."""
        return (Path(self.folder) / setting).absolute()

    def place(self) -> Premises:
        """Return the premises as the rules know it."""
        section = self.premises
        return Premises(
            premises_id=section.id,
            kind=section.kind,
            commune_code=section.commune_code,
            name=section.name,
            address_text=section.address,
            remote_area=section.remote_area,
            units=section.units,
        )

    @property
    def role(self) -> DeclarantRole:
        """Return in which role declarations are made here."""
        return self.kiosk.declarant or ("self" if self.kiosk.kind == "lobby" else "facility")

    @property
    def asks_unit(self) -> bool:
        """Tell whether the person must name an apartment or a room."""
        return bool(self.premises.units) or self.premises.kind in UNIT_MANDATORY


def load_profile(path: Path) -> KioskProfile:
    """Read a profile file, or raise ``Malformed("profile.*")`` with a pointer to the setting."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed("profile.unreadable", "", f"{path}: {error}") from error
    return parse_profile(text, folder=path.absolute().parent)


def parse_profile(text: str, *, folder: Path) -> KioskProfile:
    """Read a profile's TOML text, or raise ``Malformed("profile.*")`` with a pointer to the setting."""
    table = read_toml(text.encode("utf-8", "surrogatepass"), area="profile")
    for name in sorted(_NOT_SETTINGS & table.keys()):
        raise Malformed("profile.unknown_setting", f"/{name}", f"{name} cannot be set in a profile")
    try:
        profile = msgspec.convert(table, KioskProfile)
    except msgspec.ValidationError as error:
        known = [name.rpartition(".")[2] for name in settings_of()] + [
            field.name for field in msgspec.structs.fields(KioskProfile)
        ]
        raise setting_refusal(str(error), area="profile", known=known) from error
    if len(set(profile.kiosk.languages)) != len(profile.kiosk.languages):
        raise Malformed("profile.invalid_setting", "/kiosk/languages", "a language stands twice")
    if profile.chip.model and not (profile.chip.reader and profile.chip.baud_rate):
        raise Malformed(
            "profile.invalid_setting", "/chip/model", "a reader of text needs chip.reader (its device) and chip.baud_rate"
        )
    check_doors(profile.doors, profile.schedules)
    check_door_readers(profile.door_readers, doors=len(profile.doors))
    return msgspec.structs.replace(profile, folder=str(folder))


def settings_of(section: type[msgspec.Struct] = KioskProfile, prefix: str = "") -> list[str]:
    """Return every setting as ``section.key``, for the test that each is documented."""
    names: list[str] = []
    for field in msgspec.structs.fields(section):
        kind = _REPEATED.get(field.name, field.type)
        if isinstance(kind, type) and issubclass(kind, _Section | DoorSection | DoorReaderSection | ScheduleSection):
            names += settings_of(kind, f"{prefix}{field.name}.")
        elif field.name not in _NOT_SETTINGS:
            names.append(prefix + field.name)
    return names
