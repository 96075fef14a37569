"""How commands are told where the broker is: ``host:port``, also with an IPv6 address in brackets.

Example: ``host_port("[::1]:8883") == ("::1", 8883)``
"""

from __future__ import annotations

import typer


def host_port(text: str) -> tuple[str, int]:
    """Read ``host:port``, or refuse it as wrong use."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("write host:port, like 127.0.0.1:8883", param_hint="--broker")
    return host.strip("[]"), int(port)
