"""What of a chip travels inside a declaration: enough to judge it again from its bytes, and no more (ADR 49).

- It carries EF.SOD, DG1, DG14, DG15, what the chip offered, and the answers of Chip and Active Authentication. DG2 is no part of it, and neither
  is DG13: it names religion, ethnicity and parents, and nobody needs them to judge the chip.
- A signature of Active Authentication travels without its challenge: whoever judges makes it anew from the kiosk and the declaration, so one
  that was made for another declaration does not hold.
- At most ``MOST_BYTES``, for a declaration has 10 KiB in all. What is given up first: the mapping's proof, then Active Authentication, then all.
- ``findings`` are codes the kiosk found, also about what does not travel; they are its word, and can only lower what is shown.

Example: ``as_capture(carried(capture, findings=()), bound_to=binding("kiosk-1", declaration_id))``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from residence.credentials.chip.capture import Access, ActiveTranscript, Capture, ChipTranscript, MappingProof

MOST_BYTES: Final = 5 * 1024
MOST_FINDINGS: Final = 12
_MOST_ATTEMPTS: Final = 8
_LONGEST_WORD: Final = 64
_TRAVEL: Final = {"SOD": "sod", "DG1": "dg1", "DG14": "dg14", "DG15": "dg15"}


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """That the person said yes before their chip was read: which words they were shown, and when."""

    text: str
    at: str


class ChipEvidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chip's evidence as a declaration carries it; bytes are base64 in JSON."""

    access: Access = Access()
    sod: bytes = b""
    dg1: bytes = b""
    dg14: bytes = b""
    dg15: bytes = b""
    card_access: bytes = b""
    card_security: bytes = b""
    chip: ChipTranscript | None = None
    chip_refused: str = ""
    active_signature: bytes = b""
    active_refused: str = ""
    mapping: MappingProof | None = None
    findings: tuple[str, ...] = ()
    trust_version: int = 0  # of the bundle the kiosk judged by
    consent: Consent | None = None  # None: nobody had to ask, for a state body runs the kiosk

    @property
    def size(self) -> int:
        """Return how many bytes it carries."""
        parts = [getattr(self, name) for name in (*_TRAVEL.values(), "card_access", "card_security", "active_signature")]
        proofs = [self.chip.ephemeral, self.chip.answer] if self.chip else []
        mapping = [self.mapping.mapping_key, self.mapping.proof] if self.mapping else []
        return sum(map(len, (*parts, *proofs, *mapping)))


def binding(kiosk_id: str, declaration_id: str) -> tuple[bytes, ...]:
    """Return what a chip's signature is bound to: this kiosk and this declaration."""
    return kiosk_id.encode(), declaration_id.encode()


def carried(capture: Capture, *, findings: Sequence[str], trust_version: int = 0) -> ChipEvidence:
    """Return what travels of a capture, cut down step by step until it fits."""
    access = msgspec.structs.replace(capture.access, attempts=capture.access.attempts[:_MOST_ATTEMPTS])
    whole = ChipEvidence(
        access=access,
        sod=capture.files.get("SOD", b""),
        dg1=capture.files.get("DG1", b""),
        dg14=capture.files.get("DG14", b""),
        dg15=capture.files.get("DG15", b""),
        card_access=capture.card_access,
        card_security=capture.card_security,
        chip=capture.chip,
        chip_refused=capture.chip_refused[:_LONGEST_WORD],
        active_signature=capture.active.signature if capture.active else b"",
        active_refused=capture.active_refused[:_LONGEST_WORD],
        mapping=capture.mapping,
        findings=tuple(dict.fromkeys(findings))[:MOST_FINDINGS],
        trust_version=trust_version,
    )
    unmapped = msgspec.structs.replace(whole, mapping=None, card_security=b"")
    unsigned = msgspec.structs.replace(unmapped, dg15=b"", active_signature=b"", active_refused="")
    bare = ChipEvidence(access=access, findings=whole.findings, trust_version=trust_version)
    return next((each for each in (whole, unmapped, unsigned) if each.size <= MOST_BYTES), bare)


def as_capture(evidence: ChipEvidence, *, bound_to: tuple[bytes, ...]) -> Capture:
    """Return the evidence as ``verdict.judge`` takes it, its signature bound to this kiosk and declaration."""
    files = {name: raw for name, where in _TRAVEL.items() if (raw := getattr(evidence, where))}
    signature = evidence.active_signature
    return Capture(
        access=evidence.access,
        card_access=evidence.card_access,
        card_security=evidence.card_security,
        files=files,
        chip=evidence.chip,
        chip_refused=evidence.chip_refused,
        active=ActiveTranscript(bound_to=bound_to, signature=signature) if signature else None,
        active_refused=evidence.active_refused,
        mapping=evidence.mapping,
    )
