"""Observations drawn from the reduced model itself, by the project's simulators and not by its likelihood."""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import PRNGKey, stream
from aurora_jax.stochastic import Hawkes, HawkesEvents, ParetoMarks, fractional_gaussian_noise

from .observations import Observations

_PLACES_PER_BAR = 4


def simulate_observations(
    key: PRNGKey, parameters: dict[str, float], *, bars: int, error_variance: float
) -> Observations:
    r"""Draw a market of known parameters.

    Readings are cumulated fractional noise plus white errors. Events run in continuous time, are forgotten as long
    before bar 0 as are kept after it, and are then binned; a bar with events has one mark, whose excess
    $m(V^{-\xi} - 1)$ with $m = \sigma / \xi$ is a Pareto size less its minimum.

    Args:
        key: parent of the streams "readings", "errors", "events" and "marks".
        parameters: a value of each of `PARAMETERS`.
        bars: of the market.
        error_variance: as the readings' measure promises it.

    Raises:
        ValueError: if there are so many events that they have no place.
    """
    noise = fractional_gaussian_noise(stream(key, "readings"), hurst=parameters["hurst"], steps=bars)
    error_deviation = (error_variance * parameters["error_scale"]) ** 0.5
    errors = error_deviation * jr.normal(stream(key, "errors"), (bars,))
    readings = parameters["volatility_of_volatility"] * jnp.cumsum(noise) + errors
    events = simulate_event_bars(stream(key, "events"), parameters, bars=bars)
    minimum = parameters["tail_scale"] / parameters["tail_index"]
    marks = ParetoMarks(1.0 / parameters["tail_index"], minimum).draw(stream(key, "marks"), count=bars)
    excesses = np.asarray(marks, float)[: events.size] - minimum
    return Observations(np.diff(np.asarray(readings, float)), error_variance, events, np.maximum(excesses, 0.0), bars)


def simulate_event_bars(key: PRNGKey, parameters: dict[str, float], *, bars: int) -> np.ndarray:
    """Return which bars of a stationary Hawkes path hold an event.

    Args:
        key: spent here.
        parameters: jump_intensity, branching_ratio and decay.
        bars: as many again are simulated first and forgotten.

    Raises:
        ValueError: if there are more than four events a bar.
    """
    law = (jnp.asarray(parameters[name], float) for name in ("jump_intensity", "branching_ratio", "decay"))
    found = _events(key, *law, bars=bars)
    if bool(found.overflowed):
        raise ValueError(f"more than {_PLACES_PER_BAR} events a bar with {parameters}; give a calmer prior.")
    times = np.asarray(found.times, float)[: int(found.count)] - bars
    return np.unique(np.floor(times[times >= 0.0]).astype(np.int64))


@functools.partial(jax.jit, static_argnames="bars")  # a check draws a hundred markets, and tracing costs more than one
def _events(
    key: PRNGKey, intensity: Float[Array, ""], ratio: Float[Array, ""], decay: Float[Array, ""], *, bars: int
) -> HawkesEvents:
    process = Hawkes(intensity * (1.0 - ratio), ratio, decay)
    return process.events(key, horizon=2.0 * bars, max_events=2 * bars * _PLACES_PER_BAR)
