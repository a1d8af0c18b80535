import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from aurora_jax.inference import fz0_loss

P = 0.025
PRINTED = [
    (stats.norm(), 0.05, 2.0627128075),
    (stats.norm(), 0.025, 2.3378027922),
    (stats.norm(), 0.01, 2.6652142203),
    (stats.t(4), 0.025, 3.9935570227),
    (stats.t(3), 0.025, 5.0395830611),
]
"""Law, tail probability, and expected shortfall to the digits of oracles.md."""


def expected_loss(law, p, bound, shortfall):
    """By quadrature: the excess beyond the value at risk, then the rest of the loss, which is no longer random."""
    excess = quad(lambda x: (-bound - x) * law.pdf(x), -np.inf, -bound)[0]
    at_the_bound = fz0_loss(np.full(1, -bound), np.full(1, bound), np.full(1, shortfall), tail_probability=p)[0]
    return excess / (p * shortfall) + float(at_the_bound)


def test_two_days_by_hand():
    # p = .1, VaR 1, ES 2: the calm day costs 1/2 + log 2 - 1; a return of -3 costs (3 - 1) / (.1 x 2) = 10 more.
    found = fz0_loss(np.array([0.3, -3.0]), np.ones(2), np.full(2, 2.0), tail_probability=0.1)
    np.testing.assert_allclose(found, [np.log(2) - 0.5, np.log(2) + 9.5], rtol=1e-12)


@pytest.mark.parametrize(("law", "p", "shortfall"), PRINTED)
def test_smallest_at_the_truth(law, p, shortfall):
    """There the expected loss is log ES, which is checked to the printed digits, and it grows in every direction."""
    bound = -law.ppf(p)
    best = expected_loss(law, p, bound, shortfall)
    np.testing.assert_allclose(best, np.log(shortfall), atol=5e-11)
    for d_bound, d_shortfall in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1), (0.1, 0.2), (-0.1, -0.2)):
        assert expected_loss(law, p, bound + d_bound, shortfall + d_shortfall) > best + 1e-5


@settings(max_examples=15, deadline=None)
@given(st.floats(-5.0, 5.0), st.floats(0.1, 3.0), st.floats(0.0, 3.0), st.floats(1e-3, 1e3))
def test_the_unit_of_money_shifts_every_loss_alike(x, bound, beyond, unit):
    series = np.array([x]), np.array([bound]), np.array([bound + beyond])
    before = fz0_loss(*series, tail_probability=P)
    after = fz0_loss(*(unit * s for s in series), tail_probability=P)
    np.testing.assert_allclose(after - before, np.log(unit), atol=1e-8 * (1 + abs(float(before[0]))))


def test_bad_arguments_are_refused():
    x = np.array([0.5, -3.0])
    with pytest.raises(ValueError, match="was 0"):
        fz0_loss(x, x, x, tail_probability=0.0)
    with pytest.raises(ValueError, match="had 2, 1 and 2"):
        fz0_loss(x, np.ones(1), np.ones(2), tail_probability=P)
    with pytest.raises(ValueError, match="had 0, 0 and 0"):
        fz0_loss(np.zeros(0), np.zeros(0), np.zeros(0), tail_probability=P)
    with pytest.raises(RuntimeError, match="a positive loss"):
        fz0_loss(x, np.ones(2), -np.ones(2), tail_probability=P)
    with pytest.raises(RuntimeError, match="must be >= value_at_risk"):
        fz0_loss(x, 3 * np.ones(2), np.ones(2), tail_probability=P)
    with pytest.raises(RuntimeError, match="negative on every day"):
        fz0_loss(x, -np.ones(2), np.ones(2), tail_probability=P)
    assert np.all(np.isfinite(fz0_loss(x, np.array([1.0, -0.1]), np.ones(2), tail_probability=P)))
    with pytest.raises(RuntimeError, match="must be finite"):
        fz0_loss(x, np.array([1.0, np.nan]), np.ones(2), tail_probability=P)
