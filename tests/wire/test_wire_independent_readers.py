"""Readers that are not ours: ``cwt`` opens our COSE_Sign1, ``pyhpke`` our wrapped data key, and together the whole envelope."""

import json

import cbor2
import cwt
import wire_vectors as make
from cose_keys import cose_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from luutru.throwaway import seed, throwaway_keys
from residence.wire.messages import encode_message
from residence.wire.receipts import sign_receipt

KEYS = throwaway_keys()


def test_cwt_opens_the_signed_part_of_an_envelope():
    signed, _, header = make.split(make.seal())
    payload = cwt.COSE.new().decode(signed, cose_key(KEYS.kiosk.key_id, KEYS.kiosk.public_key))
    assert cbor2.loads(payload) == header


def test_cwt_opens_a_receipt():
    payload = cwt.COSE.new().decode(
        sign_receipt(make.receipt(), KEYS.receipt), cose_key(KEYS.receipt.key_id, KEYS.receipt.public_key)
    )
    assert json.loads(payload)["state"] == "accepted"


def test_pyhpke_unwraps_the_data_key_and_the_body_opens_with_it():
    signed, sealed, header = make.split(make.seal())
    payload = cwt.COSE.new().decode(signed, cose_key(KEYS.kiosk.key_id, KEYS.kiosk.public_key))
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
    private = KEMKey.from_pyca_cryptography_key(X25519PrivateKey.from_private_bytes(seed("seal")))
    info = cbor2.dumps(["luutru data key/1", header[2], header[5], header[11]])
    wrapped = header[12]
    data_key = suite.create_recipient_context(wrapped[:32], private, info=info).open(wrapped[32:])
    body = AESGCM(data_key).decrypt(header[13], sealed, payload)
    assert body[16:] == encode_message(make.DECLARATION)
