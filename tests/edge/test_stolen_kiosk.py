"""What a thief of a kiosk finds: the search itself finds every dress of a planted word, and a crash leaves no picture of the memory."""

import base64
import gzip
import json
import lzma
import os
import subprocess
import sys
import textwrap
import zlib

import pytest
from factories import make_declaration
from kiosk_parts import KEYS, make_outbox
from traces import traces

NAME = "Trần Văn An"
DRESSES = {
    "plain": lambda data: data,
    "UTF-16": lambda data: data.decode().encode("utf-16-le"),
    "escaped, as in JSON": lambda data: json.dumps(data.decode()).encode(),
    "base64": base64.b64encode,
    "base64, one letter on": lambda data: base64.b64encode(b"x" + data),
    "base64 for addresses": lambda data: base64.urlsafe_b64encode(b"xy" + data),
    "hexadecimal": lambda data: data.hex().encode(),
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zlib in base64": lambda data: base64.b64encode(zlib.compress(data)),
    "hexadecimal in gzip": lambda data: gzip.compress(data.hex().encode()),
}


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
def test_the_search_finds_a_planted_name_in_every_dress(dress):
    text = f"guest {NAME} of unit 12".encode()
    heap = os.urandom(3000) + dress(text) + b"\x00" + os.urandom(3000)
    assert traces(heap, [NAME, "Nguyễn Thị Bình"]) == {NAME}


def test_after_fifty_check_ins_database_journal_and_whatever_lies_beside_them_say_nothing(tmp_path):
    outbox = make_outbox(tmp_path / "kiosk.db")
    people = [make_declaration(unit=f"A-12{number:02d}-Hòa") for number in range(50)]
    for each in people:
        outbox.keep(each)
    before = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    outbox.close()
    after = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    planted = {people[0].person.full_name, "001095000117", "1995-02-01", *(each.unit for each in people)}
    assert traces(before + after, planted) == set()
    assert KEYS.seal.private.private_bytes_raw() not in before + after, "nor the key that would open it"


def test_a_crash_writes_no_memory_to_disk(tmp_path):
    code = textwrap.dedent(
        """
        import ctypes, os, resource
        resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)
        from luutru.system import no_core_dumps
        no_core_dumps()
        print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
        os.abort()
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "(0, 0) 0\n", done.stderr
    assert list(tmp_path.iterdir()) == []
