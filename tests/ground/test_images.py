"""Images are named by whole versions and, once a registry of images was asked, by the digest of the bytes it gave."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from archive_parts import luutru

from luutru.releases.images import FILES, LOCK, Image, named, pinned, problems, read_lock, write_lock
from residence.errors import Malformed

ROOT = Path(__file__).resolve().parents[2]
DIGEST = f"sha256:{'a' * 64}"

# how an image is named in a file -> what is said of it, with a lock that knows python:3.11.14-slim
FROM = {
    f"FROM python:3.11.14-slim@{DIGEST} AS wheel": [],
    "FROM python:3.11.14-slim": ["release.image_differs python:3.11.14-slim"],
    f"FROM python:3.11.14-slim@sha256:{'b' * 64}": ["release.image_differs python:3.11.14-slim"],
    "FROM python:3.11.15-slim": ["release.image_unlocked python:3.11.15-slim"],
    "FROM python": ["release.image_floating python"],
    "FROM python:latest": ["release.image_floating python:latest"],
    "FROM python:3-slim": ["release.image_floating python:3-slim"],
    f"FROM python:bookworm@{DIGEST}": ["release.image_floating python:bookworm"],
    "FROM --platform=linux/arm64 python:latest": ["release.image_floating python:latest"],
    "FROM python:${VERSION}": ["release.image_floating python:${VERSION}"],
    "from localhost:5000/python": ["release.image_floating localhost:5000/python"],
    "services:\n  one:\n    image: broker:stable  # as it comes": ["release.image_floating broker:stable"],
    "FROM scratch.example/python:3.11.14-slim AS wheel\nFROM wheel": [
        "release.image_unlocked scratch.example/python:3.11.14-slim"
    ],
}


@pytest.mark.parametrize("text", FROM)
def test_what_may_be_another_image_tomorrow_is_told(text):
    assert problems(named(text), {"python:3.11.14-slim": DIGEST}) == FROM[text]


def test_ours_name_whole_versions_and_stand_in_the_lock():
    found = {each for name in FILES for each in named((ROOT / name).read_text("utf-8"))}
    lock = read_lock((ROOT / LOCK).read_text("utf-8"))
    assert {each.key for each in found} == set(lock)
    assert not [each.key for each in found if each.floats]
    assert all(each.digest == lock[each.key] for each in found)


@pytest.mark.parametrize("text", ["images = 1", "[images", '[images]\n"a:1.2" = "sha256:1"', ""])
def test_a_lock_that_locks_nothing_is_refused(text):
    with pytest.raises(Malformed, match="image_lock"):
        read_lock(text)


def test_a_digest_is_put_behind_its_tag_once_and_nowhere_else():
    lock = {"python:3.11.14-slim": DIGEST}
    text = "FROM python:3.11.14-slim AS python\nFROM python\n# FROM python:3.11.14-slim\n"
    once = pinned(text, lock)
    assert once == text.replace("FROM python:3.11.14-slim AS", f"FROM python:3.11.14-slim@{DIGEST} AS")
    assert pinned(once, lock) == once
    assert read_lock(write_lock(lock)) == lock


class Registry(BaseHTTPRequestHandler):
    """Speaks the pull of a manifest, with a token first, as Docker Hub does."""

    says: str | None = None  # a digest it claims instead of the true one
    asked: list[str]

    def do_GET(self):
        type(self).asked.append(self.path)
        if self.path.startswith("/token?"):
            assert "scope=repository" in self.path
            return self.answer(json.dumps({"token": "anonymous"}).encode())
        if self.headers.get("authorization") != "Bearer anonymous":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"
            asking = f'Bearer realm="{realm}",service="registry",scope="repository:library/x:pull"'
            return self.answer(b"", 401, {"www-authenticate": asking})
        content = manifest(self.path)
        return self.answer(content, 200, {"docker-content-digest": self.says or digest(content)})

    def answer(self, content, status=200, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


def manifest(path: str) -> bytes:
    return json.dumps({"schemaVersion": 2, "of": path}).encode()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def registry(says: str | None = None) -> Iterator[str]:
    kind = type("Kind", (Registry,), {"says": says, "asked": []})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def root(tmp_path) -> Path:
    for name in (*FILES, LOCK):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def looked_at(root: Path, *words: str) -> tuple[int, dict]:
    done = luutru("release", "images", "--root", root, *words)
    return done.exit_code, json.loads(done.stdout)


def test_digests_are_filled_in_from_a_registry_and_then_everything_is_named_by_them(root):
    before = {name: (root / name).read_text("utf-8") for name in FILES}
    with registry() as address:
        status, told = looked_at(root, "--fill", "--mirror", address)
    assert (status, told["problems"]) == (0, [])
    assert looked_at(root)[0] == 0
    lock = read_lock((root / LOCK).read_text("utf-8"))
    assert lock["python:3.11.14-slim-bookworm"] == digest(manifest("/v2/library/python/manifests/3.11.14-slim-bookworm"))
    for name in FILES:
        text = (root / name).read_text("utf-8")
        assert all(each.digest == lock[each.key] for each in named(text))
        assert [each.split("@sha256")[0] for each in text.split() if "@sha256:" in each]
        assert len(text.splitlines()) == len(before[name].splitlines())


def test_a_floating_tag_is_refused_and_never_filled(root):
    dockerfile = root / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text("utf-8").replace("node:22.20.0-bookworm-slim", "node:lts"), "utf-8")
    with registry() as address:
        status, told = looked_at(root, "--fill", "--mirror", address)
    assert (status, told["problems"]) == (1, ["release.image_floating node:lts"])
    assert "node:lts AS" in dockerfile.read_text("utf-8")


@pytest.mark.parametrize(("says", "code"), [(f"sha256:{'0' * 64}", "release.image_digest"), (None, "release.image_unreachable")])
def test_what_was_not_looked_at_is_not_written(root, says, code):
    before = {name: (root / name).read_bytes() for name in (*FILES, LOCK)}
    with registry(says) as address:
        status, told = looked_at(root, "--fill", "--mirror", address if says else "http://127.0.0.1:1")
    assert (status, told["problems"]) == (1, [code])
    assert {name: (root / name).read_bytes() for name in (*FILES, LOCK)} == before


def test_an_image_of_another_registry_is_asked_for_there():
    from luutru.releases.image_registry import address_of

    assert address_of(Image("python", "3.1"), mirror="") == "https://registry-1.docker.io/v2/library/python/manifests/3.1"
    assert address_of(Image("ghcr.io/a/b", "1.2"), mirror="") == "https://ghcr.io/v2/a/b/manifests/1.2"
    assert address_of(Image("a/b", "1.2"), mirror="") == "https://registry-1.docker.io/v2/a/b/manifests/1.2"
