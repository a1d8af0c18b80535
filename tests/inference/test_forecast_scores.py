"""Proper scores against integrals, scipy and hand cases."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from aurora_jax.inference import (
    pinball_score,
    sample_ranked_probability_score,
    student_t_log_score,
    student_t_ranked_probability_score,
)


@pytest.mark.parametrize("nu", [1.5, 4.0, 30.0])
@pytest.mark.parametrize("observed", [-3.0, 0.2, 0.5, 9.0])
def test_the_ranked_probability_score_is_its_integral(nu, observed):
    mean, scale = 0.5, 2.0
    law = stats.t(nu, mean, scale)
    below = integrate.quad(lambda x: law.cdf(x) ** 2, -np.inf, observed)[0]
    above = integrate.quad(lambda x: law.sf(x) ** 2, observed, np.inf)[0]
    found = student_t_ranked_probability_score(observed, mean, scale, degrees_of_freedom=nu)
    np.testing.assert_allclose(found, below + above, rtol=2e-6)


def test_the_normal_limit():
    """At the centre of N(0, 1): (sqrt 2 - 1) / sqrt pi."""
    found = student_t_ranked_probability_score(0.0, 0.0, 1.0, degrees_of_freedom=1e7)
    np.testing.assert_allclose(found, (np.sqrt(2.0) - 1.0) / np.sqrt(np.pi), rtol=1e-6)


def test_the_log_score_is_scipys():
    y = np.array([-4.0, 0.0, 1.5])
    found = student_t_log_score(y, 0.3, 1.7, degrees_of_freedom=np.array([2.2, 5.0, 60.0]))
    np.testing.assert_allclose(found, -stats.t([2.2, 5.0, 60.0], 0.3, 1.7).logpdf(y), rtol=1e-12)


def test_a_sample_by_hand():
    """Of (0, 1, 3) at 2: (2 + 1 + 1) / 3 - (1 + 3 + 2) / 9."""
    np.testing.assert_allclose(sample_ranked_probability_score(2.0, np.array([3.0, 0.0, 1.0])), 4 / 3 - 6 / 9)
    assert sample_ranked_probability_score(2.0, np.array([5.0])) == 3.0
    # Two windows at once, the second shifted with its observation.
    both = np.array([[3.0, 0.0, 1.0], [13.0, 10.0, 11.0]])
    np.testing.assert_allclose(sample_ranked_probability_score(np.array([2.0, 12.0]), both), 2 * [4 / 3 - 6 / 9])


def test_a_sample_is_its_own_law(key):
    """A sample of a t law scores as the law does: the difference is of the order 1 / n."""
    y = np.array([-1.0, 0.3, 4.0])
    sample = stats.t(5.0).ppf((np.arange(20_000) + 0.5) / 20_000)
    found = sample_ranked_probability_score(y, np.broadcast_to(sample, (3, sample.size)))
    np.testing.assert_allclose(
        found, student_t_ranked_probability_score(y, 0.0, 1.0, degrees_of_freedom=5.0), atol=1e-4
    )


@pytest.mark.parametrize("score", ["ranked", "log"])
def test_the_true_law_scores_best(score):
    """Propriety: over a sample of the law, any other location, scale or tail loses more."""
    y = stats.t(4.0, 0.1, 1.0).ppf((np.arange(4001) + 0.5) / 4001)
    of = {"ranked": student_t_ranked_probability_score, "log": student_t_log_score}[score]
    best = jnp.mean(of(y, 0.1, 1.0, degrees_of_freedom=4.0))
    for mean, scale, nu in ((0.3, 1.0, 4.0), (-0.1, 1.0, 4.0), (0.1, 1.3, 4.0), (0.1, 0.8, 4.0), (0.1, 1.0, 30.0)):
        assert jnp.mean(of(y, mean, scale, degrees_of_freedom=nu)) > best


def test_the_pinball_score_by_hand():
    np.testing.assert_allclose(pinball_score(np.array([3.0, -1.0]), np.zeros(2), level=0.05), [0.15, 0.95])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), was 1.0"):
        pinball_score(0.0, 0.0, level=1.0)
    with pytest.raises(RuntimeError, match="scale of a forecast must be > 0"):
        student_t_log_score(0.0, 0.0, 0.0, degrees_of_freedom=3.0)
    with pytest.raises(RuntimeError, match="must be > 1"):
        student_t_ranked_probability_score(0.0, 0.0, 1.0, degrees_of_freedom=1.0)
    with pytest.raises(RuntimeError, match="degrees_of_freedom of a forecast must be > 0"):
        student_t_log_score(0.0, 0.0, 1.0, degrees_of_freedom=0.0)
    with pytest.raises(ValueError, match="at least 1 draw, had 0"):
        sample_ranked_probability_score(0.0, np.zeros((3, 0)))


_GOOD = {"observed": 0.1, "mean": 0.0, "scale": 1.0, "degrees_of_freedom": 4.0}


@pytest.mark.parametrize("name", _GOOD)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("score", [student_t_log_score, student_t_ranked_probability_score])
def test_what_is_not_finite_is_named(score, name, bad):
    with pytest.raises(RuntimeError, match=f"{name} must be finite"):
        score(**{**_GOOD, name: bad})


def test_a_sample_or_a_quantile_that_is_not_finite_is_named():
    with pytest.raises(RuntimeError, match="sample must be finite"):
        sample_ranked_probability_score(0.0, np.array([1.0, np.nan]))
    with pytest.raises(RuntimeError, match="quantile must be finite"):
        pinball_score(0.0, np.nan, level=0.5)
