import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from aurora_jax.stochastic import Hawkes
from aurora_jax.training.posterior.jump_likelihood import bar_kernel, jump_log_likelihood

LAW = {"intensity": 0.05, "branching_ratio": 0.6, "decay": 0.3}


def by_loop(event_bars, *, intensity, branching_ratio, decay, bars):
    """The docstring's sums, bar by bar, with kernels by quadrature."""

    def share(lag):  # parent uniform in its bar
        def mass(u):
            low = 0.0 if lag == 0 else lag - u
            return np.exp(-decay * low) - np.exp(-decay * (lag + 1.0 - u))

        return integrate.quad(mass, 0.0, 1.0)[0]

    kernel = [share(lag) for lag in range(bars)]
    value, caused = 0.0, {}
    for bar in range(bars):
        past = intensity * branching_ratio * np.exp(-decay * bar) * -np.expm1(-decay) / decay
        arrivals = intensity * (1.0 - branching_ratio) + past
        arrivals += branching_ratio * sum(size * kernel[bar - at] for at, size in caused.items())
        if bar in event_bars:
            value += np.log(-np.expm1(-arrivals))
            caused[bar] = arrivals / -np.expm1(-arrivals) / (1.0 - branching_ratio * kernel[0])
        else:
            value -= arrivals
    return value


@pytest.mark.parametrize("events", [[], [0], [3, 4, 5, 11], [0, 19]])
@pytest.mark.parametrize("decay", [0.05, 0.3, 2.0])
def test_scan_is_the_double_sum(events, decay):
    law = {**LAW, "decay": decay, "bars": 20}
    padded = jnp.asarray(events + [20] * 3)
    assert float(jump_log_likelihood(padded, **law)) == pytest.approx(by_loop(events, **law), rel=1e-9)


def test_kernel_by_hand():
    # decay log 2: away = 1/2, same = 1 - 1 / (2 log 2), next = 1 / (4 log 2), half is left a bar later
    same, after, left = bar_kernel(np.log(2.0))
    assert float(same) == pytest.approx(1.0 - 0.5 / np.log(2.0))
    assert float(after) == pytest.approx(0.25 / np.log(2.0))
    assert float(left) == pytest.approx(0.5)
    assert float(same + after / (1.0 - left)) == pytest.approx(1.0)  # all offspring falls somewhere


def test_fine_bars_have_the_likelihood_of_the_event_times():
    """With bars of 1e-4 it is the continuous likelihood, but for the past before 0 that it does not know."""
    times, horizon, parts = np.array([0.6, 1.1, 1.4, 6.0, 6.3]), 10.0, 20_000
    intensity, ratio, decay, bar = 0.5, 0.6, 1.3, horizon / parts
    inherited = intensity * ratio / decay  # expected offspring of the past, of which the process has none

    def excess(t):
        return intensity * ratio * np.exp(-decay * t)

    process = Hawkes(intensity * (1.0 - ratio), ratio, decay)
    rates = np.asarray(process.intensity(jnp.asarray(times), jnp.asarray(times)))
    exact = float(process.log_likelihood(jnp.asarray(times), horizon=horizon))
    exact += np.sum(np.log1p(excess(times) / rates)) - inherited * (1.0 - np.exp(-decay * horizon))
    bars = jnp.asarray(np.floor(times / bar).astype(int))
    found = jump_log_likelihood(bars, intensity=intensity * bar, branching_ratio=ratio, decay=decay * bar, bars=parts)
    assert float(found) - times.size * np.log(bar) == pytest.approx(exact, abs=0.01)


def test_without_excitation_bars_are_independent():
    """At a branching ratio of 0 it is a Bernoulli likelihood, whichever bars they are."""
    law = {"intensity": 0.2, "branching_ratio": 1e-12, "decay": 0.5, "bars": 30}
    expected = 4.0 * np.log(-np.expm1(-0.2)) - 26.0 * 0.2
    for events in ([0, 1, 2, 3], [5, 12, 20, 29]):
        assert float(jump_log_likelihood(jnp.asarray(events), **law)) == pytest.approx(expected, rel=1e-9)


def test_of_all_histories_some_one_happens():
    """Probabilities of all 2^8 histories sum to 1."""
    histories = []
    for happened in itertools.product((False, True), repeat=8):
        events = [bar for bar, there in enumerate(happened) if there]
        histories.append(events + [8] * (8 - len(events)))
    law = {**LAW, "intensity": 0.3, "bars": 8}
    values = jax.jit(jax.vmap(lambda events: jump_log_likelihood(events, **law)))(jnp.asarray(histories))
    total = float(jnp.sum(jnp.exp(values)))
    assert total == pytest.approx(1.0, rel=1e-9)
