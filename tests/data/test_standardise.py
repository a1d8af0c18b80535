import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtri

from aurora_jax.data import CLIPPING_BOUND, Standardiser, fit_standardiser


def test_median_and_range_by_hand():
    # 1..9: median 5, quartiles 3 and 7; ten times one of them moves neither
    column = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9000])
    fitted = fit_standardiser(np.stack([column, -2 * column], axis=-1)[:, None, :])
    np.testing.assert_allclose(fitted.center, [5, -10])
    np.testing.assert_allclose(fitted.scale, np.array([4, 8]) / 1.3489795003921634)


def test_the_range_of_a_normal_law_is_scaled_to_one():
    sample = ndtri((np.arange(20_000) + 0.5) / 20_000)  # its quantiles on a fine grid
    fitted = fit_standardiser((3.0 + 0.5 * sample)[:, None, None])
    np.testing.assert_allclose(fitted.center, 3.0, atol=1e-9)
    np.testing.assert_allclose(fitted.scale, 0.5, rtol=1e-4)


def test_assets_are_pooled():
    values = np.random.default_rng(0).normal(size=(50, 4, 3))
    pooled = fit_standardiser(values.reshape(200, 1, 3))
    np.testing.assert_array_equal(fit_standardiser(values).scale, pooled.scale)


def test_features_without_a_range():
    values = np.zeros((8, 1, 2))
    values[:, 0, 0] = 7.0
    values[0, 0, 1] = 8.0  # more than half are equal: the standard deviation, 8 sqrt(7) / 8
    fitted = fit_standardiser(values)
    np.testing.assert_allclose(fitted.center, [7, 0])
    np.testing.assert_allclose(fitted.scale, [1, np.sqrt(7)])


def test_apply_centres_scales_and_clips():
    standardiser = Standardiser(jnp.array([1.0, 0.0]), jnp.array([2.0, 1.0]))
    values = jnp.array([[3.0, 4.0], [1e9, -1e9], [1.0, 0.5]])
    np.testing.assert_array_equal(standardiser.apply(values), [[1, 4], [CLIPPING_BOUND, -CLIPPING_BOUND], [0, 0.5]])
    batched = eqx.filter_jit(standardiser.apply)(jnp.stack([values, values]))
    np.testing.assert_array_equal(batched[1], standardiser.apply(values))


def test_bad_values_are_named():
    values = np.zeros((4, 1, 3))
    values[2, 0, 1] = np.nan
    with pytest.raises(ValueError, match="those of feature 1 are not"):
        fit_standardiser(values)
    with pytest.raises(ValueError, match="hold no bar"):
        fit_standardiser(np.zeros((0, 1, 3)))
