"""Bayesian online change-point detection with a Gaussian of unknown mean and variance."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.nn import logsumexp
from jaxtyping import Array, Float
from scipy.special import gammaln

from ..core import Number


class ChangePointState(NamedTuple):
    """What the next bar needs to know: for each run length, its probability and its posterior.

    Attributes:
        log_probabilities: of the run lengths 0, 1, ...; the last stands for all longer ones.
        mean: posterior mean.
        scale: of the inverse gamma law of the variance; its shape, and what the mean is worth, follow from the length.
    """

    log_probabilities: Float[Array, " lengths"]
    mean: Float[Array, " lengths"]
    scale: Float[Array, " lengths"]


class ChangePointInfo(NamedTuple):
    """What a reader needs to know of one bar.

    Attributes:
        probabilities: of the run lengths after this bar; 0 is a change right after it.
        recent: probability that the run is shorter than `recent_bars`, the change that may come next left out.
        expected_bars: expected run length.
    """

    probabilities: Float[Array, " lengths"]
    recent: Float[Array, ""]
    expected_bars: Float[Array, ""]


class ChangePoint(eqx.Module):
    r"""Keeps the posterior of the bars since the last change, by the recursion of Adams and MacKay.

    $$P(r_t = r + 1, x_{1:t}) = P(r_{t-1} = r, x_{1:t-1}) \pi^{(r)}_t (1 - H), \quad
      P(r_t = 0, x_{1:t}) = \sum_r P(r_{t-1} = r, x_{1:t-1}) \pi^{(r)}_t H$$

    with the Student-t predictive density $\pi^{(r)}_t$ of r independent normal observations under a
    normal-inverse-gamma prior.

    Attributes:
        hazard: H, probability of a change on each bar.
        lengths: run lengths that are told apart.
        recent_bars: run length below which a change counts as recent.
        prior_mean: of the mean.
        prior_strength: observations that it is worth.
        prior_shape: of the variance.
        prior_scale: likewise.

    References:
        Adams and MacKay (2007), arXiv:0710.3742, algorithm 1; Murphy (2007), Conjugate Bayesian analysis of the
        Gaussian distribution, eq. 85-89 and 100.
    """

    hazard: float = 1e-3
    lengths: int = eqx.field(static=True, default=400)
    recent_bars: int = eqx.field(static=True, default=25)
    prior_mean: float = 0.0
    prior_strength: float = 0.1
    prior_shape: float = 1.0
    prior_scale: float = 1.0

    def __check_init__(self):
        if not 0.0 < self.hazard < 1.0:
            raise ValueError(f"hazard must lie in (0, 1), was {self.hazard}.")
        if not 2 <= self.recent_bars < self.lengths:
            raise ValueError(f"recent_bars must lie in [2, lengths = {self.lengths}), was {self.recent_bars}.")

    def init(self) -> ChangePointState:
        """Start right after a change."""
        return ChangePointState(
            jnp.full(self.lengths, -jnp.inf).at[0].set(0.0),
            jnp.full(self.lengths, self.prior_mean),
            jnp.full(self.lengths, self.prior_scale),
        )

    def step(self, state: ChangePointState, value: Number) -> tuple[ChangePointState, ChangePointInfo]:
        """Advance one bar."""
        mean, scale = state.mean, state.scale
        run = np.arange(self.lengths, dtype=float)
        strength, shape = jnp.asarray(self.prior_strength + run), self.prior_shape + 0.5 * run
        joint = state.log_probabilities + _student_t(value, mean, strength, shape, scale)
        changed = logsumexp(joint) + jnp.log(self.hazard)
        grown = joint + jnp.log1p(-self.hazard)
        last = jnp.logaddexp(grown[-2], grown[-1])
        moved = jnp.concatenate([changed[None], grown[:-2], last[None]])
        moved = moved - logsumexp(moved)
        after = ChangePointState(
            moved,
            _shift(self.prior_mean, (strength * mean + value) / (strength + 1.0)),
            _shift(self.prior_scale, scale + 0.5 * strength * (value - mean) ** 2 / (strength + 1.0)),
        )
        probabilities = jnp.exp(moved)
        recent = jnp.sum(probabilities[1 : self.recent_bars])
        return after, ChangePointInfo(probabilities, recent, probabilities @ jnp.asarray(run))


def _shift(prior: float, grown: Float[Array, " lengths"]) -> Float[Array, " lengths"]:
    return jnp.concatenate([jnp.full(1, prior), grown[:-1]])


def _student_t(value, mean, strength, shape: np.ndarray, scale) -> Float[Array, " lengths"]:
    """Return the log predictive density of a normal-inverse-gamma posterior."""
    square = scale * (strength + 1.0) / (shape * strength)
    freedom = 2.0 * shape
    constant = jnp.asarray(gammaln(0.5 * (freedom + 1.0)) - gammaln(0.5 * freedom) - 0.5 * np.log(freedom * np.pi))
    return (
        constant - 0.5 * jnp.log(square) - 0.5 * (freedom + 1.0) * jnp.log1p((value - mean) ** 2 / (freedom * square))
    )
