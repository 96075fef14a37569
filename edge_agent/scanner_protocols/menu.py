r"""Menu commands of Honeywell-type scanners: ``SYN M CR``, a tag with its data, and a mark that says where it is kept.

- ``.`` keeps the setting over a power cut, ``!`` until then. Several commands are joined with ``;``.
- ``?`` in place of the data asks for the present value; the answer repeats the tag with the value before the status.
- The scanner repeats the command and puts the status before each mark: ``06`` done, ``05`` no such tag, ``15`` data out of range.
- Tags are not case-sensitive. The mark after the status is not sent by all models, so it is taken when it is there.

>>> command("232BAD", "9")
b'\x16M\r232BAD9.'
>>> cut_reply(b"232BAD9\x06.").reply
Reply(data=b'232BAD9', error='')
"""

from __future__ import annotations

import re
from typing import Final

from edge_agent.scanner_protocols.replies import Cut, Reply

PREFIX: Final = b"\x16M\r"
_STATUS: Final = {b"\x06": "", b"\x05": "scanner.command_refused", b"\x15": "scanner.command_refused"}
_ANSWER: Final = re.compile(rb"(?P<said>[^\x05\x06\x15]*)(?P<status>[\x05\x06\x15])(?P<mark>[.!,;]?)")
_WORD: Final = re.compile(rb"[0-9A-Za-z_?^*]{3,64}\Z")
_LONGEST: Final = 200


def command(tag: str, data: str = "", *, before: str = "") -> bytes:
    """Return the bytes that set one thing for good, after ``before`` when that must go first."""
    return PREFIX + (f"{before};" if before else "").encode("ascii") + f"{tag}{data}.".encode("ascii")


def question(tag: str) -> bytes:
    """Return the bytes that ask for the present value of a tag."""
    return PREFIX + f"{tag}?.".encode("ascii")


def cut_reply(buffer: bytes, *, whole: bool = False) -> Cut:
    """Find the last status of the first answer. The word before it is the answer, all else somebody's code; ``whole``: all of it is."""
    found = _ANSWER.match(buffer)
    while found is not None and found["mark"] in {b";", b","} and not _STATUS[found["status"]]:
        found = _ANSWER.match(buffer, found.end())  # one of several commands is done; the answer is the last one's
    if found is None:
        begins = 0 if whole else max(0, len(buffer) - _LONGEST)
        return Cut(stray=buffer[:begins], rest=buffer[begins:])
    said = found["said"]
    word = _WORD.search(said)
    begins = 0 if whole else word.start() if word else len(said)
    return Cut(reply=Reply(data=said[begins:], error=_STATUS[found["status"]]), stray=said[:begins], rest=buffer[found.end() :])
