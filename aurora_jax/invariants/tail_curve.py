"""Tail dependence at several levels, so that a reader sees where it goes."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from aurora_jax.core import Estimate

from .tail_dependence import tail_dependence


class TailDependenceCurve(NamedTuple):
    """Tail dependence against the level it belongs to.

    Attributes:
        quantile: q of each level.
        estimate: `tail_dependence` there.
    """

    quantile: Float[Array, " levels"]
    estimate: Estimate


def tail_dependence_curve(
    x: Float[Array, " steps"],
    y: Float[Array, " steps"],
    *,
    quantiles: tuple[float, ...] = (0.8, 0.9, 0.95, 0.975, 0.99),
) -> TailDependenceCurve:
    r"""Estimate $\chi(q) = P(F_y(Y) > q \mid F_x(X) > q)$ by ranks at several levels.

    Its limit for $q \to 1$ is the coefficient of tail dependence. A curve that keeps falling is a sign that there is
    none: a Gaussian pair of correlation 1/2 has .33 at .9 and .13 at .99.

    Args:
        x: the first series; large is extreme (pass losses).
        y: the second, on the same times.
        quantiles: the levels, each in (0, 1).

    Raises:
        ValueError: if there is no level, one is out of range, or the series differ in length.

    References:
        Coles, Heffernan and Tawn (1999), Extremes 2(4), 339-365, section 2.
    """
    if not quantiles:
        raise ValueError("quantiles must hold at least one level, was ().")
    estimates = [tail_dependence(x, y, quantile=quantile) for quantile in quantiles]
    columns = (jnp.stack(column) for column in zip(*estimates, strict=True))
    return TailDependenceCurve(jnp.asarray(quantiles, float), Estimate(*columns))
