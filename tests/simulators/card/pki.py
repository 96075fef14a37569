"""A throw-away country: signing authority, document signers, lists, security objects. Everything is made at run time and is nobody's.

Certificates and signed data are written with ``cryptography`` and ``asn1crypto``, so our reading is judged by what others write.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field

import pyhanko.sign.ades.cades_asn1  # noqa: F401 - adds names to asn1crypto's tables, which are closed by their first use
from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

UTC = dt.UTC
HASHES = {
    "sha1": hashes.SHA1(),  # noqa: S303 - old documents have it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
SECURITY_OBJECT = "2.23.136.1.1.1"


class _Hash(core.Sequence):
    _fields = [("number", core.Integer), ("value", core.OctetString)]  # noqa: RUF012


class _Hashes(core.SequenceOf):
    _child_spec = _Hash


class _SecurityObject(core.Sequence):
    _fields = [("version", core.Integer), ("digest", algos.DigestAlgorithm), ("hashes", _Hashes)]  # noqa: RUF012


class _Certificates(core.SetOf):
    _child_spec = asn1_x509.Certificate


class _MasterListContent(core.Sequence):
    _fields = [("version", core.Integer), ("certificates", _Certificates)]  # noqa: RUF012


def name(country, common):
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "TEST ONLY"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
        ]
    )


def new_key(kind="brainpoolP256r1"):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    curve = {
        each.name: each
        for each in (ec.BrainpoolP256R1, ec.BrainpoolP384R1, ec.BrainpoolP512R1, ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    }
    return ec.generate_private_key(curve[kind]())


@dataclass
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: object
    explicit: bytes = b""  # the same certificate with its curve spelled out

    @property
    def der(self):
        return self.explicit or self.certificate.public_bytes(serialization.Encoding.DER)


def issue(
    subject,
    key,
    *,
    issuer=None,
    issuer_key=None,
    authority=False,
    start=dt.datetime(2024, 1, 1, tzinfo=UTC),
    years=10,
    digest="sha256",
    serial=None,
    pss=False,
    akid=None,
):
    signer = issuer_key or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((akid or signer).public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority,
                key_cert_sign=authority,
                crl_sign=authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not authority:  # what a document signer's certificate has besides (ICAO Doc 9303-12, table 6)
        document_types = bytes.fromhex("300802010031031301") + b"I"
        place = x509.DistributionPoint([x509.UniformResourceIdentifier("https://pki.example/crl/test.crl")], None, None, None)
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("2.23.136.1.1.6.2"), document_types), critical=False
        ).add_extension(x509.CRLDistributionPoints([place]), critical=False)
    how = padding.PSS(mgf=padding.MGF1(HASHES[digest]), salt_length=HASHES[digest].digest_size) if pss else None
    return Holder(builder.sign(signer, HASHES[digest], rsa_padding=how) if pss else builder.sign(signer, HASHES[digest]), key)


@dataclass
class Country:
    """One country's authority with its document signer."""

    code: str = "VN"
    authority_key: str = "brainpoolP384r1"
    signer_key: str = "brainpoolP256r1"
    authority_digest: str = "sha384"
    pss: bool = False
    signer_start: dt.datetime = dt.datetime(2024, 1, 1, tzinfo=UTC)
    signer_years: int = 10
    authority: Holder = field(init=False)
    signer: Holder = field(init=False)

    def __post_init__(self):
        self.authority = issue(
            name(self.code, "Test CSCA"),
            new_key(self.authority_key),
            authority=True,
            digest=self.authority_digest,
            start=dt.datetime(2020, 1, 1, tzinfo=UTC),
            years=15,
        )
        self.signer = self.new_signer()

    def new_signer(self, **changes):
        about = {
            "digest": self.authority_digest,
            "start": self.signer_start,
            "years": self.signer_years,
            "pss": self.pss,
            **changes,
        }
        subject = about.pop("subject", name(self.code, "Test document signer"))
        key = about.pop("key", None) or new_key(self.signer_key)
        return issue(subject, key, issuer=self.authority.certificate.subject, issuer_key=self.authority.key, **about)

    def link_to_new_authority(self):
        """Return a new authority and the link certificate the old one signs for it."""
        key, subject = new_key(self.authority_key), name(self.code, "Test CSCA 2")
        start = dt.datetime(2025, 1, 1, tzinfo=UTC)
        fresh = issue(subject, key, authority=True, start=start)
        link = issue(
            subject, key, issuer=self.authority.certificate.subject, issuer_key=self.authority.key, authority=True, start=start
        )
        return fresh, link

    def revocation_list(self, *serials, this=dt.datetime(2026, 7, 1, tzinfo=UTC), days=30, extensions=()):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.authority.certificate.subject)
            .last_update(this)
            .next_update(this + dt.timedelta(days=days))
        )
        for serial in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this).build()
            )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=not isinstance(extension, x509.CRLNumber))
        return builder.sign(self.authority.key, HASHES[self.authority_digest]).public_bytes(serialization.Encoding.DER)


