"""Validation errors as sentences that name the field and the value found."""

from collections.abc import Sequence
from typing import Any

_SHOWN = 3


def sentences(errors: Sequence[Any]) -> str:
    """Return one line for pydantic's list of errors; of many, the first few."""
    told = "; ".join(_sentence(error) for error in errors[:_SHOWN])
    more = f" ({len(errors) - _SHOWN} more)" if len(errors) > _SHOWN else ""
    return f"{told}.{more}"


def _sentence(error: Any) -> str:
    path = [str(part) for part in error["loc"] if part != "body"]
    field, kind = ".".join(path) or "the body", error["type"]
    match kind:
        case "json_invalid":
            return f"the body is not valid JSON: {error.get('ctx', {}).get('error', error['msg'])}"
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"{field} is not a known field, was {error['input']!r:.80}"
        case "value_error":  # our own validators, which name the value themselves
            return f"{field} {error['ctx']['error']}"
        case _:
            return f"{field}: {error['msg']}, was {error['input']!r:.80}"
