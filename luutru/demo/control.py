"""How another terminal speaks to a running demo: one line each way over a socket in the demo's folder.

- The socket is readable by its owner only; there is no network.
- A line is a command with words (``broker stop``); the answer is one line. Unknown commands are answered, never guessed.

Example: ``ask(layout.control, "broker stop")``
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from residence.errors import LuutruError, Refused

LONGEST_LINE: Final = 1024
ANSWER_SECONDS: Final = 30.0


class ControlSocket:
    """Answers lines in a thread until closed."""

    def __init__(self, path: Path, answer: Callable[[list[str]], str]) -> None:
        self._path = path
        self._answer = answer
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.listen(4)
        self._thread = threading.Thread(target=self._serve, name="demo-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            with connection:
                words = connection.recv(LONGEST_LINE).decode("utf-8", "replace").split()
                try:
                    reply = self._answer(words)
                except LuutruError as error:
                    reply = f"no: {error}"
                connection.sendall(reply.encode() + b"\n")


def ask(path: Path, line: str) -> str:
    """Send one line to a running demo and return its answer, or raise ``Refused("demo.not_running")``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(path))
        except OSError as error:
            raise Refused("demo.not_running", detail=f"no demo answers at {path}; start it with scripts/demo") from error
        connection.sendall(line.encode() + b"\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.decode("utf-8", "replace").strip()
