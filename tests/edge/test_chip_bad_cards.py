"""Bad cards as data: what each kind is, how it is read, and what it comes to: a refusal, or a level with the check that failed and why.

Every card is read through the whole reader and judged from what would travel. Cards that only look odd, and are good, stand here too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from simulators.card import citizen, pki
from simulators.card.citizen import CAN, MRZ_KEY, QR, Citizen

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from luutru.system import random_bytes
from residence.credentials.card_qr import parse_card
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.certificates import parse_certificate, parse_revocation_list
from residence.credentials.chip.groups import STANDARD
from residence.credentials.chip.security_infos import parse_security_infos
from residence.credentials.chip.trust_store import Deviation, assemble
from residence.credentials.chip.verdict import judge
from residence.errors import LuutruError

NOW, TODAY = datetime(2026, 7, 10, 9, tzinfo=UTC), date(2026, 7, 10)
OPENING = Opening(can=CAN, mrz_keys=(MRZ_KEY,))
FIELDS = parse_card(QR, today=TODAY).fields
COUNTRY = pki.Country()


class Ends(NamedTuple):
    """What a card comes to: a level with the findings, and the check that failed; or the code of a refusal."""

    level: int | None = None
    findings: Any = frozenset()
    failed: str = ""
    refused: str = ""
    missing: Any = ()
    outcomes: Any = ()  # of other checks


class Case(NamedTuple):
    card: Any  # makes it
    ends: Ends
    opening: Opening = OPENING
    store: Any = None  # makes whom is trusted; the country with a fresh list otherwise
    extra: tuple[str, ...] = ()


def store_of(country=COUNTRY, *revoked, authority=None, excused=()):
    crl = parse_revocation_list(country.revocation_list(*revoked))
    until = NOW + timedelta(days=1)
    deviations = tuple(Deviation(id="XX-1", rule=rule, country=code, until=until) for rule, code in excused)
    return assemble([parse_certificate((authority or country.authority).der)], [crl], deviations=deviations)


def a_card(**options):
    """Return what makes a card; ``is_`` and what the personality knows go to the card, all else to its citizen."""
    about = {each: options.pop(each) for each in list(options) if each in PERSONALITY}
    return lambda: Citizen(options.pop("country", COUNTRY), **options).card(**about)


PERSONALITY = {"refuses_pace_at", "knows_short_names", "knows_extended", "speaks_bac", "denied"}
PERSONALITY |= {"answers_at_most", "drops_keys_on_length"}


def altered(number):
    def build():
        made = Citizen(COUNTRY)
        signed = dict(made.groups)
        raw = made.groups[number]
        made.groups[number] = raw[:-1] + bytes([raw[-1] ^ 1])
        made.sod_options["covered"] = signed
        return made.card()

    return build


def uncovered(number):
    def build():
        made = Citizen(COUNTRY)
        made.sod_options["covered"] = {each: raw for each, raw in made.groups.items() if each != number}
        return made.card()

    return build


def signed_by_another():
    stranger = pki.Country(signer_key="secp256r1")
    return Citizen(COUNTRY, signer=pki.Holder(COUNTRY.signer.certificate, stranger.signer.key)).card()


def forged_signer():
    """The certificate names the real authority, but another key signed it."""
    forger = pki.Country()
    holder = pki.issue(
        pki.name("VN", "Test document signer"),
        pki.new_key(),
        issuer=COUNTRY.authority.certificate.subject,
        issuer_key=forger.authority.key,
        digest="sha384",
        akid=COUNTRY.authority.key,
    )
    return Citizen(COUNTRY, signer=holder).card()


def expired_signer():
    return Citizen(COUNTRY, signer=COUNTRY.new_signer(start=datetime(2020, 1, 1, tzinfo=UTC), years=2)).card()


def other_country():
    return Citizen(COUNTRY, signer=COUNTRY.new_signer(subject=pki.name("DE", "Test document signer"))).card()


def foreign_issuer():
    """An issuer we trust, of a country that the document is not of."""
    return Citizen(FOREIGN).card()


FOREIGN = pki.Country(code="DE")


def clone(**options):
    """All files of a genuine card, and none of its private keys."""

    def build():
        made = Citizen(COUNTRY, **options)
        if options.get("chip", True):
            made.chip_private += 1
        made.mapping_private += 1 if made.mapping_private else 0
        if options.get("active", "rsa1024"):
            made.active_signer = citizen.rsa_signer(pki.new_key("rsa1024"))
        return made.card()

    return build


def hiding(*numbers, gone=()):
    """A copy whose EF.COM, which nobody signs, does not speak of these groups; some are not there either."""

    def build():
        card = clone()()
        card.is_.files[0x011E] = citizen.com({1, 2, 3, 13, 14, 15} - set(numbers))
        for number in gone:
            del card.is_.files[0x0100 + number]
        return card

    return build


def denying(*numbers):
    """A copy that lists its keys as signed and gives them to nobody."""

    def build():
        card = clone()()
        card.is_.denied |= {0x0100 + number for number in numbers}
        return card

    return build


def naming_no_algorithm():
    """A curve's key for Active Authentication, and no word of how it signs."""
    made = Citizen(COUNTRY, pace=None, chip=None, active="secp256r1")
    del made.groups[14]
    return made.card()


