"""Checks of settings that may be traced: what is known is compared, what is not is let through."""

import jax

from aurora_jax.core import Number


def require_miscoverage(value: Number) -> None:
    """Refuse an alpha outside (0, 1).

    Raises:
        ValueError: names the value.
    """
    if not isinstance(value, jax.core.Tracer) and not 0.0 < float(value) < 1.0:
        raise ValueError(f"miscoverage must lie in (0, 1), was {value}.")


def require_positive(**values: Number) -> None:
    """Refuse settings that are not positive.

    Raises:
        ValueError: names the first of them.
    """
    for name, value in values.items():
        if not isinstance(value, jax.core.Tracer) and not float(value) > 0.0:
            raise ValueError(f"{name} must be > 0, was {value}.")
