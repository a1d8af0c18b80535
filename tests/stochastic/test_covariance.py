"""Second-order laws of fractional noise, against printed numbers and fifty-digit arithmetic."""

from decimal import Decimal, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.stochastic import fractional_covariance
from aurora_jax.stochastic.covariance import cross_scale, second_difference

LAGS = np.array([0, 1, 2, 7, 8, 9, 100, 10_000])
covariance = jax.jit(fractional_covariance)
differences = jax.jit(lambda exponent: second_difference(LAGS, exponent))


def second_difference_in_decimals(lag, exponent):
    with localcontext() as context:
        context.prec = 50
        power = lambda base: Decimal(abs(base)) ** Decimal(exponent) if base else Decimal(0)  # noqa: E731
        return float(power(lag - 1) - 2 * power(lag) + power(lag + 1))


@pytest.mark.parametrize("exponent", [0.1, 0.8, 1.2, 1.9])
def test_second_difference_does_not_cancel(exponent):
    exact = [second_difference_in_decimals(int(lag), exponent) for lag in LAGS]
    np.testing.assert_allclose(differences(jnp.asarray(exponent)), exact, rtol=1e-13 * 8**2)
    with jax.enable_x64(False):
        single = differences(jnp.asarray(exponent, jnp.float32))
        assert single.dtype == jnp.float32
        np.testing.assert_allclose(single, exact, rtol=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "printed"),
    [(0.1, 0.5, 0.36844), (0.3, 0.7, 0.42616), (0.1, 0.9, 0.19170), (0.3, 0.3, 0.5), (0.9, 0.9, 0.5)],
)
def test_cross_scale(first, second, printed):
    assert abs(cross_scale(jnp.asarray(first), jnp.asarray(second)) - printed) < 5e-6
    assert cross_scale(jnp.asarray(first), jnp.asarray(second)) == cross_scale(jnp.asarray(second), jnp.asarray(first))


@pytest.mark.parametrize(
    ("hurst", "printed"), [(0.05, -0.46411), (0.1, -0.42565), (0.3, -0.24214), (0.7, 0.31951), (0.9, 0.74110)]
)
def test_lag_one_correlation(hurst, printed):
    result = covariance(jnp.full(4, hurst))
    np.testing.assert_allclose(jnp.diag(result), 1.0, rtol=1e-12)
    np.testing.assert_allclose(jnp.diag(result, 1), printed, atol=5e-6)


def test_correlation_across_a_block_edge():
    result = covariance(jnp.array([0.3, 0.3, 0.1, 0.1]))
    assert abs(result[1, 2] - -0.29546) < 1e-5
    assert result[1, 2] == result[2, 1]


def test_half_is_white():
    np.testing.assert_allclose(covariance(jnp.full(4, 0.5)), np.eye(4), atol=1e-15)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4), st.floats(0.01, 10.0))
def test_self_similar_and_positive(exponents, step_size):
    hurst = jnp.array(exponents)
    unit, scaled = covariance(hurst), covariance(hurst, step_size=step_size)
    spread = step_size ** np.array(exponents)
    np.testing.assert_allclose(scaled, unit * spread[:, None] * spread[None, :], rtol=1e-12)
    assert np.linalg.eigvalsh(unit)[0] > -1e-14


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.2, float("nan")])
def test_exponent_out_of_range_is_named(wrong):
    with pytest.raises(ValueError, match=rf"hurst must lie in \(0.0, 1.0\), was {wrong}"):
        fractional_covariance(jnp.array([0.3, wrong]))


def test_step_size_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"step_size must lie in .*, was 0"):
        fractional_covariance(jnp.array([0.3, 0.3]), step_size=0)
