"""Signatures of Active Authentication by RSA (ISO 9796-2 scheme 1): every trailer and form is read, and what is only nearly one is refused."""

from __future__ import annotations

import hashlib

import pytest
from simulators.card import pki

from residence.credentials.chip.active import verify_active
from residence.credentials.chip.public_keys import RsaKey
from residence.errors import Untrusted

CHALLENGE = b"8 bytes."
SIGNER = pki.new_key("rsa1024")
RSA_KEY = RsaKey(modulus=SIGNER.public_key().public_numbers().n, exponent=65537)
TRAILERS = {"sha1": "BC", "sha224": "38CC", "sha256": "34CC", "sha384": "36CC", "sha512": "35CC"}


def recoverable(digest, *, header=b"\x6a", trailer=None, over=CHALLENGE, other_root=False):
    """A signature of Active Authentication as ISO 9796-2 scheme 1 has it, or nearly."""
    end = bytes.fromhex(trailer or TRAILERS[digest])
    recovered = bytes(128 - len(header) - len(end) - hashlib.new(digest).digest_size)
    message = header + recovered + hashlib.new(digest, recovered + over).digest() + end
    value = pow(int.from_bytes(message, "big"), SIGNER.private_numbers().d, RSA_KEY.modulus)
    return (RSA_KEY.modulus - value if other_root else value).to_bytes(128, "big")


@pytest.mark.parametrize("digest", TRAILERS)
@pytest.mark.parametrize(
    "how", [{}, {"other_root": True}, {"header": b"\x6b\xbb\xbb\xba"}], ids=["6A", "the other root", "padded"]
)
def test_a_signature_of_active_authentication_is_read_by_its_trailer(digest, how):
    assert verify_active(RSA_KEY, CHALLENGE, recoverable(digest, **how), algorithm_oid=None) == f"iso9796-2-{digest}"


WRONG_SIGNATURES = {
    "over another challenge": recoverable("sha256", over=b"another."),
    "another hash's trailer": recoverable("sha256", trailer="38CC"),
    "an unknown trailer": recoverable("sha256", trailer="31CC"),
    "no trailer": recoverable("sha256", trailer="3400"),
    "all of the message recovered, the challenge not covered": recoverable("sha256", header=b"\x4a"),
    "padding without end": recoverable("sha256", header=b"\x6b\xbb\xbb"),
    "too short": recoverable("sha256")[1:],
    "larger than the modulus": b"\xff" * 128,
}


@pytest.mark.parametrize("signature", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES)
def test_what_is_only_nearly_a_signature_is_none(signature):
    with pytest.raises(Untrusted, match=r"chip\.signature"):
        verify_active(RSA_KEY, CHALLENGE, signature, algorithm_oid=None)
