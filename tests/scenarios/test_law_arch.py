"""ARCH(1): the exponents of spec/oracles.md, and the recursion."""

import jax
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.scenarios import ConditionalHeteroskedastic
from tests.statistics import assert_mean


@pytest.mark.parametrize(
    ("coefficient", "exponent", "extremal_index"),
    [(0.3, 8.36, 0.937), (0.5, 4.73, 0.832), (0.7, 3.17, 0.717), (0.9, 2.30, 0.611)],
)
def test_truth_is_kestens_and_de_haans(coefficient, exponent, extremal_index):
    law = ConditionalHeteroskedastic(coefficient=coefficient)
    assert law.tail_exponent() == pytest.approx(exponent, abs=0.006)
    assert law.truth()["extremal_index"] == extremal_index
    assert law.truth()["tail_index"] == pytest.approx(1.0 / law.tail_exponent())


def test_a_coefficient_without_a_published_extremal_index_has_none():
    assert "extremal_index" not in ConditionalHeteroskedastic(coefficient=0.42).truth()


@pytest.mark.stat
def test_it_is_stationary_with_its_scale_and_squares_are_autoregressive(key):
    """E X^2 = s^2 from the first step; regression of squares on the last square: E[X_t^2 X_0^2] by hand, a = .3.

    For a^2 < 1/3 the fourth moment is s^4 3 (1 - a^2) / (1 - 3 a^2), and corr(X_1^2, X_0^2) = a.
    """
    law = ConditionalHeteroskedastic(coefficient=0.3, assets=1, scale=0.02)
    keys = jax.random.split(stream(key, "paths"), 40_000)
    returns = np.asarray(jax.jit(jax.vmap(lambda k: law.returns(k, steps=2)))(keys))[:, :, 0] / 0.02
    assert_mean(returns**2, 1.0)
    fourth = 3.0 * (1.0 - 0.09) / (1.0 - 0.27)
    assert_mean(returns[:, 0] ** 2 * returns[:, 1] ** 2, 0.7 + 0.3 * fourth)


def test_an_explosive_coefficient_is_refused():
    with pytest.raises(ValueError, match=r"coefficient must lie in \(0, 1\), was 1\.0"):
        ConditionalHeteroskedastic(coefficient=1.0)
