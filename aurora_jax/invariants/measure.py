"""All invariants of a market at once."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Invariants, Outcome

from .degenerate import estimate, finite, inspect, no_estimate, unless
from .extremal_index import extremal_index
from .hill import tail_index
from .hurst import hurst_exponent
from .jackknife import BLOCKS, jackknife_error, leave_one_out
from .tail_dependence import exceedances, joint_share, tail_size


def _mean_tail_dependence(losses: Float[Array, "steps assets"], *, quantile: float) -> Estimate:
    """Return tail dependence averaged over pairs of assets, with a jackknife error.

    Thresholds are those of the whole sample; leaving out times keeps the pairs' dependence on each other.
    """
    steps, assets = losses.shape
    count = tail_size(steps, quantile)
    if assets < 2 or count < BLOCKS:
        return no_estimate(Outcome.TOO_SHORT)
    per_asset = jax.vmap(lambda series: inspect(series, minimum=count + 1), in_axes=1)(losses)
    exceeds = jax.vmap(lambda series: exceedances(series, count=count), in_axes=1, out_axes=1)(finite(losses))
    # A constant asset next to one with NaN: report the NaN (the larger code), the graver of the two.
    outcome = unless(jnp.max(per_asset), jnp.any(jnp.sum(exceeds, axis=0) == 0), Outcome.CONSTANT)

    first, second = np.triu_indices(assets, 1)
    series = exceeds.astype(losses.dtype)
    joint = series[:, first] * series[:, second]

    def average(joint, marginal):
        return jnp.mean(joint_share(joint, marginal[first], marginal[second]))

    error = jackknife_error(jax.vmap(average)(leave_one_out(joint), leave_one_out(series)))
    return estimate(average(jnp.sum(joint, axis=0), jnp.sum(series, axis=0)), error, outcome)


def measure(
    returns: Float[Array, "steps assets"],
    *,
    tail_share: float = 0.025,
    extreme_quantile: float = 0.95,
    run_length: int = 1,
) -> Invariants:
    """Measure the invariants that a synthetic market must share with the real one.

    Conventions, the same for real and synthetic returns, so that what bias they have cancels in a comparison:

    * hurst: Whittle's H of the equal-weight mean of the assets' returns; error from Fisher's information.
    * tail_index: Hill's xi of the losses of that mean, over the largest `tail_share` of steps but at least 10;
      error xi / sqrt(k).
    * extremal_index: K-gaps of those losses above their `extreme_quantile`, K = `run_length`; error by a
      jackknife over ten blocks of time.
    * tail_dependence: joint losses above each asset's own `extreme_quantile`, averaged over all pairs of assets; error
      by the same jackknife. TOO_SHORT with one asset, or with fewer than 10 exceedances.

    Each has its own outcome; what can be measured is, whatever becomes of the others. `cross_check` adds every other
    estimator of each.

    Args:
        returns: log returns; a loss is a negative one.
        tail_share: in (0, 1).
        extreme_quantile: in (0, 1).
        run_length: at least 0.

    Raises:
        ValueError: if `returns` is empty or a setting is out of range.
    """
    if returns.size == 0:
        raise ValueError(f"returns must not be empty, had shape {returns.shape}.")
    if not 0.0 < tail_share < 1.0:
        raise ValueError(f"tail_share must lie in (0, 1), was {tail_share}.")
    returns = jnp.asarray(returns, float)
    steps = returns.shape[0]
    tail_count = max(10, tail_size(steps, 1.0 - tail_share))
    market = jnp.mean(returns, axis=1)
    extreme = tail_size(steps, extreme_quantile)
    threshold = lax.top_k(-finite(market), extreme + 1)[0][-1]
    return Invariants(
        hurst=hurst_exponent(market),
        tail_index=tail_index(-market, tail_count=tail_count),
        extremal_index=extremal_index(-market, threshold=threshold, run_length=run_length),
        tail_dependence=_mean_tail_dependence(-returns, quantile=extreme_quantile),
    )
