"""Structured logs: one JSON object a line, with a correlation id and without secrets."""

import contextlib
import io
import logging
import math
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog

REDACTED = "[redacted]"

# Parts of words: better to hide an innocent "token_count" than to show a "session_token".
_SECRET_KEY = re.compile(r"token|secret|passw|authorization|api_?-?key|private_?-?key|cookie|credential", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(?i)\b(bearer |basic |(?:token|secret|password|api_?key)=)\s*[^\s&,;]+")


def make_logger(
    name: str, *, stream: TextIO | io.TextIOBase | None = None, level: str = "INFO", **fields: object
) -> Any:
    """Return a logger that writes one JSON object a line; it changes no global setting.

    Each line holds timestamp (UTC, ISO 8601), level, event, logger, the fields bound here or at the call, and those
    of the enclosing `correlation`.

    Args:
        name: of the component.
        stream: to write to; standard error by default.
        level: lowest level written: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        fields: bound to every line, e.g. the config digest.

    Returns:
        A structlog logger (`FilteringBoundLogger`, a protocol that run-time type checks cannot see).

    Raises:
        ValueError: if `level` is not one of these.
    """
    levels = logging.getLevelNamesMapping()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError(f"level must be DEBUG, INFO, WARNING, ERROR or CRITICAL, was {level!r}.")
    logger = structlog.wrap_logger(
        structlog.WriteLogger(cast("TextIO", stream or sys.stderr)),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without locals: a frame may hold a secret under an innocent name.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            _redact,
            structlog.processors.JSONRenderer(sort_keys=True, allow_nan=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(levels[level]),
    )
    return logger.bind(logger=name, **fields)


@contextlib.contextmanager
def correlation(correlation_id: str | None = None, **fields: object) -> Iterator[str]:
    """Bind a correlation id, a fresh one by default, to every line logged inside, on this thread or task.

    Yields:
        The id, to hand to the caller and to whatever is called next.
    """
    correlation_id = correlation_id or uuid.uuid4().hex
    with structlog.contextvars.bound_contextvars(correlation_id=correlation_id, **fields):
        yield correlation_id


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Strip secrets by key and by shape, and make every value exact or plain JSON."""
    return {str(key): _safe(str(key), value) for key, value in event.items()}


def _safe(key: str, value: object) -> object:
    if _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, Mapping):
        return {str(name): _safe(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe("", item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    return _SECRET_TEXT.sub(rf"\1{REDACTED}", str(value))
