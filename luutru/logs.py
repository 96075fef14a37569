"""Logs of the authority's processes: one JSON object per line on stderr, with no personal field in any of them.

- Code logs ids, codes, counts and times; an exception is logged by type and place, never by its text, for that may quote a field.
- Everything goes through ``structlog``.

Example: ``configure_logs()``
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

# structlog loads rich for coloured tracebacks on a terminal, some MiB of every process. Our lines are JSON: while it is loaded, rich is "not there",
# which is what None in this table means to Python.
_modules: dict[str, Any] = vars(sys)["modules"]
_rich = _modules.pop("rich", None)
_modules["rich"] = None
import structlog  # noqa: E402
from structlog.typing import Processor  # noqa: E402

del _modules["rich"]
if _rich is not None:
    _modules["rich"] = _rich


class StderrLogger:
    """Writes each line to what is standard error at that moment."""

    def msg(self, message: str) -> None:
        """Write one line and flush it, so that a kill loses none."""
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - this is where log lines go

    log = debug = info = warning = error = critical = msg


def configure_logs(*, level: int = logging.INFO, also: Sequence[Processor] = ()) -> None:
    """Set the form of all log lines of this process; ``also`` sees each of them before it is written."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *also,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: StderrLogger(),
    )
