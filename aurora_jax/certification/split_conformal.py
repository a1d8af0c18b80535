"""Split conformal prediction: which order statistic of past scores bounds the next one."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from aurora_jax.core import Number


class AbstractSplitConformal(eqx.Module):
    """A bound for the next score from a set of past ones, in order of arrival."""

    @abc.abstractmethod
    def quantile(
        self, scores: Float[Array, " scores"], *, miscoverage: Number, held: Int[Array, ""] | int | None = None
    ) -> Float[Array, ""]:
        """Return the score bound; +inf if there are too few scores to promise a finite one.

        Args:
            scores: non-negative conformity scores |y - forecast| / scale, the oldest first.
            miscoverage: alpha in (0, 1).
            held: how many scores there are, the last ones of `scores`; all of them if None. Places before are ignored,
                so that a window that is not full yet has the shape of a full one.
        """


class PlainConformal(AbstractSplitConformal):
    """The `conformal_rank`-th smallest score: exact where scores are exchangeable."""

    def quantile(self, scores, *, miscoverage, held=None):
        """Return the finite-sample bound, as `split_quantile`."""
        size = scores.shape[0] if held is None else held
        ascending = jnp.append(jnp.sort(held_scores(scores, size)), jnp.inf)
        return ascending[jnp.clip(conformal_rank(size, miscoverage), 1, scores.shape[0] + 1) - 1]


def conformal_rank(count: Int[Array, ""] | int, miscoverage: Number) -> Int[Array, ""]:
    r"""Return the rank of the score bound that a fresh exchangeable score respects.

    $$k = \lceil (n + 1)(1 - \alpha) \rceil$$

    Covers with probability k / (n + 1) >= 1 - alpha on average over calibration sets, and conditionally with
    probability Beta(k, n + 1 - k) where scores have no ties. A rank above `count` means that no finite bound can
    be promised.

    References:
        Vovk (2012), Conditional validity of inductive conformal predictors, prop. 2b.
    """
    exact = (jnp.asarray(count, float) + 1.0) * (1.0 - miscoverage)
    # 1 - alpha is not exact in binary: without the guard 100 * (1 - 0.41) would round up to 60.
    return jnp.ceil(exact - 1e-9).astype(int)


def split_quantile(scores: Float[Array, " scores"], *, miscoverage: Number) -> Float[Array, ""]:
    """Return the finite-sample score bound: the `conformal_rank`-th smallest score, +inf if there are too few.

    Args:
        scores: non-negative conformity scores |y - forecast| / scale, in any order.
        miscoverage: alpha in (0, 1).
    """
    return PlainConformal().quantile(scores, miscoverage=miscoverage)


def held_scores(scores: Float[Array, " scores"], held: Int[Array, ""] | int) -> Float[Array, " scores"]:
    """Return the scores with +inf in the places before the last `held`."""
    return jnp.where(jnp.arange(scores.shape[0]) >= scores.shape[0] - held, scores, jnp.inf)
