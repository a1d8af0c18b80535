import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.training.posterior.simulate import simulate_observations
from aurora_jax.training.posterior.tail_likelihood import tail_log_likelihood

TRUTH = {
    "hurst": 0.1,
    "volatility_of_volatility": 0.3,
    "error_scale": 1.2,
    "jump_intensity": 0.2,
    "branching_ratio": 0.4,
    "decay": 0.2,
    "tail_index": 0.3,
    "tail_scale": 1.5,
}


@pytest.mark.parametrize(("tail_index", "scale"), [(0.1, 0.5), (0.3, 1.0), (0.8, 2.0)])
def test_is_scipys(tail_index, scale):
    excesses = np.array([0.0, 0.1, 0.7, 3.0, 20.0])
    expected = np.sum(stats.genpareto.logpdf(excesses, tail_index, scale=scale))
    padded = jnp.asarray([*excesses, -1.0, -1.0])
    assert float(tail_log_likelihood(padded, tail_index=tail_index, scale=scale)) == pytest.approx(expected, rel=1e-12)


def test_by_hand():
    # xi = 1, sigma = 1, x = 1: density 1 / 2^2
    assert float(tail_log_likelihood(jnp.ones(1), tail_index=1.0, scale=1.0)) == pytest.approx(-np.log(4.0))


@pytest.mark.stat
def test_simulated_marks_are_generalised_pareto(key):
    found = simulate_observations(stream(key, "market"), TRUTH, bars=4000, error_variance=0.08)
    assert stats.kstest(found.excesses, stats.genpareto(0.3, scale=1.5).cdf).pvalue > 0.01
    assert found.excesses.size == found.event_bars.size > 300


@pytest.mark.stat
def test_simulated_readings_have_the_variance_asked_for(key):
    found = simulate_observations(stream(key, "readings"), TRUTH, bars=20_000, error_variance=0.08)
    # Var = nu^2 + 2 s^2; the standard error of a variance of 20,000 antipersistent steps is under 1.5 %
    assert np.var(found.increments) == pytest.approx(0.3**2 + 2.0 * 1.2 * 0.08, rel=0.06)
