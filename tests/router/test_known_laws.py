"""The laws of the accuracy study: moments that are known, and a rule that no other may beat."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.router import bayes_family, draw_known
from aurora_jax.router.known_laws import ALPHA, PERSISTENCE, PHI, THETA, Laws, _log_likelihoods
from aurora_jax.timeseries import fit_ar

WINDOWS, BARS = 150, 128


@pytest.fixture(scope="module")
def known():
    return draw_known(jax.random.key(3), windows=WINDOWS, bars=BARS)


def _mean_over(ranges, value):
    """Return the mean of `value` over two uniform parameters, by the midpoint rule."""
    grids = [low + (np.arange(200) + 0.5) / 200 * (high - low) for low, high in ranges]
    return np.mean(value(*np.meshgrid(*grids)))


@pytest.mark.stat
def test_variances_are_those_of_the_laws(known):
    """Closed forms: AR 1 / (1 - phi^2); ARMA (1 + 2 phi theta + theta^2) / (1 - phi^2); GARCH 1 by its level."""
    squares = np.mean(np.asarray(known.returns) ** 2, axis=1).reshape(3, WINDOWS)
    expected = [
        _mean_over((PHI, PHI), lambda phi, _: 1.0 / (1.0 - phi**2)),
        _mean_over((PHI, THETA), lambda phi, theta: (1.0 + 2.0 * phi * theta + theta**2) / (1.0 - phi**2)),
        1.0,
    ]
    for found, mean in zip(squares, expected, strict=True):
        error = found.std(ddof=1) / np.sqrt(WINDOWS)
        assert abs(found.mean() - mean) < 4.0 * error


@pytest.mark.stat
def test_squares_cluster_in_garch_alone(known):
    """Lag-1 autocorrelation of GARCH's squares is about alpha; whitened AR has none. Mean of alpha: .3."""
    assert np.mean(ALPHA) == pytest.approx(0.3)
    assert PERSISTENCE[1] < 1.0

    def lag_one(series):
        centred = series - series.mean(axis=1, keepdims=True)
        return np.sum(centred[:, 1:] * centred[:, :-1], axis=1) / np.sum(centred**2, axis=1)

    returns, family = np.asarray(known.returns), np.asarray(known.family)
    autoregressive = returns[family == 0]
    phi = np.asarray(jax.vmap(lambda x: fit_ar(x, order=1).parameters[1])(jnp.asarray(autoregressive)))
    left = lag_one((autoregressive[:, 1:] - phi[:, None] * autoregressive[:, :-1]) ** 2)
    assert abs(left.mean()) < 4.0 * left.std() / np.sqrt(WINDOWS) + 0.02  # bias: -1 / bars
    assert lag_one(returns[family == 2] ** 2).mean() > 0.15
    flat = lag_one(returns[family == 2])
    assert abs(flat.mean()) < 4.0 * flat.std() / np.sqrt(WINDOWS) + 0.02


def test_a_likelihood_by_hand():
    """Two returns, 1 then 2; phi = .5, theta = .2: innovations 1 and 2 - .5 - .2 = 1.3. GARCH: variances .9 and 1."""
    laws = Laws(*(jnp.asarray(part) for part in ([0.5, 0.0], [0.2, 0.0], [0.0, 0.1], [0.0, 0.3])))
    found = _log_likelihoods(laws, jnp.asarray([1.0, 2.0]))
    first, second = 0.6 + 0.3, 0.6 + 0.1 + 0.3 * 0.9
    expected = [-0.5 * (1.0 + 1.3**2), -0.5 * (np.log(first) + 1.0 / first + np.log(second) + 4.0 / second)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.stat
def test_bayes_rule_is_hard_to_beat(known):
    """On 450 windows: far above a coin with three sides, and in each family."""
    right = np.asarray(bayes_family(np.asarray(known.returns)) == known.family).reshape(3, WINDOWS)
    assert right.mean() > 0.97
    assert right.mean(axis=1).min() > 0.95
