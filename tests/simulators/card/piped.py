"""The simulated card as a process of its own, on standard input and output: whoever reads it is measured without the card's work.

- First one line of JSON: what opens the card and whom to trust. Then messages, each behind two bytes of length, in both directions.
- ``A`` and a command gets the answer; ``E`` and ``S`` lay the card down anew, with extended length and without.
- Files are as long as those of real documents are said to be: an issuer with RSA, a signer's certificate with its usual extensions, all of
  DG13's entries, an RSA key of 2048 bits in DG15.
"""

from __future__ import annotations

import base64
import json
import sys

from simulators.card import pki
from simulators.card.citizen import CAN, FULL_DETAILS, QR, Citizen, dg13

ISSUER = {"authority_key": "rsa3072", "signer_key": "rsa3072", "authority_digest": "sha512"}


def whole_card():
    country = pki.Country(**ISSUER)
    made = Citizen(country, active="rsa2048", digest="sha512")
    made.groups[13] = dg13(FULL_DETAILS)
    about = {
        "can": CAN,
        "qr": QR,
        "authority": base64.b64encode(country.authority.der).decode(),
        "list": base64.b64encode(country.revocation_list()).decode(),
    }
    return made.card(), about


def serve(card, source, sink):
    while head := source.read(2):
        message = source.read(int.from_bytes(head, "big"))
        if message[:1] == b"A":
            answer = card.transceive(message[1:])
            sink.write(len(answer).to_bytes(2, "big") + answer)
            sink.flush()
        else:
            card.reset()
            card.is_.knows_extended = message == b"E"


if __name__ == "__main__":
    card, about = whole_card()
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n")
    sys.stdout.buffer.flush()
    serve(card, sys.stdin.buffer, sys.stdout.buffer)
