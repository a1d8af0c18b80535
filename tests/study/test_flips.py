import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.study import SCENARIOS, Law, simulate, simulate_flips


def assert_mean(samples, expected, sigmas=4.0):
    error = np.std(samples, ddof=1) / np.sqrt(samples.size)
    assert abs(np.mean(samples) - expected) < sigmas * error


@pytest.mark.stat
@pytest.mark.parametrize(
    ("law", "correlation"),
    [
        (Law("AR", phi=0.6, deviation=2.0), 0.6),
        # ARMA(1,1): (1 + phi theta)(phi + theta) / (1 + 2 phi theta + theta^2), phi = .2, theta = .6.
        (Law("ARMA", phi=0.2, theta=0.6), 1.12 * 0.8 / 1.6),
        (Law("GARCH", alpha=0.1, beta=0.85), 0.0),
    ],
)
def test_variance_and_correlation_are_those_of_the_law(key, law, correlation):
    x = np.asarray(simulate(law, stream(key, law.name), series=300, bars=400))
    assert_mean(np.mean(x**2, axis=1), law.deviation**2)
    assert_mean(np.mean(x[:, 1:] * x[:, :-1], axis=1), correlation * law.deviation**2)


@pytest.mark.stat
def test_squares_of_garch_are_correlated_as_bollerslev_says(key):
    """Lag-1 autocorrelation of squares: alpha (1 - alpha beta - beta^2) / (1 - 2 alpha beta - beta^2)."""
    a, b = 0.1, 0.6
    x = np.asarray(simulate(Law("GARCH", alpha=a, beta=b), stream(key, "squares"), series=200, bars=2000)) ** 2
    fourth = 3.0 * (1.0 - (a + b) ** 2) / (1.0 - (a + b) ** 2 - 2.0 * a**2)
    correlation = a * (1.0 - a * b - b**2) / (1.0 - 2.0 * a * b - b**2)
    assert_mean(np.mean((x[:, 1:] - 1.0) * (x[:, :-1] - 1.0), axis=1), correlation * (fourth - 1.0))


def test_a_flip_is_cut_over_and_the_rest_keeps_its_variance(key):
    scenario = SCENARIOS[0]
    x = simulate_flips(scenario, key, series=5, flip_bar=60, bars=100)
    np.testing.assert_array_equal(x[:, :60], simulate(scenario.before, stream(key, "before"), series=5, bars=60))
    np.testing.assert_array_equal(x[:, 60:], simulate(scenario.after, stream(key, "after"), series=5, bars=40))
    assert [s.after.deviation for s in SCENARIOS] == [1.0, 2.0, 1.0, 1.0]
