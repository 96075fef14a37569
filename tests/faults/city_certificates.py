"""Certificates of a city's own authority, as its machines need them: each is server and client, for its own name.

- One authority (its key never leaves this object), EC P-256, a day long: made for one run.
- ``give`` leaves ``tls/ca.pem``, ``machine.pem``, ``machine.key`` and ``web.pem`` (certificate and key in one, for HAProxy) in a folder.

Example: ``CityAuthority().give(folder, name="db1.luutru.test")``
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM


class CityAuthority:
    """Issues one machine's certificate after the other."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A city's authority")])
        own = self._begun(self._name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = own.sign(self._key, hashes.SHA256())

    def give(self, folder, *, name, addresses=()):
        """Leave what a machine called so needs in ``folder/tls``; ``addresses`` are those it speaks from, which etcd compares."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name), *(x509.IPAddress(ip_address(each)) for each in addresses)]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        tls = folder / "tls"
        tls.mkdir(parents=True)
        (tls / "ca.pem").write_bytes(self._certificate.public_bytes(PEM))
        (tls / "machine.pem").write_bytes(certificate.public_bytes(PEM))
        for path, content in ((tls / "machine.key", secret), (tls / "web.pem", certificate.public_bytes(PEM) + secret)):
            path.write_bytes(content)
            path.chmod(0o600)
        return tls

    def _begun(self, name, key):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )
