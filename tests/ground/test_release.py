"""A release is built the same twice, says what is in it, and whoever gets it sees whether it is what was built."""

from __future__ import annotations

import json
import shutil
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from archive_parts import luutru

from luutru.releases.auditing import asking, audit
from luutru.releases.bill import bill_of
from luutru.releases.building import NOT_SHIPPED, locked
from luutru.releases.locked import read_npm, read_requirements
from luutru.releases.manifest import Listed, Release, sign
from residence.clock import parse_instant
from residence.errors import Malformed
from residence.transparency.notes import LOG, Signer

ROOT = Path(__file__).resolve().parents[2]
HASH = "0" * 64


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two releases of the same commit, one after the other, and the public key."""
    folder = tmp_path_factory.mktemp("release")
    made = luutru("release", "key", "--name", "example.org/releases", "--key-file", folder / "release.key")
    (folder / "release.pub").write_text(json.loads(made.stdout)["key"], "utf-8")
    for name in ("one", "two"):
        done = luutru("release", "build", folder / name, "--root", ROOT, "--key-file", folder / "release.key")
        assert done.exit_code == 0, done.output
    return folder


def test_two_builds_of_a_commit_are_the_same_byte_by_byte(built):
    one, two = ({path.name: path.read_bytes() for path in (built / name).iterdir()} for name in ("one", "two"))
    assert one == two
    wheel = next(path for path in (built / "one").glob("*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert {"luutru/__main__.py", "server/static/vendor/htmx/htmx.min.js", "registry/retention_policy.toml"} <= set(names)


def verified(folder: Path, key: Path) -> tuple[int, list[str]]:
    done = luutru("release", "verify", folder, "--key", key)
    return done.exit_code, json.loads(done.stdout)["problems"] if done.exit_code else []


def rewrite_the_list(folder: Path) -> None:
    """What somebody without the key can do at most: a list of their own, by a key of the same name."""
    text = (folder / "release.txt").read_text("utf-8").partition("\n\n")[0] + "\n"
    own = Signer("example.org/releases", LOG, bytes(32))
    (folder / "release.txt").write_text(f"{text}\n{own.sign(text)}", "utf-8")


HARMS = {
    "a file is changed": (lambda folder: (folder / "sbom.cdx.json").write_bytes(b"{}"), "release.changed sbom.cdx.json"),
    "a file is missing": (
        lambda folder: (folder / "requirements-kiosk.txt").unlink(),
        "release.missing requirements-kiosk.txt",
    ),
    "a file is added": (lambda folder: (folder / "more.whl").write_bytes(b""), "release.unlisted more.whl"),
    "the list is changed": (
        lambda folder: (folder / "release.txt").write_text((folder / "release.txt").read_text("utf-8").replace("a", "b", 1)),
        "log.signature_bad",
    ),
    "the list is another's": (rewrite_the_list, "log.unsigned"),
    "there is no list": (lambda folder: (folder / "release.txt").unlink(), "release.manifest"),
}


def test_whatever_was_done_to_a_release_is_seen(built, tmp_path):
    assert verified(built / "one", built / "release.pub") == (0, [])
    for at, (what, (harm, said)) in enumerate(HARMS.items()):
        shutil.copytree(built / "one", tmp_path / str(at))
        harm(tmp_path / str(at))
        assert verified(tmp_path / str(at), built / "release.pub") == (1, [said]), what


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "two words", "line\nbreak"])
def test_a_list_names_plain_files_only(name):
    signer = Signer("example.org/releases", LOG, bytes(32))
    with pytest.raises(Malformed, match="manifest"):
        sign(Release(version="1", commit="c", files={name: Listed(sha256=HASH, bytes=1)}), signer)


def test_the_bill_names_what_every_process_installs_with_hashes(built):
    bill = json.loads((built / "one" / "sbom.cdx.json").read_text("utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    by_purl = {each["purl"]: each for each in bill["components"]}
    assert len(by_purl) == len(bill["components"])
    for lock in (ROOT / "requirements").glob("*.txt"):
        for line in lock.read_text("utf-8").splitlines():
            if "==" in line and not line.startswith((" ", "#")):
                name, version = line.split(";")[0].rstrip(" \\").split("==")
                component = by_purl[f"pkg:pypi/{name.split('[')[0]}@{version.strip()}"]
                assert {"name": "luutru:lock", "value": f"requirements/{lock.name}"} in component["properties"]
                assert component["scope"] == "required" or lock.name in NOT_SHIPPED
    assert all(each["hashes"] for each in bill["components"])
    assert by_purl["pkg:npm/%40noble/ed25519@3.2.0"]["scope"] == "required"
    assert by_purl["pkg:npm/axe-core@4.14.1"]["scope"] == "excluded"


UNLOCKED = {
    "no hash": "alpha==1.0\n",
    "no version": f"alpha>=1.0 \\\n    --hash=sha256:{HASH}\n",
    "an address": f"alpha @ https://example.org/a.whl \\\n    --hash=sha256:{HASH}\n",
    "another index": "--index-url https://example.org\n",
    "one of two without": f"alpha==1.0 \\\n    --hash=sha256:{HASH}\nbeta==2.0\n",
}


@pytest.mark.parametrize("what", UNLOCKED)
def test_a_lock_file_that_does_not_lock_is_refused(what):
    with pytest.raises(Malformed, match="unlocked"):
        read_requirements(UNLOCKED[what], "requirements/x.txt")


def test_an_npm_package_without_integrity_is_refused():
    with pytest.raises(Malformed, match="unlocked"):
        read_npm(b'{"packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}', "package-lock.json")


def test_the_same_lock_files_give_the_same_bill():
    at, components = parse_instant("2026-07-10T00:00:00Z"), locked(ROOT)
    assert bill_of(components, version="1", made_at=at) == bill_of(list(locked(ROOT)), version="1", made_at=at)
    assert bill_of(components[1:], version="1", made_at=at) != bill_of(components, version="1", made_at=at)


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does (``POST /v1/querybatch``): one result for each query, in order."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
        bad = "pkg:pypi/msgspec@"
        results = [{"vulns": [{"id": "OSV-1"}]} if each["package"]["purl"].startswith(bad) else {} for each in asked]
        body = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_what_is_known_of_a_pinned_package_is_told_and_out_of_reach_is_no_answer():
    with HTTPServer(("127.0.0.1", 0), Database) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        done = luutru("release", "audit", "--root", ROOT, "--address", address)
        server.shutdown()
    told = json.loads(done.stdout)
    assert (done.exit_code, told["asked"]) == (1, True)
    assert [(each["purl"].partition("@")[0], each["ids"]) for each in told["vulnerable"]] == [("pkg:pypi/msgspec", ["OSV-1"])]
    silent = audit(locked(ROOT), asking(address))
    assert (silent["asked"], silent["vulnerable"]) == (False, [])
