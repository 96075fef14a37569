"""A signed repository of settings, made by the same steps as an authority makes it, and a real web server that serves it."""

from __future__ import annotations

import functools
import http.server
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

from edge_agent.configuration.fetching import Fetching
from firmware_config.signed.document import write_document
from firmware_config.signed.paths import document_path
from firmware_config.signed.repository import ConfigurationRepository
from firmware_config.signed.signers import make_signer, public_path, read_public, read_signer

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
KIOSK = "kiosk-lobby-1"
WARD = "ward-01"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """Serve a folder as any web server does; yields its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Authority:
    """Everybody who holds a key, and the repository they made."""

    def __init__(self, folder, *, now=NOW):
        self.folder, self.now = folder, now
        self.repository = ConfigurationRepository(folder / "served")
        (folder / "keys").mkdir(parents=True)
        for name in ("a", "b", "c", "targets", "online", WARD, "ward-02"):
            make_signer(folder / "keys" / name)
        self.repository.stage_root(
            [self.public(each) for each in "abc"], targets=self.public("targets"), online=self.public("online"), now=now
        )
        self.signatures = [self.repository.sign_root(self.key("a")), self.repository.sign_root(self.key("b"))]
        self.repository.begin(targets=self.key("targets"), online=self.key("online"), now=now)
        for ward in (WARD, "ward-02"):
            self.delegate(ward, ward)

    def key(self, name):
        return read_signer(self.folder / "keys" / name)

    def public(self, name):
        return read_public(public_path(self.folder / "keys" / name))

    def delegate(self, ward, key):
        self.repository.delegate(
            ward,
            self.public(key),
            targets=self.key("targets"),
            district_signer=self.key(key),
            online=self.key("online"),
            now=self.now,
        )

    def publish(self, files, *, kiosk=KIOSK, ward=WARD, key=None):
        return self.repository.publish(
            ward,
            {kiosk: write_document(files, release="2026-12")},
            signer=self.key(key or ward),
            online=self.key("online"),
            now=self.now,
        )

    def put(self, path, data, *, ward=WARD):
        return self.repository.put(ward, {path: data}, signer=self.key(ward), online=self.key("online"), now=self.now)

    @property
    def root(self):
        return (self.repository.metadata / "1.root.json").read_bytes()

    def client(self, folder, url, *, kiosk=KIOSK, ward=WARD):
        return Fetching(folder, url=url, root=self.root, path=document_path(ward, kiosk))
