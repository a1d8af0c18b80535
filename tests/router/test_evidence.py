"""The evidence of a window against textbook recursions, the library's fits, and the laws it must obey."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Outcome
from aurora_jax.router import EVIDENCE, evidence_of_windows, window_evidence
from aurora_jax.router._evidence_garch import DECAYS, LEVELS, SHARES, TRENDS, garch_gains
from aurora_jax.router._evidence_linear import THETAS, arma_gains
from aurora_jax.router.evidence import UNCOUNTED
from aurora_jax.timeseries import fit_ar

_evidence = jax.jit(window_evidence)


@pytest.fixture(scope="module")
def window():
    """Return 75 returns with a little of everything."""
    rng = np.random.default_rng(11)
    shocks = rng.standard_t(4, 76)
    return 0.02 * (shocks[1:] + 0.5 * shocks[:-1]) + 0.003


@pytest.fixture(scope="module")
def standard(window):
    return (window - window.mean()) / window.std()


def test_the_gain_of_ar_is_that_of_its_fit(window, standard):
    """The library's AR(1) has three parameters; white noise of the window's own variance has the closed form."""
    counted = window.size - UNCOUNTED
    fitted = -0.5 * (float(fit_ar(standard, order=1).bic) - 3.0 * np.log(counted))
    white = -0.5 * (np.sum(standard[UNCOUNTED:] ** 2) + counted * np.log(2.0 * np.pi))
    np.testing.assert_allclose(np.sinh(_evidence(window).values[0]), fitted - white, rtol=1e-8)


def undone(standard, theta):
    """Return what is left when the moving average is undone by its recursion and the rest regressed away."""
    rows = np.stack([standard[1:], standard[:-1], np.ones(standard.size - 1)], axis=1)
    for t in range(1, len(rows)):
        rows[t] -= theta * rows[t - 1]
    return rows[:, 0] - rows[:, 1:] @ np.linalg.lstsq(rows[:, 1:], rows[:, 0], rcond=None)[0]


def test_arma_gains_by_the_recursion(standard):
    """For each theta: filter by the recursion, regress, sum the counted densities."""
    gains = arma_gains(jnp.asarray(standard), uncounted=UNCOUNTED)
    for theta, gain in zip(THETAS, gains, strict=True):
        residual = undone(standard, theta)
        counted = residual[UNCOUNTED - 1 :]
        variance = np.mean(residual**2)
        np.testing.assert_allclose(
            gain, -0.5 * np.sum(np.log(variance) + counted**2 / variance), rtol=1e-7, err_msg=str(theta)
        )


def test_garch_gains_by_the_recursion(standard):
    """In the usual parameters: h = omega + alpha e^2 + beta h, then the scale that maximises the likelihood."""
    gains = np.asarray(garch_gains(jnp.asarray(standard), uncounted=UNCOUNTED))
    weights = 0.94 ** np.arange(75)
    start = np.sum(weights * standard[:75] ** 2) / np.sum(weights)
    laws = [(1.0 - a, a * (1.0 - b), b, (1.0 - a) + a * start) for b in DECAYS for a in SHARES]
    laws += [(level, 0.0, b, start) for b in TRENDS for level in LEVELS]
    assert gains.size == len(laws)
    for gain, (level, alpha, beta, first) in zip(gains, laws, strict=True):
        variance = [first]
        for square in standard[:-1] ** 2:
            variance.append(level * (1.0 - beta) + alpha * square + beta * variance[-1])
        scaled = np.array(variance)
        scaled *= np.mean(standard**2 / scaled)
        counted = slice(UNCOUNTED, None)
        expected = -0.5 * np.sum(np.log(scaled[counted]) + standard[counted] ** 2 / scaled[counted])
        np.testing.assert_allclose(gain, expected, rtol=1e-9)


def test_the_rest_of_the_evidence_by_hand(window, standard):
    values = np.asarray(_evidence(window).values)
    squares = standard**2 - 1.0
    for at, series in ((8, standard), (11, squares)):
        expected = [np.sum(series[lag:] * series[:-lag]) / np.sum(series**2) for lag in (1, 2, 3)]
        np.testing.assert_allclose(values[at : at + 3], expected, rtol=1e-9)
    penalty = 0.5 * np.log(window.size - UNCOUNTED)
    white = -0.5 * np.sum(standard[UNCOUNTED:] ** 2)
    moving = np.asarray(arma_gains(jnp.asarray(standard), uncounted=UNCOUNTED)) - white
    clustered = np.asarray(garch_gains(jnp.asarray(standard), uncounted=UNCOUNTED)) - white
    one = np.sinh(values[0])
    best, bent = moving.max() - penalty, clustered.max() - penalty
    mean = [np.log(np.mean(np.exp(part))) - one for part in (moving, clustered)]
    expected = [one, best, bent, best - one, bent - one, bent - best, *mean]
    np.testing.assert_allclose(np.sinh(values[:8]), expected, rtol=1e-7, atol=1e-9)


def test_neither_unit_nor_level_nor_sign_matters(window):
    expected = _evidence(window).values
    for other in (1e-6 * window, -1e4 * window, window + 5.0):
        np.testing.assert_allclose(_evidence(other).values, expected, atol=1e-5)


def test_single_precision_says_the_same(window):
    found = _evidence(jnp.asarray(window, jnp.float32))
    assert found.values.dtype == jnp.float32
    np.testing.assert_allclose(found.values, _evidence(window).values, atol=2e-3)


@pytest.mark.parametrize(
    "nearly",
    [
        lambda bars, noise: bars + 1e-3 * noise,
        lambda bars, noise: np.exp(bars / 10.0),
        lambda bars, noise: np.sin(bars / 9.0),
        lambda bars, noise: np.where(bars == 0, 1.0, 1e-4 * noise),
    ],
    ids=["line", "growth", "wave", "first"],
)
def test_a_window_that_nearly_follows_a_rule_keeps_its_likelihood(nearly):
    """Residuals of a millionth of the variance: against least squares on the rows; single precision loses nothing."""
    window = nearly(np.arange(75.0), np.random.default_rng(0).standard_normal(75))
    standard = (window - window.mean()) / window.std()
    gains = arma_gains(jnp.asarray(standard), uncounted=UNCOUNTED)
    for theta, gain in zip(THETAS, gains, strict=True):
        residual = undone(standard, theta)
        variance = max(np.mean(residual**2), 1e-6)
        counted = residual[UNCOUNTED - 1 :]
        expected = -0.5 * np.sum(np.log(variance) + counted**2 / variance)
        np.testing.assert_allclose(gain, expected, atol=1e-4, err_msg=str(theta))
    whole = _evidence(window).values
    np.testing.assert_allclose(_evidence(jnp.asarray(window, jnp.float32)).values, whole, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_evidence_is_bounded_whatever_the_window(dtype):
    """One huge return, a step, a saw, a trend, almost no variation."""
    bars = np.arange(75)
    odd = [1e30 * (bars == 40), bars > 30, (-1.0) ** bars, bars, 1.0 + 1e-3 * (bars == 3)]
    for values in odd:
        found = _evidence(jnp.asarray(values, dtype))
        assert int(found.outcome) == Outcome.OK
        assert np.all(np.abs(found.values) < 20.0)


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (lambda window: np.full_like(window, 0.01), Outcome.CONSTANT),
        (lambda window: np.zeros_like(window), Outcome.CONSTANT),
        (lambda window: np.where(np.arange(window.size) == 5, np.nan, window), Outcome.NON_FINITE),
        (lambda window: np.where(np.arange(window.size) == 5, np.inf, window), Outcome.NON_FINITE),
        (lambda window: window[:31], Outcome.TOO_SHORT),
    ],
)
def test_a_window_without_evidence_says_why(window, spoil, outcome):
    found = _evidence(spoil(window))
    assert int(found.outcome) == outcome
    np.testing.assert_array_equal(found.values, np.zeros(EVIDENCE))


def test_many_windows_are_one_by_one(window):
    both = np.stack([window, window[::-1]])
    found = evidence_of_windows(both)
    for row, values in zip(both, found, strict=True):
        np.testing.assert_allclose(values, _evidence(row).values, rtol=1e-9, atol=1e-12)