def refusing_its_first_way():
    """A card that lists two ways of PACE and knows the second alone."""
    made = Citizen(COUNTRY)
    second = made.pace
    made.pace = citizen.card_access(citizen.pace_info(4, 2, 12), second[2:])
    made.groups[14] = citizen.tlv.encode(0x6E, citizen.card_access(made.pace[2:], infos_of(made.groups[14])[len(second) - 2 :]))
    return made.card(pace=parse_security_infos(second).pace)


def infos_of(dg14):
    return citizen.tlv.read_node(dg14).only(0x31).value


def with_file(place, raw, *, master=False):
    def build():
        card = Citizen(COUNTRY).card()
        (card.is_.master if master else card.is_.files)[place] = raw
        return card

    return build


def without(place):
    def build():
        card = Citizen(COUNTRY).card()
        del card.is_.files[place]
        return card

    return build


def answering(answer, *, after=0):
    """A card that answers every command after some with the same bytes."""

    def build():
        card = Citizen(COUNTRY).card()
        honest = card.transceive
        card.transceive = lambda raw: honest(raw) if len(card.log) < after else answer
        return card

    return build


def endless(place):
    """A file that says it is four gigabytes long."""
    return with_file(place, bytes.fromhex("7784FFFFFFFF") + bytes(64))


EXPLICIT = pki.spell_out_curve(COUNTRY.authority, STANDARD[16])
PSS = pki.Country(authority_key="rsa2048", signer_key="rsa2048", authority_digest="sha256", pss=True)
UNKNOWN_WHETHER_COPIED = {"chip_auth": "not_performed", "active_auth": "not_performed"}
SERIAL = COUNTRY.signer.certificate.serial_number
NO_BAC = Opening(can=CAN, mrz_keys=(MRZ_KEY,), allow_bac=False)

