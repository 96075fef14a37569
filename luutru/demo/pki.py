"""A certificate authority for demo and tests: who may open a connection to the broker, and as whom.

- One CA (path length 0), one broker certificate for loopback, one client certificate per kiosk and gateway; all EC P-256.
- The common name of a client certificate *is* its user name at the broker, so a kiosk's CN is its kiosk id.
- Asking twice returns the same files; nothing is overwritten. Keys are readable by their owner only.
- The revocation list is there from the first day, empty, and holds as long as the CA itself: an expired one would shut everybody out.
- Not for production: the CA's key lies beside its certificates. An authority issues these with its own PKI.

Example: ``Pki(Path("demo/pki")).kiosk("kiosk-lobby-1").certificate``
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from luutru.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GATEWAY_NAME: Final = "luutru-gateway"
LIFETIME: Final = timedelta(days=825)
REVOCATIONS: Final = "crl.pem"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The three PEM files a TLS peer needs: its chain anchor, its certificate, its key."""

    name: str
    ca: Path
    certificate: Path
    key: Path

    def copy_to(self, folder: Path, *, as_name: str) -> Identity:
        """Hand the three files out to a folder that is its holder's alone; the key stays readable by its owner only."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = Identity(
            name=self.name, ca=folder / "ca.pem", certificate=folder / f"{as_name}.pem", key=folder / f"{as_name}.key"
        )
        for source, target in ((self.ca, copy.ca), (self.certificate, copy.certificate), (self.key, copy.key)):
            _write(target, source.read_bytes(), mode=0o600 if source == self.key else 0o644)
        return copy

    def together(self, path: Path) -> None:
        """Write certificate and key into one file, as HAProxy reads them."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, self.certificate.read_bytes() + self.key.read_bytes(), mode=0o600)


class Pki:
    """A CA in a directory. ``now`` is the instant certificates are issued at; ``broker_name`` a name the broker has besides loopback."""

    def __init__(self, directory: Path, *, now: datetime | None = None, broker_name: str = "localhost") -> None:
        self._directory = directory
        self._broker_names = {"localhost", broker_name}
        self._now = now or SystemClock().now()
        directory.mkdir(parents=True, exist_ok=True)
        self.ca: Final = directory / "ca.pem"
        self._ca_key = directory / "ca.key"
        self.revocations: Final = directory / REVOCATIONS
        if not self.ca.exists():
            self._make_ca()
        if not self.revocations.exists():
            self._write_revocations({})

    def broker(self) -> Identity:
        """Return the broker's identity, valid for 127.0.0.1, ::1 and localhost."""
        names: list[x509.GeneralName] = [
            x509.IPAddress(ip_address("127.0.0.1")),
            x509.IPAddress(ip_address("::1")),
            *(x509.DNSName(name) for name in sorted(self._broker_names) if not name[:1].isdigit()),
        ]
        return self._identity("broker", ExtendedKeyUsageOID.SERVER_AUTH, names)

    def web(self) -> Identity:
        """Return the pages' identity, valid for localhost: what a proxy that ends TLS shows."""
        return self._identity("web", ExtendedKeyUsageOID.SERVER_AUTH, [x509.DNSName("localhost")])

    def kiosk(self, kiosk_id: str) -> Identity:
        """Return the client identity of one kiosk; its CN is the kiosk id."""
        return self._identity(kiosk_id, ExtendedKeyUsageOID.CLIENT_AUTH)

    def gateway(self, name: str = GATEWAY_NAME) -> Identity:
        """Return the client identity of the gateway. All workers share the name; their MQTT client ids differ."""
        return self._identity(name, ExtendedKeyUsageOID.CLIENT_AUTH)

    def copy_authority(self, folder: Path) -> None:
        """Hand the authority alone out, without what it has issued: what a gateway certifies claimed kiosks with."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for source, mode in ((self.ca, 0o644), (self._ca_key, 0o600)):
            _write(folder / source.name, source.read_bytes(), mode=mode)

    def revoke(self, name: str, *, serials: Iterable[int] = ()) -> bytes | None:
        """Put a client's certificates on the revocation list, for good, and return the list; None when there are none.

        ``serials``: of those the registry knows, beside the one that may lie here.
        """
        path = self._directory / f"{name}.pem"
        found = set(serials)
        if path.exists():
            found.add(x509.load_pem_x509_certificate(path.read_bytes()).serial_number)
        if not found:
            return None
        revoked = {each.serial_number: each.revocation_date_utc for each in x509.load_pem_x509_crl(self.revocations.read_bytes())}
        if not found <= revoked.keys():  # the same list signed again would be another edition, which the broker has not read
            self._write_revocations(dict.fromkeys(found, self._now) | revoked)
        return self.revocations.read_bytes()

    def _write_revocations(self, revoked: dict[int, datetime], *, lasting: timedelta | None = None) -> None:
        issuer, issuer_key = self._issuer()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(self._now - timedelta(days=1))
            .next_update(self._now + lasting if lasting else issuer.not_valid_after_utc)
            .add_extension(x509.CRLNumber(len(revoked)), critical=False)
        )
        for serial, since in revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
            builder = builder.add_revoked_certificate(entry)
        _write(self.revocations, builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _issuer(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        issuer_key = serialization.load_pem_private_key(self._ca_key.read_bytes(), password=None)
        assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it ourselves
        return x509.load_pem_x509_certificate(self.ca.read_bytes()), issuer_key

    def _identity(self, name: str, usage: x509.ObjectIdentifier, names: list[x509.GeneralName] | None = None) -> Identity:
        identity = Identity(
            name=name, ca=self.ca, certificate=self._directory / f"{name}.pem", key=self._directory / f"{name}.key"
        )
        if not identity.certificate.exists():
            self._issue(identity, usage, names or [])
        return identity

    def _make_ca(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _common_name("Luutru demo CA")
        public = key.public_key()
        certificate = (
            self._builder(subject, subject, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_key(self._ca_key, key)
        _write(self.ca, certificate.public_bytes(serialization.Encoding.PEM))

    def _issue(self, identity: Identity, usage: x509.ObjectIdentifier, names: list[x509.GeneralName]) -> None:
        issuer, issuer_key = self._issuer()
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            self._builder(_common_name(identity.name), issuer.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(issuer_key, hashes.SHA256())
        _write_key(identity.key, key)
        _write(identity.certificate, certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=1))
            .not_valid_after(self._now + LIFETIME)
        )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem, mode=0o600)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    # Written beside and renamed, so that two processes asking for the same identity never read half a file.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
