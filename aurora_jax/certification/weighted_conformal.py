"""Split conformal prediction whose scores count less the older they are."""

import jax
import jax.numpy as jnp

from aurora_jax.core import Number

from .split_conformal import AbstractSplitConformal, held_scores


class WeightedConformal(AbstractSplitConformal):
    r"""The quantile of the scores and one infinite score, each weighted by its age.

    $$\hat q = \inf\Bigl\{ q : \sum_{i : s_i \le q} w_i \ge (1 - \alpha) \Bigl(1 + \sum_i w_i\Bigr) \Bigr\},
      \qquad w_i = e^{-\lambda (n + 1 - i)}$$

    The one is the test point's own weight, at age 0, on an atom at infinity. Without exchangeability coverage falls
    short of $1 - \alpha$ by at most $\sum_i \tilde w_i d_{TV}(R, R^i)$, with $\tilde w$ the normalised weights: old
    scores of another law cost little. A decay of 0 is the plain rule. With the effective number of scores
    $\sum_i w_i < (1 - \alpha) / \alpha$ no finite bound can be promised.

    Attributes:
        decay_per_bar: lambda >= 0.

    References:
        Barber, Candès, Ramdas and Tibshirani (2023), Ann. Statist. 51(2), eq. 11 and th. 2; Tibshirani, Barber,
        Candès and Ramdas (2019), NeurIPS, eq. 7 for the atom.
    """

    decay_per_bar: Number = 0.005

    def __check_init__(self):
        if not isinstance(self.decay_per_bar, jax.core.Tracer) and not self.decay_per_bar >= 0.0:
            raise ValueError(f"decay_per_bar must be >= 0, was {self.decay_per_bar}.")

    def quantile(self, scores, *, miscoverage, held=None):
        """Return the weighted bound."""
        size = scores.shape[0]
        known = held_scores(scores, size if held is None else held)
        age = jnp.arange(size, 0, -1, dtype=scores.dtype)
        # What is not held stands at infinity with no weight, behind every score that is.
        weights = jnp.where(jnp.isinf(known) & (known != scores), 0.0, jnp.exp(-self.decay_per_bar * age))
        order = jnp.argsort(known)
        reached = jnp.cumsum(weights[order])
        # 1 - alpha is not exact in binary: the guard is that of `conformal_rank`, as a share of all weight.
        needed = (1.0 - miscoverage) * (1.0 + jnp.sum(weights)) - 1e-9
        ascending = jnp.append(known[order], jnp.inf)
        return ascending[jnp.searchsorted(reached, needed, side="left")]
