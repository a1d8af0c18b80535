"""A trained student's forecasts of a whole history, by the step that serves it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import MarketData, batch_features
from ..engine import TrainedStudent
from ..student import Student
from .forecast_law import StudentTForecast


def student_forecast(student: TrainedStudent, market: MarketData, *, first: int) -> StudentTForecast:
    """Forecast the returns that end at bars `first` + 1 and later of `market`, each from the bars before.

    Args:
        student: trained on the same assets.
        market: bars; those before `first` are taken in as well.
        first: place of the first forecast's return in `market.log_returns()`.

    Raises:
        ValueError: if the assets are others.
    """
    if tuple(student.assets) != tuple(market.assets):
        raise ValueError(f"the student is of {', '.join(student.assets)}; the market holds {', '.join(market.assets)}.")
    features = student.standardiser.apply(batch_features(student.pipeline, market.bars()))
    returns = jnp.asarray(np.concatenate([np.zeros((1, len(market.assets))), market.log_returns()]))
    observed = jnp.asarray(~market.imputed)
    mean, scale = (np.asarray(part)[first:-1] for part in _run(student.bound(), features, returns, observed))
    nu = float(student.network.degrees_of_freedom)
    return StudentTForecast(mean, scale, np.full_like(mean, nu))


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
