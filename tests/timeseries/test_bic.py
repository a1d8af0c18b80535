import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.core import Outcome, stream
from aurora_jax.timeseries import bic_weights, fit_ar, fit_arma, fit_garch


def test_weights_by_hand():
    # Differences 0, 2 ln 3 and 2 ln 6 in BIC are weights 6 : 2 : 1.
    found = bic_weights(100.0 + 2.0 * jnp.log(jnp.array([1.0, 3.0, 6.0])))
    np.testing.assert_allclose(found.weights, np.array([6, 2, 1]) / 9, rtol=1e-12)
    assert int(found.outcome) == Outcome.OK


def test_a_family_without_a_fit_has_no_weight():
    found = bic_weights(np.array([[5.0, np.inf, 5.0], [np.nan, 1.0, np.inf], [np.inf, np.inf, np.inf]]))
    np.testing.assert_allclose(found.weights, [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_array_equal(found.outcome, [Outcome.OK, Outcome.OK, Outcome.NON_FINITE])


def test_a_common_shift_changes_nothing():
    bics = jnp.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(bic_weights(bics + 1e6).weights, bic_weights(bics).weights, rtol=1e-9)


@pytest.fixture(scope="module")
def label():
    def families(window):
        bics = [fit_ar(window, order=1).bic, fit_arma(window, order=(1, 1)).bic, fit_garch(window).bic]
        return bic_weights(jnp.stack(bics)).weights

    return jax.jit(jax.vmap(families))


@pytest.mark.slow
@pytest.mark.stat
def test_simulated_families_are_told_apart(key, label):
    """256 bars of a clear structure: BIC finds the family in over 85 % of windows."""
    windows, bars = 40, 256
    shocks = jr.normal(stream(key, "families"), (bars + 50, windows))

    def ar(carry, e):
        x = 0.5 * carry + e
        return x, x

    def arma(carry, e):
        x = 0.5 * carry[0] + e + 0.6 * carry[1]
        return (x, e), x

    def garch(carry, e):
        variance = 0.1 + 0.5 * carry[0] ** 2 + 0.4 * carry[1]
        x = jnp.sqrt(variance) * e
        return (x, variance), x

    zero = jnp.zeros(windows)
    paths = [
        jax.lax.scan(ar, zero, shocks)[1],
        jax.lax.scan(arma, (zero, zero), shocks)[1],
        jax.lax.scan(garch, (zero, zero + 1.0), shocks)[1],
    ]
    for truth, path in enumerate(paths):
        chosen = np.argmax(label(path[50:].T), axis=1)
        assert np.mean(chosen == truth) > 0.85


def test_the_unit_does_not_favour_a_family(key, label):
    """All families count the same observations: else a small unit, with its large densities, would favour one."""
    noise = jr.normal(stream(key, "unit"), (40, 256))
    np.testing.assert_allclose(label(1e-4 * noise), label(noise), atol=1e-6)