def _signature(key, data, digest, *, pss):
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(HASHES[digest])), {"algorithm": f"{digest}_ecdsa"}
    if pss:
        salt = HASHES[digest].digest_size
        value = key.sign(data, padding.PSS(mgf=padding.MGF1(HASHES[digest]), salt_length=salt), HASHES[digest])
        inner = {"algorithm": digest}
        parameters = {
            "hash_algorithm": inner,
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": inner},
            "salt_length": salt,
        }
        return value, {"algorithm": "rsassa_pss", "parameters": parameters}
    return key.sign(data, padding.PKCS1v15(), HASHES[digest]), {"algorithm": f"{digest}_rsa"}


def signed_data(content, holder, *, content_type=SECURITY_OBJECT, digest="sha256", pss=False, include=True, when=None, spoil=""):
    """Return CMS SignedData in DER. ``spoil``: "signature", "digest" or "type"."""
    certificate = asn1_x509.Certificate.load(holder.der)
    hashed = hashlib.new(digest, content + (b"!" if spoil == "digest" else b"")).digest()
    attributes = [
        {"type": "content_type", "values": ["1.2.3" if spoil == "type" else content_type]},
        {"type": "message_digest", "values": [hashed]},
    ]
    if when is not None:
        attributes.append({"type": "signing_time", "values": [cms.Time({"utc_time": when})]})
    attributes = cms.CMSAttributes(attributes)
    value, algorithm = _signature(holder.key, attributes.dump(), digest, pss=pss)
    if spoil == "signature":
        value = value[:-1] + bytes([value[-1] ^ 1])
    issuer = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    content_info = {"content_type": content_type, "content": core.ParsableOctetString(content)}
    data = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": digest}],
            "encap_content_info": content_info,
            "certificates": [certificate] if include else [],
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": cms.SignerIdentifier({"issuer_and_serial_number": issuer}),
                    "digest_algorithm": {"algorithm": digest},
                    "signed_attrs": attributes,
                    "signature_algorithm": algorithm,
                    "signature": value,
                }
            ],
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()


def security_object(groups, holder, *, digest="sha256", **how):
    """Return EF.SOD over groups by number."""
    from residence.credentials.chip import tlv

    entries = [{"number": number, "value": hashlib.new(digest, raw).digest()} for number, raw in sorted(groups.items())]
    content = _SecurityObject({"version": 0, "digest": {"algorithm": digest}, "hashes": entries}).dump()
    return tlv.encode(0x77, signed_data(content, holder, digest=digest, **how))


def master_list(certificates, holder):
    """Return a master list: authorities' certificates, signed."""
    content = _MasterListContent({"version": 0, "certificates": [asn1_x509.Certificate.load(each) for each in certificates]})
    return signed_data(content.dump(), holder, content_type="2.23.136.1.1.2")


def spell_out_curve(holder, group):
    """Return the holder with a certificate that describes its curve instead of naming it, signed again by its own key."""
    from residence.credentials.chip import tlv

    def integer(value):
        return tlv.encode(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    certificate = tlv.read_node(holder.certificate.public_bytes(serialization.Encoding.DER))
    body, algorithm, _ = certificate.children()
    parts = [each.raw for each in body.children()]
    size = group.field_bytes
    field = tlv.encode(0x30, tlv.encode(6, tlv.encode_object_id("1.2.840.10045.1.1")) + integer(group.prime))
    a, b = (tlv.encode(4, each.to_bytes(size, "big")) for each in group.coefficients)
    base = tlv.encode(4, group.encode(group.generator))
    curve = tlv.encode(0x30, integer(1) + field + tlv.encode(0x30, a + b) + base + integer(group.order) + integer(1))
    kind = tlv.encode(0x30, tlv.encode(6, tlv.encode_object_id("1.2.840.10045.2.1")) + curve)
    parts[6] = tlv.encode(0x30, kind + tlv.read_node(parts[6]).children()[1].raw)
    signed = tlv.encode(0x30, b"".join(parts))
    digest = holder.certificate.signature_hash_algorithm
    signature = holder.key.sign(signed, ec.ECDSA(digest))
    der = tlv.encode(0x30, signed + algorithm.raw + tlv.encode(3, b"\0" + signature))
    return Holder(holder.certificate, holder.key, explicit=der)