CASES = {
    # the data are not what was signed
    "DG1 altered": Case(altered(1), Ends(2, {"chip.group_altered"}, "passive")),
    "DG13 altered": Case(altered(13), Ends(2, {"chip.group_altered"}, "passive")),
    "DG14 altered": Case(altered(14), Ends(2, {"chip.group_altered"}, "passive")),
    "DG15 altered": Case(altered(15), Ends(2, {"chip.group_altered"}, "passive")),
    "DG14 not signed": Case(uncovered(14), Ends(2, {"chip.group_not_signed"}, "passive")),
    "DG15 not signed": Case(uncovered(15), Ends(2, {"chip.group_not_signed"}, "passive")),
    "SOD: signature altered": Case(a_card(spoil="signature"), Ends(2, {"chip.signature"}, "passive")),
    "SOD: content altered": Case(a_card(spoil="digest"), Ends(2, {"chip.signature"}, "passive")),
    "SOD: another content type": Case(a_card(spoil="type"), Ends(2, {"chip.signature"}, "passive")),
    "SOD: signer absent": Case(a_card(include=False), Ends(2, {"chip.no_signer"}, "passive")),
    "SOD: signed by another key": Case(signed_by_another, Ends(2, {"chip.signature"}, "passive")),
    # the signer is not whom it should be
    "signer forged": Case(forged_signer, Ends(2, {"chip.signer_forged"}, "issuer")),
    "signer expired when it signed": Case(expired_signer, Ends(2, {"chip.signer_expired"}, "issuer")),
    "signer revoked": Case(a_card(), Ends(2, {"chip.revocation_revoked"}, "revocation"), store=lambda: store_of(COUNTRY, SERIAL)),
    "signer of another country": Case(other_country, Ends(3, {"chip.issuer_unknown"})),
    "issuer of another country": Case(foreign_issuer, Ends(2, {"chip.wrong_country"}, "issuer"), store=lambda: store_of(FOREIGN)),
    "issuer unknown": Case(a_card(), Ends(3, {"chip.issuer_unknown"}), store=lambda: store_of(FOREIGN)),
    "nobody trusted": Case(a_card(), Ends(3, {"chip.no_anchors"}), store=lambda: assemble([])),
    "expired, another rule excused": Case(
        expired_signer,
        Ends(2, {"chip.signer_expired"}, "issuer"),
        store=lambda: store_of(excused=[("country", "VN"), ("validity", "DE"), ("validity", "")]),
    ),
    # odd, and good
    "expired, and that is excused": Case(
        expired_signer, Ends(5, {"chip.deviation"}), store=lambda: store_of(excused=[("validity", "VN")])
    ),
    "issuer of another country, and that is excused": Case(
        foreign_issuer, Ends(5, {"chip.deviation"}), store=lambda: store_of(FOREIGN, excused=[("country", "DE")])
    ),
    "issuer spells its curve out": Case(a_card(), Ends(5), store=lambda: store_of(authority=EXPLICIT)),
    "RSA with PSS": Case(lambda: Citizen(PSS, pss=True).card(), Ends(5), store=lambda: store_of(PSS)),
    "SHA-1 in the security object": Case(a_card(digest="sha1"), Ends(5, {"chip.old_digest"})),
    "no DG11, and it is asked for": Case(a_card(), Ends(5, missing={"DG11": "not listed"}), extra=("DG11",)),
    "DG3 is denied, and never asked for": Case(a_card(), Ends(5), extra=("DG3", "DG4")),
    "SELECT by short name unknown": Case(a_card(knows_short_names=False), Ends(5)),
    "its first way of PACE is refused, the next one opens": Case(
        refusing_its_first_way, Ends(5, outcomes={"bac": "not_performed"})
    ),
    "asked for too much, it drops its keys": Case(a_card(answers_at_most=160, drops_keys_on_length=True), Ends(5)),
    "BAC alone, without extended length": Case(a_card(pace=None, knows_extended=False, active=""), Ends(5)),
    # a copy
    "clone": Case(clone(), Ends(4, {"chip.not_present"}, "chip_auth")),
    "clone without Chip Authentication": Case(clone(chip=None), Ends(4, {"chip.signature"}, "active_auth")),
    "clone with the mapping": Case(clone(pace=(6, 2, 13), chip=None, active=""), Ends(4, {"chip.not_present"}, "chip_auth")),
    "clone that does not list its keys": Case(hiding(14, 15), Ends(4, {"chip.not_present", "chip.lists_differ"}, "chip_auth")),
    "clone that hides its keys": Case(
        hiding(14, 15, gone=(14, 15)), Ends(4, {"chip.key_not_given", "chip.lists_differ"}, outcomes=UNKNOWN_WHETHER_COPIED)
    ),
    "clone that denies its keys": Case(
        denying(14, 15), Ends(4, {"chip.key_not_given"}, missing={"DG14": "6982"}, outcomes=UNKNOWN_WHETHER_COPIED)
    ),
    "an algorithm nobody named": Case(
        naming_no_algorithm, Ends(4, {"chip.algorithm"}, outcomes={"active_auth": "not_supported"})
    ),
    # it will not be opened as it offers
    "PACE refused at once, BAC offered": Case(a_card(refuses_pace_at="select"), Ends(5, {"chip.downgraded"}, "pace")),
    "PACE refused in the middle, BAC offered": Case(a_card(refuses_pace_at="nonce"), Ends(5, {"chip.downgraded"}, "pace")),
    "PACE refused at the end, BAC offered": Case(a_card(refuses_pace_at="token"), Ends(5, {"chip.downgraded"}, "pace")),
    "PACE refused, BAC not allowed": Case(a_card(refuses_pace_at="nonce"), Ends(refused="chip.not_opened"), opening=NO_BAC),
    "PACE calls right secrets wrong": Case(a_card(refuses_pace_at="each secret"), Ends(refused="chip.not_opened")),
    "PACE refused, no BAC": Case(a_card(refuses_pace_at="nonce", speaks_bac=False), Ends(refused="chip.not_opened")),
    "another number": Case(a_card(), Ends(refused="chip.not_opened"), opening=Opening(can="000000")),
    # what it says is no file
    "DG1 of four gigabytes": Case(endless(0x0101), Ends(2, {"chip.no_zone"}, missing={"DG1": "chip.file"})),
    "DG1 is not given": Case(without(0x0101), Ends(2, {"chip.no_zone"}, missing={"DG1": "absent"})),
    "SOD of four gigabytes": Case(endless(0x011D), Ends(2, missing={"SOD": "chip.file"})),
    "EF.CardAccess of four gigabytes": Case(
        with_file(0x011C, bytes.fromhex("3184FFFFFFFF"), master=True),
        Ends(5, {"chip.downgraded"}, missing={"CardAccess": "too large"}),
    ),
    "SOD nested without end": Case(
        with_file(0x011D, bytes.fromhex("7782030C") + b"\x30\x82\x02\xff" * 195), Ends(2, {"chip.tlv"}, "passive")
    ),
    "SOD longer than a file may be": Case(
        with_file(0x011D, bytes.fromhex("77838000") + bytes(40)), Ends(2, missing={"SOD": "chip.file"})
    ),
    "SOD shorter than it says": Case(
        with_file(0x011D, bytes.fromhex("77821000") + bytes(40)), Ends(2, missing={"SOD": "chip.file"})
    ),
    # what it answers is no answer
    "nothing": Case(answering(b""), Ends(refused="chip.not_opened")),
    "one byte": Case(answering(b"\x90"), Ends(refused="chip.not_opened")),
    "rubbish": Case(answering(b"\xff" * 300), Ends(refused="chip.not_opened")),
    "more and more": Case(answering(bytes(64) + b"\x61\x40"), Ends(refused="chip.too_slow")),
    "rubbish behind the door": Case(answering(b"\xff" * 300, after=12), Ends(refused="chip.sm_broken")),
    "a plain answer behind the door": Case(answering(b"\x90\x00", after=12), Ends(refused="chip.sm_broken")),
}


