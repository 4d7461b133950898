"""What the server writes down: JSON lines on standard error, about itself and never about readers.

Starts, stops, releases that came or were refused, and faults. No addresses of readers, no queries.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

# Said for every malformed request, or reader who left: anybody could fill the disk with it.
_NOISE = (
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "Failed sending message as connection was closed",
)


def configure(process: str) -> None:
    """Lines of this process, those of the libraries' loggers (warnings and worse) among them."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        lambda _logger, _name, event: {"process": process, **event},
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(sort_keys=True)],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    handler.addFilter(lambda record: not record.getMessage().startswith(_NOISE))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # These write plain lines of their own unless told otherwise.
    for name in ("bokeh", "panel"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
