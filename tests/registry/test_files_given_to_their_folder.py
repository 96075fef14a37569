"""What root writes belongs to whom the folder belongs, or the process that reads the folder is shut out; and root follows no link laid there."""

import os
import subprocess
import sys

import pytest

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
SOMEBODY = 65534
WRITE = """
import os, sys
from pathlib import Path
from registry.durable_files import append_line, locked, replace_whole, write_new
folder = Path(sys.argv[1])
os.chown(folder, int(sys.argv[2]), int(sys.argv[2]))
write_new(folder / "new", b"1")
replace_whole(folder / "replaced", b"2")
append_line(folder / "lines", b"3")
with locked(folder / "lock"):
    pass
print(*sorted({os.stat(folder / name).st_uid for name in ("new", "replaced", "lines", "lock")}))
(folder / "elsewhere").write_bytes(b"root's own")
(folder / "laid").symlink_to(folder / "elsewhere")
try:
    append_line(folder / "laid", b"4")
except OSError:
    print(os.stat(folder / "elsewhere").st_uid, (folder / "elsewhere").read_text())
"""


@pytest.fixture
def written(tmp_path):
    yield subprocess.run(
        [*AS_ROOT, sys.executable, "-c", WRITE, tmp_path, str(SOMEBODY)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    subprocess.run([*AS_ROOT, "chown", "-R", str(os.geteuid()), tmp_path], check=True)


def test_a_file_root_writes_is_its_folders_owners_and_no_link_is_followed(written):
    assert written == [str(SOMEBODY), "0 root's own"]
