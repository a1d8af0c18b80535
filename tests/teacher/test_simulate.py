"""Simulation: against the Euler recursion written out, causal, single precision, with the leverage asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.teacher import initial_state, simulate
from aurora_jax.teacher.simulate import along_path, draw_noise
from tests.statistics import assert_mean
from tests.teacher.conftest import ASSETS, with_flat, with_hurst, without_jumps

STEPS, PATHS = 12, 400
_PATH = jnp.array([0, 2, 1])


@pytest.fixture(scope="module")
def run():
    @jax.jit
    def paths(model, key, regime_path):
        keys = jax.random.split(key, PATHS)
        return jax.vmap(lambda k: simulate(model, k, initial_state(model), regime_path, steps=STEPS))(keys)

    return paths


@pytest.fixture(scope="module")
def flat(model):
    """One Hurst exponent in every regime, everything else still differs by regime."""
    return with_hurst(model, 0.5)


@pytest.fixture(scope="module")
def simulated(run, flat):
    return run(flat, stream(jax.random.key(1), "paths"), _PATH)


def test_shapes_and_precision(simulated):
    assert simulated.log_price.shape == (PATHS, STEPS + 1, ASSETS)
    assert simulated.log_volatility.shape == (PATHS, STEPS + 1, 1)
    assert simulated.log_price.dtype == jnp.float32
    assert simulated.log_volatility.dtype == jnp.float32
    np.testing.assert_array_equal(simulated.regime[0], np.repeat([0, 2, 1], 4))
    np.testing.assert_array_equal(simulated.times[0], np.arange(13.0))
    for leaf in simulated:
        assert np.all(np.isfinite(leaf))


def test_a_path_is_the_euler_recursion_on_its_noise(flat, simulated):
    """A slow twin: the formula in a loop, on the noise that the first key draws."""
    key = jax.random.split(stream(jax.random.key(1), "paths"), PATHS)[0]
    regime = jnp.repeat(_PATH, 4)
    own = along_path(flat, _PATH, regime, 4)
    noise = jax.tree.map(np.asarray, draw_noise(flat, key, own, step_size=1.0))
    drift_of = jax.jit(flat.drift.__call__)
    price, volatility = np.zeros(ASSETS), np.zeros(1)
    for t in range(STEPS):
        np.testing.assert_allclose(simulated.log_price[0, t], price, atol=2e-6)
        np.testing.assert_allclose(simulated.log_volatility[0, t], volatility, atol=2e-6)
        drift = np.asarray(drift_of(jnp.asarray(volatility, jnp.float32), flat.embedding[regime[t]]))
        shock = np.exp(volatility.sum()) * np.asarray(own.price_factor[t]) @ (noise.price[t] + noise.jumps[t])
        price = price + drift[:ASSETS] + shock
        volatility = volatility + drift[ASSETS:] + np.asarray(own.volatility_of_volatility[t]) * noise.volatility[t]
    np.testing.assert_allclose(simulated.log_price[0, -1], price, atol=2e-6)
    np.testing.assert_array_equal(simulated.jumps[0], noise.jump_count)


def test_later_regimes_leave_the_past_alone(run, flat, simulated):
    other = run(flat, stream(jax.random.key(1), "paths"), jnp.array([0, 2, 0]))
    np.testing.assert_array_equal(other.log_price[:, :9], simulated.log_price[:, :9])
    np.testing.assert_array_equal(other.log_volatility[:, :9], simulated.log_volatility[:, :9])
    assert not np.allclose(other.log_price[:, 10:], simulated.log_price[:, 10:])


def test_leverage_has_the_correlation_asked_for(run, flat):
    """At H = 1/2 the factor's increment and the market's return of the same bar have correlation rho < 0."""
    quiet = with_flat(without_jumps(flat), lambda m: m.volatility.correlation, float(np.arctanh(-0.6 / 0.95)))
    market = np.asarray(quiet.by_regime().market_direction[0])
    lower = np.asarray(quiet.by_regime().price_factor[0])
    paths = run(quiet, jax.random.key(3), jnp.array([0, 0, 0]))
    returns = np.diff(paths.log_price, axis=1) / np.exp(np.asarray(paths.log_volatility)[:, :-1])
    along = np.linalg.solve(lower, returns.reshape(-1, ASSETS).T).T @ market
    moves = np.diff(np.asarray(paths.log_volatility)[..., 0], axis=1).reshape(-1)
    standard = [(x - x.mean()) / x.std() for x in (along, moves)]
    assert_mean(standard[0] * standard[1], -0.6, bias=0.01)
    assert_mean(along**2, 1.0, bias=0.01)
    # Prices are not predictable from the past of the volatility.
    next_return = along.reshape(PATHS, STEPS)[:, 1:].reshape(-1)
    assert_mean(next_return * moves.reshape(PATHS, STEPS)[:, :-1].reshape(-1) / moves.std(), 0.0, bias=0.01)


def test_what_cannot_be_simulated_is_refused(model, key):
    for steps in (0, 4):
        with pytest.raises(ValueError, match=f"was {steps}"):
            simulate(model, key, initial_state(model), _PATH, steps=steps)
    with pytest.raises(ValueError, match="had 4"):
        simulate(model, key, jnp.zeros(4, jnp.float32), _PATH, steps=3)