class Hours:
    """A clock on which each command takes two seconds."""

    def __init__(self):
        self.at = 0

    def monotonic_ns(self):
        self.at += 2 * 10**9
        return self.at


class Stands:
    def monotonic_ns(self):
        return 0


def reading(card, clock, opening=OPENING, extra=()):
    reader = ChipReader(card, draw=FromBytes(random_bytes), clock=clock, reset=card.reset)
    return reader.read(opening, bound_to=(b"kiosk-1", b"declaration-1"), extra=extra)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.ends.refused])
def test_it_comes_to_this(name):
    case = CASES[name]
    capture = reading(case.card(), Stands(), case.opening, case.extra)
    travelled = msgspec.json.decode(msgspec.json.encode(capture), type=Capture)
    verdict = judge(travelled, case.store() if case.store else store_of(), now=NOW, today=TODAY, card=FIELDS)
    found = {each.code for each in verdict.findings}
    assert verdict.level == case.ends.level
    assert case.ends.findings <= found
    assert dict(case.ends.outcomes).items() <= verdict.checks.items()
    assert not case.ends.failed or verdict.checks[case.ends.failed] == "failed"
    assert set(dict(case.ends.missing).items()) <= set(capture.missing.items())
    assert found == set() or case.ends.findings or case.ends.missing


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.ends.refused])
def test_it_is_not_read_at_all(name):
    case = CASES[name]
    with pytest.raises(LuutruError) as refusal:
        reading(case.card(), Stands(), case.opening, case.extra)
    assert refusal.value.code == case.ends.refused


def test_a_slow_card_is_given_up():
    card = Citizen(COUNTRY).card()
    with pytest.raises(LuutruError, match=r"chip\.too_slow"):
        reading(card, Hours())
    assert len(card.log) <= 15
