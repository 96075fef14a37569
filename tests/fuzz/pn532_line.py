"""Fuzzing of what comes over the serial line of a PN532: frames in any state, and the cards they say they found.

- What is held of a frame that never ends stays small; a frame that is taken for an answer has right checksums and comes back the same.
- Seeds are the frames of a conversation as a board has it.
"""

from __future__ import annotations

from fuzz.targets import committed

INSTRUMENTED = ["edge_agent.chip.pn532"]


def load() -> None:
    import edge_agent.chip.pn532  # noqa: F401


def judge(data: bytes) -> None:
    from edge_agent.chip import pn532

    reader = pn532.FrameReader()
    for start in range(0, len(data), 64):
        for each in reader.take(data[start : start + 64]):
            if each.kind != "answer":
                assert not each.data
                continue
            assert pn532.FrameReader().take(pn532.frame(each.data, direction=pn532.ANSWER_TO_HOST)) == [each]
            back = pn532.exchanged(each.data)
            assert back is None or len(back.data) + 2 == len(each.data)
            for type_b in (False, True):
                target = pn532.target_of(each.data, type_b=type_b)
                assert target is None or len(target.about) <= 255
        assert len(reader.held) <= pn532.LONGEST + 16


def seeds() -> dict[str, bytes]:
    from edge_agent.chip import pn532

    answers = {
        "firmware": "033201 0607",
        "mode": "15",
        "configured": "33",
        "nothing": "4b00",
        "type-a": "4b0101004420 07 00010203040506 067577810280",
        "type-b": "4b0101 505152535455565758595a5b 0100",
        "tag": "4b0101000408 04 01020304",
        "answer": "4100 9000",
        "more": "4140 00112233",
        "gone": "4101",
    }
    found = {name: pn532.frame(bytes.fromhex(text), direction=pn532.ANSWER_TO_HOST) for name, text in answers.items()}
    found["long"] = pn532.frame(b"\x41\x00" + bytes(260), direction=pn532.ANSWER_TO_HOST)
    found["refused"] = pn532.NACK + bytes.fromhex("0000ff01ff7f8100")
    found["conversation"] = pn532.ACK.join(found.values())
    return committed("pn532") | found
