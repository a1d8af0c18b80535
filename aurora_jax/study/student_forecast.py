"""A trained student's forecasts of a whole history, by the step that serves it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import MarketData, batch_features
from ..engine import TrainedStudent
from ..student import GaussianMixtureEmission, Student, Trailing
from .forecast_law import AbstractForecast, NormalMixtureForecast, StudentTForecast


def scale_law_forecast(
    student: TrainedStudent, market: MarketData, *, first: int, degrees_of_freedom: float
) -> StudentTForecast:
    r"""Forecast $s_t T_\nu$ by the student's scale law alone, without its network: what the network starts from.

    Args:
        student: trained on the same assets.
        market: bars; those before `first` are taken in as well.
        first: place of the first forecast's return in `market.log_returns()`.
        degrees_of_freedom: nu that was fitted with the law.

    Raises:
        ValueError: if the assets are others.
    """
    _require_assets(student, market)
    scale = _scales(student.trailing, jnp.asarray(market.log_returns()), jnp.asarray(~market.imputed[1:]))
    scale = np.asarray(scale)[first:]
    return StudentTForecast(np.zeros_like(scale), scale, np.full_like(scale, degrees_of_freedom))


def student_forecast(student: TrainedStudent, market: MarketData, *, first: int) -> AbstractForecast:
    """Forecast the returns that end at bars `first` + 1 and later of `market`, each from the bars before.

    Args:
        student: trained on the same assets.
        market: bars; those before `first` are taken in as well.
        first: place of the first forecast's return in `market.log_returns()`.

    Raises:
        ValueError: if the assets are others.
    """
    _require_assets(student, market)
    features = student.standardiser.apply(batch_features(student.pipeline, market.bars()))
    returns = jnp.asarray(np.concatenate([np.zeros((1, len(market.assets))), market.log_returns()]))
    observed = jnp.asarray(~market.imputed)
    mean, scale = (np.asarray(part)[first:-1] for part in _run(student.bound(), features, returns, observed))
    emission = student.network.emission
    if isinstance(emission, GaussianMixtureEmission):
        weights, scales = (np.asarray(part, float) for part in (emission.weights, emission.scales))
        own = scale / float(student.bound().unit)  # what is served is the scale of the Student-t law most like it
        return NormalMixtureForecast(mean, own, weights / weights.sum(), scales)
    return StudentTForecast(mean, scale, np.full_like(mean, float(emission.degrees_of_freedom)))


def _require_assets(student: TrainedStudent, market: MarketData) -> None:
    if tuple(student.assets) != tuple(market.assets):
        raise ValueError(f"the student is of {', '.join(student.assets)}; the market holds {', '.join(market.assets)}.")


@eqx.filter_jit
def _scales(trailing: Trailing, returns, observed):
    """Return the scale that was expected of each bar's returns."""

    def advance(state, bar):
        return trailing.step(state, *bar), trailing.scale(state)

    return jax.lax.scan(advance, trailing.init(), (returns, observed))[1]


@eqx.filter_jit
def _run(student: Student, features, returns, observed):
    """Step through all bars; of each forecast only what is scored is kept."""

    def advance(state, bar):
        after, info = student.step(state, *bar)
        return after, (info.forecast.mean, info.forecast.scale)

    first, second = (features[0], returns[0], observed[0]), (features[1:], returns[1:], observed[1:])
    _, info = student.step(student.init(), *first)
    start = (info.forecast.mean[None], info.forecast.scale[None])
    # The first bar has no return to learn from: as in the engine, the state after it is the state before.
    later = jax.lax.scan(advance, student.init(), second)[1]
    return jax.tree.map(lambda one, others: jnp.concatenate([one, others]), start, later)
