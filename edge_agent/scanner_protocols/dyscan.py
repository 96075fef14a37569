r"""The command protocol of DYScan engines (DE2120, DE2290): a word between ``^_^`` and a full stop, answered by one byte.

- ``06`` is done, ``15`` is refused. Text before the answer byte is the answer's text (the version).
- No command asks for a setting. What was acknowledged counts as set; a later change cannot be seen.
- ``06`` and ``15`` are control characters: no card's text holds them.

>>> command("232UTF", "1")
b'^_^232UTF1.'
>>> cut_reply(b"DE2120 V1.0\x06").reply
Reply(data=b'DE2120 V1.0', error='')
"""

from __future__ import annotations

import re
from typing import Final

from edge_agent.scanner_protocols.replies import Cut, Reply

ACK: Final = b"\x06"
NAK: Final = b"\x15"
_ANSWER: Final = re.compile(rb"[\x06\x15]")
_LONGEST: Final = 200


def command(tag: str, data: str = "") -> bytes:
    """Return the bytes of one command."""
    return b"^_^" + f"{tag}{data}".encode("ascii") + b"."


def cut_reply(buffer: bytes) -> Cut:
    """Find the first answer byte; what stands before it on the same line is its text, whole lines are somebody's code."""
    found = _ANSWER.search(buffer)
    begins = max(buffer.rfind(end, 0, found.start() if found else len(buffer)) for end in (b"\r", b"\n")) + 1
    if found is None:
        begins = max(begins, len(buffer) - _LONGEST)
        return Cut(stray=buffer[:begins], rest=buffer[begins:])
    error = "" if found.group() == ACK else "scanner.command_refused"
    reply = Reply(data=buffer[begins : found.start()], error=error)
    return Cut(reply=reply, stray=buffer[:begins], rest=buffer[found.end() :])
