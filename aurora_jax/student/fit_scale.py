"""Maximum likelihood of the scale law on a training period, all assets together."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
from jax import lax
from jax.scipy.stats import t as student_t
from jaxtyping import Array, Bool, Float

from ..core import require_x64
from .scale_law import ScaleLaw, trailing_law
from .trailing import Trailing
from .usable import check_shapes

_RIDGE = 1e-4  # on weights of standardised readings: they are correlated, and of few assets some are the same
_WARM_UP_BARS = 64  # in which the horizons still remember their start
_ITERATIONS = 200
_MIN_DEGREES_OF_FREEDOM = 2.05


class ScaleFit(NamedTuple):
    """A fitted law and what it gained.

    Attributes:
        law: the law.
        degrees_of_freedom: nu of the t law of a return around it.
        score: mean negative log-likelihood of a return.
        trailing_score: that of the trailing volatility times a fitted constant, with a nu of its own.
    """

    law: ScaleLaw
    degrees_of_freedom: float
    score: float
    trailing_score: float


def fit_scale_law(
    trailing: Trailing, returns: Float[Array, "bars assets"], observed: Bool[Array, "bars assets"] | None = None
) -> ScaleFit:
    r"""Fit intercept, weights and degrees of freedom of $x_{t+1} \sim s_t T_\nu$ to a training period.

    $$\min \frac1n \sum_{t, i} -\log f_\nu(x_{t+1, i} / s_{t, i}) + \log s_{t, i} + \epsilon \|\tilde w\|^2$$

    with $\tilde w$ the weights of standardised readings. By L-BFGS; runs outside jit.

    Args:
        trailing: of the stream; its own law is not used.
        returns: log returns of the training period.
        observed: False where an asset has no bar; None if all have one.

    Raises:
        ValueError: if there are too few bars, the assets are not those of `trailing`, no asset ever moves, or a return
            that counts is not finite.
    """
    require_x64("fit_scale_law")
    bars, assets = returns.shape[0], trailing.base_variance.shape[0]
    shapes = {"returns": (bars, assets), "observed": (bars, assets)}
    check_shapes({"returns": returns, "observed": observed}, shapes)
    if bars < 2 * _WARM_UP_BARS:
        raise ValueError(f"fit_scale_law needs at least {2 * _WARM_UP_BARS} bars, had {bars}.")
    plain = eqx.tree_at(lambda tree: tree.law, trailing, trailing_law())
    readings, standard = (np.asarray(part) for part in _history(plain, returns, observed))
    counted = np.ones(returns.shape, bool) if observed is None else np.asarray(observed)
    if not np.all(np.isfinite(np.asarray(returns)[counted])):
        raise ValueError("returns must be finite: drop the bars without one, or mark them as not observed.")
    # The likelihood of an asset that never moves has no bound, and would have all the weights to itself.
    moves = np.ptp(np.where(counted, np.asarray(returns), 0.0), axis=0) > 0.0
    counted = counted[_WARM_UP_BARS:] & moves[None, :]
    if not counted.any():
        raise ValueError("no asset ever moves: there is no scale to be fitted.")
    table, target = readings[_WARM_UP_BARS:][counted], standard[_WARM_UP_BARS:][counted]
    centre, spread = table.mean(axis=0), table.std(axis=0)
    # A reading that never varies says nothing, and no rounding error may be taken for a spread.
    varies = spread > 1e-9
    scaled = jnp.asarray(np.where(varies, (table - centre) / np.where(varies, spread, 1.0), 0.0))
    start = np.zeros(2 + scaled.shape[1])
    found = _minimise(start, scaled, jnp.asarray(target))
    constant = _minimise(start[:2], scaled[:, :0], jnp.asarray(target))
    weights = np.where(varies, found.x[2:] / np.where(varies, spread, 1.0), 0.0)
    law = ScaleLaw(jnp.asarray(found.x[0] - weights @ centre), jnp.asarray(weights))
    ridge = _RIDGE * float(np.sum(found.x[2:] ** 2))  # part of what was made small, not of the likelihood
    return ScaleFit(law, float(_degrees_of_freedom(found.x[1])), float(found.fun) - ridge, float(constant.fun))


@eqx.filter_jit
def _history(trailing: Trailing, returns, observed):
    """Return readings before each bar, and the bar's return in trailing standard deviations."""

    def advance(state, bar):
        now, seen = bar
        readings = trailing.law.readings(state.horizons, state.variance, trailing.base_variance)
        return trailing.step(state, now, seen), (readings, now / jnp.sqrt(state.variance))

    return lax.scan(advance, trailing.init(), (returns, observed))[1]


def _minimise(start: np.ndarray, readings: Array, target: Array) -> scipy.optimize.OptimizeResult:
    def value_and_gradient(parameters):
        value, gradient = _objective(jnp.asarray(parameters), readings, target)
        return float(value), np.asarray(gradient)

    return scipy.optimize.minimize(
        value_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}
    )


@jax.jit
@jax.value_and_grad
def _objective(parameters, readings, target):
    intercept, shape, weights = parameters[0], parameters[1], parameters[2:]
    log_scale = intercept + readings @ weights
    density = student_t.logpdf(target * jnp.exp(-log_scale), _degrees_of_freedom(shape)) - log_scale
    return -jnp.mean(density) + _RIDGE * jnp.sum(weights**2)


def _degrees_of_freedom(shape):
    return _MIN_DEGREES_OF_FREEDOM + 4.0 * jnp.exp(shape)
