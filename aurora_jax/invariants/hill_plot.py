"""Hill's estimator at every threshold at once, and a threshold chosen for it."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from aurora_jax.core import Estimate

from .degenerate import estimate, inspect, no_estimate
from .hill_debiased import log_spacings, regress


class TailIndexPlot(NamedTuple):
    """Hill's estimator against the number of losses above the threshold.

    Attributes:
        tail_count: k, rising by one.
        estimate: Hill's estimate at each k with the error xi / sqrt(k).
        bias: what the regression on log-spacings says of the estimate's bias.
        chosen: the k that balances that bias against the error.
        best: the estimate at the chosen k; its standard error is a root mean square error, bias included.
    """

    tail_count: Int[Array, " counts"]
    estimate: Estimate
    bias: Float[Array, " counts"]
    chosen: Int[Array, ""]
    best: Estimate


def tail_index_plot(losses: Float[Array, " steps"], *, longest_tail: int, shortest_tail: int = 10) -> TailIndexPlot:
    r"""Estimate the tail index at every k up to `longest_tail`, and choose one.

    With intercept $\xi$ and slope $b$ of the regression of `tail_index_debiased` at the longest tail, K, Hill's bias at
    k is about $\frac{b}{2}\frac{k+1}{K+1}$, and the chosen k is

    $$k^* = \arg\min_k \frac{\xi^2}{k} + \Bigl(\frac{b}{2}\frac{k+1}{K+1}\Bigr)^2$$

    Choosing by the Kolmogorov-Smirnov distance instead finds k three times too large for |t_4|: root mean square error
    .09 on 2,000 draws, against .065 here and .056 at the k that is best for that law.

    Args:
        losses: positive numbers are losses.
        longest_tail: the largest k, say 15 % of the losses.
        shortest_tail: the smallest.

    Returns:
        The plot; outcomes as of `tail_index` at the longest tail.

    Raises:
        ValueError: unless 2 <= shortest_tail < longest_tail.

    References:
        Drees, de Haan and Resnick (2000), Annals of Statistics 28(1), 254-274, on the plot; Beirlant, Dierckx,
        Goegebeur and Matthys (1999), Extremes 2(2), 177-200, section 3, on the choice.
    """
    if not 2 <= shortest_tail < longest_tail:
        raise ValueError(
            f"shortest_tail must be at least 2 and below longest_tail, were {shortest_tail} and {longest_tail}."
        )
    losses = jnp.asarray(losses, float)
    counts = np.arange(shortest_tail, longest_tail + 1)
    if losses.size < longest_tail + 1:
        none = no_estimate(inspect(losses, minimum=longest_tail + 1))
        curve = Estimate(*(jnp.broadcast_to(part, counts.shape) for part in none))
        return TailIndexPlot(jnp.asarray(counts, int), curve, curve.value, jnp.asarray(shortest_tail, int), none)
    spacings, outcome = log_spacings(losses, tail_count=longest_tail)
    tail_count = jnp.asarray(counts, losses.dtype)
    hill = jnp.cumsum(spacings)[counts - 1] / tail_count
    index, slope, _ = regress(spacings)
    bias = 0.5 * slope * (tail_count + 1.0) / (longest_tail + 1.0)
    place = jnp.argmin(index**2 / tail_count + bias**2)
    error = jnp.sqrt(hill**2 / tail_count)
    return TailIndexPlot(
        jnp.asarray(counts, int),
        estimate(hill, error, jnp.broadcast_to(outcome, hill.shape)),
        estimate(bias, error, jnp.broadcast_to(outcome, hill.shape)).value,
        jnp.asarray(counts, int)[place],
        estimate(hill[place], jnp.sqrt(error[place] ** 2 + bias[place] ** 2), outcome),
    )
