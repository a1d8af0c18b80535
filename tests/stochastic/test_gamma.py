"""Gamma variables by rejection: their law, their derivative, and that a row does not hang or depend on its length."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from aurora_jax.core import stream
from aurora_jax.stochastic.gamma import _propose, standard_gamma
from tests.statistics import assert_mean

_COUNT = 200_000


def _drawn(key, shape, *, dtype=jnp.float64, count=_COUNT):
    return np.asarray(jax.jit(standard_gamma, static_argnums=2)(key, jnp.asarray(shape, dtype), count))


@pytest.mark.stat
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("shape", [1.0, 1.7, 2.5, 40.0])
def test_the_law_is_gamma(key, shape, dtype):
    """Kolmogorov-Smirnov on 200,000 draws sees a distribution function off by .004 anywhere; then its moments."""
    drawn = _drawn(key, shape, dtype=dtype).astype(float)
    assert drawn.dtype == float
    assert stats.kstest(drawn, stats.gamma(shape).cdf).pvalue > 1e-3
    for order in (1, 2, 3):
        expected = np.prod(shape + np.arange(order))  # E X^k = a (a + 1) ... (a + k - 1)
        assert_mean(drawn**order, expected)
    assert_mean(np.log(drawn), float(special.digamma(shape)))


@pytest.mark.stat
@pytest.mark.parametrize("quantile", [1e-3, 1e-2, 0.99, 0.999])
def test_the_tails_are_those_of_gamma(key, quantile):
    """The lower one is the heavy tail of the marks: w = (nu / 2) / X."""
    drawn = _drawn(key, 1.5, dtype=jnp.float32)
    assert_mean((drawn < stats.gamma(1.5).ppf(quantile)).astype(float), quantile)


def test_the_rule_is_that_of_the_paper():
    """log u < n^2 / 2 + d (1 - v + log v) with v = (1 + c n)^3, in the plain form of Marsaglia and Tsang."""
    shape, normal = 1.25, np.linspace(-4.0, 4.0, 41)
    d = shape - 1.0 / 3.0
    cube = (1.0 + normal / np.sqrt(9.0 * d)) ** 3
    with np.errstate(invalid="ignore", divide="ignore"):
        bound = np.where(cube > 0.0, np.exp(0.5 * normal**2 + d * (1.0 - cube + np.log(cube))), 0.0)
    assert bound.max() < 1.0 + 1e-9  # a squeeze from above: the normal's density, scaled, covers the target
    for factor, expected in ((1.0 - 1e-6, False), (1.0 + 1e-6, True)):
        value, refused = _propose(
            jnp.asarray(normal), jnp.asarray(np.maximum(bound * factor, 1e-300)), jnp.asarray(shape)
        )
        np.testing.assert_allclose(value, d * cube, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(refused[cube > 0.0], expected)
        assert np.all(refused[cube <= 0.0])


def test_the_derivative_is_that_of_the_quantile(key):
    """dx/da at fixed probability, by central differences of scipy's quantile; and under vmap and reverse mode."""
    shape, keys = 1.8, jax.random.split(key, 3)

    def total(a):
        return jnp.sum(jax.vmap(lambda k: standard_gamma(k, a, 5))(keys) * jnp.arange(15.0).reshape(3, 5))

    drawn = np.concatenate([_drawn(k, shape, count=5) for k in keys])
    probability = stats.gamma(shape).cdf(drawn)
    slope = (stats.gamma(shape + 1e-5).ppf(probability) - stats.gamma(shape - 1e-5).ppf(probability)) / 2e-5
    np.testing.assert_allclose(jax.grad(total)(jnp.asarray(shape)), slope @ np.arange(15.0), rtol=1e-6)


def test_entries_do_not_depend_on_the_rows_length_or_on_other_rows(key):
    long = _drawn(key, 1.1, count=300)
    np.testing.assert_array_equal(long[:100], _drawn(key, 1.1, count=100))
    rows = jax.vmap(lambda k: standard_gamma(k, jnp.asarray(1.1), 300))(jax.random.split(key, 20))
    np.testing.assert_allclose(rows[7], _drawn(jax.random.split(key, 20)[7], 1.1, count=300), rtol=1e-12)


def test_entries_are_independent(key):
    """Of ranks, so that one correlation says it: neighbours in a row, and the same entry in rows of other keys."""
    rows = np.asarray(jax.vmap(lambda k: standard_gamma(k, jnp.asarray(1.5), 64))(jax.random.split(key, 2000)))
    score = np.sqrt(12.0) * (stats.gamma(1.5).cdf(rows) - 0.5)
    assert_mean(score[:, 1:] * score[:, :-1], 0.0)
    assert_mean(score[1:] * score[:-1], 0.0)


def test_a_shape_that_is_not_a_number_ends_in_one(key):
    assert np.all(np.isnan(_drawn(key, np.nan, count=4)))


@pytest.mark.stat
def test_proposals_are_mostly_kept(key):
    """The efficiency that Marsaglia and Tsang print for a = 1 is 95.2 %; more shape, more kept."""
    normal = jax.random.normal(stream(key, "normal"), (_COUNT,))
    uniform = jax.random.uniform(stream(key, "uniform"), (_COUNT,))
    kept = [~np.asarray(_propose(normal, uniform, jnp.asarray(shape))[1]) for shape in (1.0, 2.0, 8.0)]
    assert_mean(kept[0].astype(float), 0.952, bias=5e-4)
    assert kept[0].mean() < kept[1].mean() < kept[2].mean()
