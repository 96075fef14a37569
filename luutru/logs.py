"""Logs of the authority's processes: one JSON object per line on stderr, with no personal field in any of them.

- Code logs ids, codes, counts and times; an exception is logged by type and place, never by its text, for that may quote a field.
- Everything goes through ``structlog``; libraries may warn through ``logging`` and come out in the same form.

Example: ``configure_logs(json=True)``
"""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(*, json: bool = True, level: int = logging.INFO) -> None:
    """Set the form of all log lines of this process."""
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format='{"level": "%(levelname)s", "logger": "%(name)s"}')
