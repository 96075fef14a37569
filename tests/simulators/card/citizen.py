"""An invented citizen's card: files as a Vietnamese card has them, keys made at run time."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives import serialization
from simulators.card import pki
from simulators.card.card import Personality, SimulatedCard

from residence.credentials.chip import tlv
from residence.credentials.chip.chip_authentication import infos_of_dg14, ways_of
from residence.credentials.chip.groups import STANDARD
from residence.credentials.chip.security_infos import parse_security_infos

NUMBER = "079095123456"
CAN = NUMBER[-6:]
MRZ = ("IDVNM0951234567079095123456<<7", "9512254M3512252VNM<<<<<<<<<<<2", "NGUYEN<<HOANG<MINH<KHOI<<<<<<<")
MRZ_KEY = "095123456795122543512252"
QR = f"{NUMBER}||Nguyễn Hoàng Minh Khôi|25121995|Nam|Láng Hạ, Đống Đa, Hà Nội|15082024"
DETAILS = {
    1: NUMBER,
    2: "Nguyễn Hoàng Minh Khôi",
    3: "25/12/1995",
    4: "Nam",
    5: "Việt Nam",
    9: "Láng Hạ, Đống Đa, Hà Nội",
    11: "15/08/2024",
    12: "25/12/2035",
}
# As long as the entries of real cards are said to be; 13 (parents) is written by dg13 itself.
FULL_DETAILS = DETAILS | {
    4: "Nam",
    6: "Kinh",
    7: "Không",
    8: "Xã Tân Hòa, Huyện Buôn Đôn, Tỉnh Đắk Lắk",
    9: "Căn hộ 1204, Chung cư Hòa Bình, Số 87 Phố Láng Hạ, Phường Láng Hạ, Quận Đống Đa, Thành phố Hà Nội",
    10: "Nốt ruồi cách 1,5 cm dưới trước đuôi mắt phải",
    14: "Nguyễn Trần Thị Ánh Nguyệt",
    15: "0" * 32,
    16: "241234567",
}

CARD_SECURITY = "0.4.0.127.0.7.3.2.1"


def sequence(*parts):
    return tlv.encode(0x30, b"".join(parts))


def oid(dotted):
    return tlv.encode(6, tlv.encode_object_id(dotted))


def number(value):
    return tlv.encode(2, value.to_bytes((value.bit_length() + 8) // 8, "big"))


def pace_info(kind, cipher, parameter):
    return sequence(oid(f"0.4.0.127.0.7.2.2.4.{kind}.{cipher}"), number(2), number(parameter))


def card_access(*infos):
    return tlv.encode(0x31, b"".join(infos))


def group_spki(parameter, public):
    """Return a key in a standard group named by its number."""
    algorithm = sequence(oid("0.4.0.127.0.7.1.2"), number(parameter))
    return sequence(algorithm, tlv.encode(3, b"\0" + public))


def chip_key_infos(parameter, public, *, cipher=2, key_id=None, with_way=True):
    kind = 2 if parameter >= 8 else 1
    tail = () if key_id is None else (number(key_id),)
    key = sequence(oid(f"0.4.0.127.0.7.2.2.1.{kind}"), group_spki(parameter, public), *tail)
    return key + (sequence(oid(f"0.4.0.127.0.7.2.2.3.{kind}.{cipher}"), number(1), *tail) if with_way else b"")


def dg1(lines=MRZ):
    return tlv.encode(0x61, tlv.encode(0x5F1F, "".join(lines).encode()))


def dg13(details=None, *, in_set=False, string_tag=0x0C):
    entries = b"".join(
        sequence(number(each), tlv.encode(string_tag, text.encode())) for each, text in (details or DETAILS).items()
    )
    entries += sequence(
        number(13), sequence(tlv.encode(string_tag, "Nguyễn Văn Ba".encode()), tlv.encode(string_tag, "Lê Thị Bốn".encode()))
    )
    return tlv.encode(0x6D, tlv.encode(0x30, tlv.encode(0x31, entries) if in_set else entries))


def dg2(size=2_000):
    record = b"FAC\x00" + b"010\x00" + bytes(40) + b"\xff\xd8\xff" + bytes(size)
    picture = tlv.encode(0x7F60, tlv.encode(0xA1, b"") + tlv.encode(0x5F2E, record))
    return tlv.encode(0x75, tlv.encode(0x7F61, number(1) + picture))


def com(numbers):
    tags = {1: 0x61, 2: 0x75, 3: 0x63, 7: 0x67, 11: 0x6B, 12: 0x6C, 13: 0x6D, 14: 0x6E, 15: 0x6F, 16: 0x70}
    listed = bytes(tags[each] for each in sorted(numbers))
    return tlv.encode(0x60, tlv.encode(0x5F01, b"0107") + tlv.encode(0x5F36, b"040000") + tlv.encode(0x5C, listed))


def rsa_signer(key, digest="sha1"):
    """Return what signs a challenge as ISO 9796-2 scheme 1 asks, with message recovery."""
    import hashlib

    numbers = key.private_numbers()
    modulus, size = numbers.public_numbers.n, (key.key_size + 7) // 8
    trailer = {"sha1": b"\xbc", "sha224": b"\x38\xcc", "sha256": b"\x34\xcc", "sha384": b"\x36\xcc", "sha512": b"\x35\xcc"}[
        digest
    ]

    def sign(challenge):
        room = size - 1 - hashlib.new(digest).digest_size - len(trailer)
        recovered = secrets.token_bytes(room)
        message = b"\x6a" + recovered + hashlib.new(digest, recovered + challenge).digest() + trailer
        return pow(int.from_bytes(message, "big"), numbers.d, modulus).to_bytes(size, "big")

    return sign


class Citizen:
    """Builds a card; every part can be replaced before ``card()``."""

    def __init__(
        self, country, *, pace=(2, 2, 13), chip=(13, 2), chip_key_id=None, active="rsa1024", der=False, lines=MRZ, **sod
    ):
        self.country, self.der = country, der
        self.pace = card_access(pace_info(*pace)) if pace else b""
        self.sod_options = sod
        self.groups = {1: dg1(lines), 2: dg2(), 13: dg13()}
        self.active_signer = None
        self.card_security, self.mapping_private = b"", 0
        if pace and pace[0] == 6:
            self.map_with_key(pace[2])
        infos = self.pace[2:] if pace else b""
        if chip:
            parameter, cipher = chip
            group = STANDARD[parameter]
            self.chip_private = 1 + secrets.randbelow(group.order - 1)
            public = group.encode(group.power(group.generator, self.chip_private))
            infos += chip_key_infos(parameter, public, cipher=cipher, key_id=chip_key_id)
        if active.startswith("rsa"):
            self.active_key = pki.new_key(active)
            self.active_signer = rsa_signer(self.active_key)
        elif active:
            self.active_key = pki.new_key(active)
            infos += sequence(oid("2.23.136.1.1.5"), number(1), oid("0.4.0.127.0.7.1.1.4.1.3"))
            self.active_signer = self.sign_with_curve
        if infos:
            self.groups[14] = tlv.encode(0x6E, tlv.encode(0x31, infos))
        if active:
            spki = self.active_key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            self.groups[15] = tlv.encode(0x6F, spki)

    def sign_with_curve(self, challenge):
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        signature = self.active_key.sign(challenge, ec.ECDSA(pki.HASHES["sha256"]))
        if self.der:
            return signature
        r, s = decode_dss_signature(signature)
        size = (self.active_key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def map_with_key(self, parameter):
        """Chip authentication mapping: the chip's key in EF.CardSecurity, signed by the issuer."""
        group = STANDARD[parameter]
        self.mapping_private = 1 + secrets.randbelow(group.order - 1)
        public = group.encode(group.power(group.generator, self.mapping_private))
        infos = tlv.encode(0x31, self.pace[2:] + chip_key_infos(parameter, public))
        self.card_security = pki.signed_data(infos, self.country.signer, content_type=CARD_SECURITY)

    def files(self):
        listed = {*self.groups, 3}
        files = {0x0100 + each: raw for each, raw in self.groups.items()}
        options = dict(self.sod_options)
        signer = options.pop("signer", self.country.signer)
        covered = options.pop("covered", None) or self.groups
        files[0x011D] = pki.security_object({3: b"fingerprints, read by nobody", **covered}, signer, **options)
        files[0x011E] = com(listed)
        return files

    def master(self):
        """Return the files that stand outside the application."""
        files = {0x011C: self.pace} if self.pace else {}
        return files | ({0x011D: self.card_security} if self.card_security else {})

    def card(self, **personality):
        offered = parse_security_infos(self.pace).pace if self.pace else ()
        ways = {}
        if 14 in self.groups:
            for way in ways_of(infos_of_dg14(self.groups[14])):
                ways[way.oid, way.key_id] = (way, self.chip_private)
        about = {
            "master": self.master(),
            "mapping_private": self.mapping_private,
            "files": self.files(),
            "can": CAN,
            "mrz_key": MRZ_KEY,
            "pace": offered,
            "chip_ways": ways,
            "active_signer": self.active_signer,
            **personality,
        }
        return SimulatedCard(Personality(**about))
