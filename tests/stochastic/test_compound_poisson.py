"""Jump sizes and their sums: moments against quadrature and scipy, and which of them do not exist."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from aurora_jax.core import stream
from aurora_jax.stochastic import CompoundPoisson, DoubleExponentialMarks, GaussianMarks, ParetoMarks, StudentTMarks
from tests.statistics import assert_mean

increments = jax.jit(lambda process, key: process.increments(key, steps=20_000, step_size=0.5))
transform = jax.jit(lambda marks, u: marks.characteristic_function(u))
total = jax.jit(lambda marks, key, counts: marks.total(key, counts))
MARKS = {
    "gaussian": (GaussianMarks(-0.1, 0.2), stats.norm(-0.1, 0.2)),
    "student": (StudentTMarks(7.5, 0.1, 0.2), stats.t(7.5, 0.1, 0.2)),
    "pareto": (ParetoMarks(7.5, 0.4), stats.pareto(7.5, scale=0.4)),
    "double": (DoubleExponentialMarks(0.3, 0.2, 0.4), None),
}


def exact_moment(law, order):
    if law is not None:
        return law.expect(lambda u: u**order)
    up = quad(lambda u: u**order * 0.3 * np.exp(-u / 0.2) / 0.2, 0, np.inf)[0]
    return up + quad(lambda u: (-u) ** order * 0.7 * np.exp(-u / 0.4) / 0.4, 0, np.inf)[0]


@pytest.mark.parametrize("name", MARKS)
def test_moments_by_quadrature(name):
    marks, law = MARKS[name]
    for order in range(1, 6):
        np.testing.assert_allclose(marks.moment(order), exact_moment(law, order), rtol=1e-6, atol=1e-9)


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("name", MARKS)
def test_increments_have_the_cumulants(key, name):
    process = CompoundPoisson(3.0, MARKS[name][0])
    sample = increments(process, stream(key, name))
    mean, variance, third = (0.5 * process.cumulant(order) for order in (1, 2, 3))
    assert_mean(sample, mean)
    assert_mean((sample - mean) ** 2, variance)
    assert_mean((sample - mean) ** 3, third)
    assert_mean(sample == 0.0, np.exp(-1.5))
    for u in (0.5, 2.0, 9.0):
        closed = np.exp(1.5 * (np.asarray(transform(MARKS[name][0], jnp.asarray(u))) - 1.0))
        assert_mean(np.cos(u * sample), closed.real)
        assert_mean(np.sin(u * sample), closed.imag)


@pytest.mark.stat
@pytest.mark.parametrize("name", MARKS)
def test_a_total_adds_as_many_marks_as_it_was_told(key, name):
    marks, _ = MARKS[name]
    counts = jnp.tile(jnp.array([0, 1, 5, 1]), 5000)
    totals = np.asarray(total(marks, stream(key, name), counts)).reshape(-1, 4)
    assert np.all(totals[:, 0] == 0.0)
    single = totals[:, 1::2].ravel()
    for order in (1, 2, 3):
        assert_mean(single**order, marks.moment(order))
    assert_mean(totals[:, 2], 5 * marks.moment(1))
    assert_mean((totals[:, 2] - 5 * marks.moment(1)) ** 2, 5 * (marks.moment(2) - marks.moment(1) ** 2))
    assert_mean((totals[:, 1] - marks.moment(1)) * (totals[:, 3] - marks.moment(1)), 0.0)


@pytest.mark.stat
def test_single_gaussian_marks(key):
    """The one law whose totals are not sums of draws."""
    marks, _ = MARKS["gaussian"]
    sample = np.asarray(marks.draw(key, count=20_000))
    assert_mean(sample, -0.1)
    assert_mean((sample + 0.1) ** 2, 0.04)


def test_no_intensity_no_jumps(key):
    assert np.all(increments(CompoundPoisson(0.0, GaussianMarks(1.0, 1.0)), key) == 0.0)


def test_infinite_moments_are_refused():
    with pytest.raises(ValueError, match=r"order 3 needs degrees_of_freedom > 3, was 3.0"):
        CompoundPoisson(1.0, StudentTMarks(3.0, 0.0, 1.0)).cumulant(3)
    with pytest.raises(ValueError, match=r"order 2 needs tail_exponent > 2, was 1.5"):
        CompoundPoisson(1.0, ParetoMarks(1.5, 1.0)).cumulant(2)
    with pytest.raises(RuntimeError, match=r"degrees_of_freedom > 3"):
        jax.jit(lambda nu: StudentTMarks(nu, 0.0, 1.0).moment(3))(2.5)


def test_parameters_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"intensity must lie in .*, was -1"):
        CompoundPoisson(-1.0, GaussianMarks(0.0, 1.0))
    with pytest.raises(ValueError, match=r"up_probability must lie in .*, was 1.5"):
        DoubleExponentialMarks(1.5, 1.0, 1.0)
    for wrong in (lambda: GaussianMarks(0.0, 0.0), lambda: StudentTMarks(3.0, 0.0, -1.0)):
        with pytest.raises(ValueError, match=r"scale must lie in"):
            wrong()
    with pytest.raises(ValueError, match=r"order must be at least 1"):
        GaussianMarks(0.0, 1.0).moment(0)
