"""Significance by simulation: where does a statistic lie among those of laws that are as forecast?"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, Outcome


class SimulatedTest(NamedTuple):
    """A one-sided test whose null was simulated.

    Attributes:
        statistic: small where the null is wrong.
        p_value: share of simulated statistics as small, the observed one counted among them.
        critical_value: below it, strictly, the null is rejected at the significance asked for.
        outcome: `Outcome` code; with TOO_SHORT nothing was seen, or nothing simulated, that could contradict the null:
            statistic 0, p-value 1.
    """

    statistic: Float[Array, "*batch"]
    p_value: Float[Array, "*batch"]
    critical_value: Float[Array, "*batch"]
    outcome: Int[Array, "*batch"]


def against_simulated(
    statistic: Float[Array, ""],
    null: Float[Array, " draws"],
    *,
    significance: Number,
    defined: Bool[Array, ""] | bool = True,
    null_defined: Bool[Array, " draws"] | None = None,
) -> SimulatedTest:
    r"""Return $(1 + \#\{Z^{(i)} \le Z\}) / (1 + M)$ and the critical value, over the M draws that have a statistic.

    The critical value is the k-th smallest draw, $k = \lfloor (M + 1) s \rfloor$ at significance s, and minus infinity
    if that is none: the p-value is at most s exactly if the statistic lies strictly below it.

    Raises:
        ValueError: if there is no draw or the significance is not in (0, 1).
        RuntimeError: at run time, if a draw is not finite.

    References:
        Davison and Hinkley (1997), Bootstrap Methods and their Application, eq. 4.11.
    """
    if null.size == 0:
        raise ValueError("the null needs at least one simulated draw, held none.")
    if not 0.0 < significance < 1.0:
        raise ValueError(f"significance must lie in (0, 1), was {significance}.")
    usable = jnp.ones(null.shape, bool) if null_defined is None else null_defined
    null = eqx.error_if(null, ~jnp.all(jnp.isfinite(null)), "simulated returns must be finite.")
    draws = jnp.sum(usable, dtype=float)
    defined = defined & (draws > 0.0)
    p_value = (1.0 + jnp.sum(usable & (null <= statistic), dtype=float)) / (1.0 + draws)
    ascending = jnp.sort(jnp.where(usable, null, jnp.inf))
    rank = jnp.floor((draws + 1.0) * significance + 1e-9).astype(int)
    critical = jnp.where(rank > 0, ascending[jnp.maximum(rank - 1, 0)], -jnp.inf)
    return SimulatedTest(
        statistic=jnp.where(defined, statistic, 0.0),
        p_value=jnp.where(defined, p_value, 1.0),
        critical_value=critical,
        outcome=jnp.where(defined, int(Outcome.OK), int(Outcome.TOO_SHORT)),
    )
