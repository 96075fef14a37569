"""The places a root can be kept in, each as its makers run it: a file, a SoftHSM token, a software TPM."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.root_keepers import KeeperSettings

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
TOKEN, PIN = "luutru-test", "2468"
CONFIGURATION = "SOFTHSM2_CONF"


@contextmanager
def soft_token(folder: Path, vault: Path) -> Iterator[KeeperSettings]:
    """Give the settings of a new token; its PIN stands in a file beside the vault."""
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    before = os.environ.get(CONFIGURATION)
    os.environ[CONFIGURATION] = str(folder / "softhsm2.conf")
    try:
        made = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", "1357"]
        subprocess.run(made, check=True, capture_output=True)
        forget_module()
        (folder / "pin").write_text(PIN + "\n")
        yield KeeperSettings(kind="pkcs11", module=str(MODULE), token=TOKEN, pin_file=str(folder / "pin"))
    finally:
        if before is None:
            del os.environ[CONFIGURATION]
        else:
            os.environ[CONFIGURATION] = before
        forget_module()


def forget_module() -> None:
    """Let the library look for its tokens anew: it reads its configuration when it is opened."""
    import pkcs11

    library = pkcs11.lib(str(MODULE))
    library.reinitialize()


@contextmanager
def soft_tpm(folder: Path) -> Iterator[KeeperSettings]:
    """Give the settings of a new software TPM that listens on two ports of this machine."""
    state = folder / "tpm"
    state.mkdir(parents=True)
    port = _two_ports()
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--flags", "startup-clear"]
    command += ["--server", f"type=tcp,port={port},bindaddr=127.0.0.1", "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_for(port, process)
        (folder / "password").write_text(secrets.token_hex(8) + "\n")
        yield KeeperSettings(kind="tpm", tcti=f"swtpm:host=127.0.0.1,port={port}", pin_file=str(folder / "password"))
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def _two_ports() -> int:
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def _wait_for(port: int, process: subprocess.Popen) -> None:
    """Wait for the control port: a connection to the other one would be taken for a client of the TPM."""
    for _ in range(200):
        if process.poll() is not None:
            raise AssertionError(process.stderr.read().decode())
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port + 1)) == 0:
                return
        _pause(process)
    raise AssertionError("the TPM does not listen")


def _pause(process: subprocess.Popen) -> None:
    try:
        process.wait(0.02)
    except subprocess.TimeoutExpired:
        return
