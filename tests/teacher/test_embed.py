"""The embedder reads the teacher's factors off windows: rightly spread, better than the prior, whatever the order."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.teacher import (
    calibration,
    cross_sectional_log_volatility,
    fit_embedder,
    initial_embedder,
    reference_teacher,
    teacher_embed,
    teacher_examples,
)
from aurora_jax.teacher.embed_fit import Examples

BARS, ASSETS, PATHS = 32, 8, 192
SHARES = jnp.full(3, 1.0 / 3.0, jnp.float32)


@pytest.fixture(scope="module")
def embedder():
    """Untrained, but with a covariance in which the assets differ."""
    root = jax.random.normal(jax.random.key(4), (3, 3)) + 2.0 * jnp.eye(3)
    return initial_embedder(
        jax.random.key(5),
        mean_return=jnp.array([1e-3, 0.0, -1e-3]),
        covariance=1e-4 * root @ root.T,
        factors=2,
        bars=8,
        width=8,
    )


def window(seed=0, bars=8, assets=3):
    return 0.01 * jax.random.normal(jax.random.key(seed), (bars, assets))


def test_signals_by_hand():
    """Unit variances, correlation 0.6, one return (2, 0) in two bars: white size 4 / 0.64, and so on."""
    one = initial_embedder(
        jax.random.key(0),
        mean_return=jnp.zeros(2),
        covariance=jnp.array([[1.0, 0.6], [0.6, 1.0]]),
        factors=1,
        bars=2,
    )
    found = jax.jit(lambda window: one.inputs(window))(jnp.array([[0.0, 0.0], [2.0, 0.0]]))
    nothing = 0.5 * np.log(1e-6)
    after = [0.5 * np.log(4.0 / 0.64 / 2.0), 0.5 * np.log(2.0), 0.5 * (np.log(2.0) + nothing), np.arcsinh(2 / 3.2**0.5)]
    before = [nothing, nothing, nothing, 0.0]
    after, before = (6.0 * np.tanh(np.array(x) / 6.0) for x in (after, before))
    # The last bar alone; weights 1/2 : 1; weights 2^-1/2 : 1.
    expected = [after, (0.5 * before + after) / 1.5, (0.5**0.5 * before + after) / (1.0 + 0.5**0.5)]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-5)


def test_the_order_of_assets_does_not_matter(embedder):
    order = jnp.array([2, 0, 1])
    turned = eqx.tree_at(
        lambda one: (one.mean_return, one.covariance),
        embedder,
        (embedder.mean_return[order], embedder.covariance[order][:, order]),
    )
    for one, other in zip(embedder(window()), turned(window()[:, order]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    # Turned without its units, the window is another one.
    assert not np.allclose(embedder(window()).mean, embedder(window()[:, order]).mean, rtol=1e-6)


def test_windows_do_not_see_each_other_and_covariances_are_positive(embedder):
    many = jnp.stack([window(seed) for seed in range(5)])
    together = teacher_embed(embedder, many)
    alone = embedder(many[3])
    np.testing.assert_allclose(together.mean[3], alone.mean, rtol=1e-12)
    np.testing.assert_allclose(together.covariance[3], alone.covariance, rtol=1e-12)
    assert np.all(np.linalg.eigvalsh(together.covariance) > 0.0)


def test_of_a_longer_window_the_last_bars_are_seen_and_a_shorter_one_is_refused(embedder):
    longer = jnp.concatenate([window(1, bars=5), window()])
    np.testing.assert_array_equal(embedder(longer).mean, embedder(window()).mean)
    with pytest.raises(ValueError, match="a window needs at least the 8 bars of training, had 7"):
        embedder(window()[1:])


@pytest.mark.parametrize("size", [0.0, 1e30, -1e30])
def test_no_return_is_too_large_or_too_small(embedder, size):
    inputs = embedder.inputs(window().at[4, 1].set(size))
    assert np.all(np.abs(inputs) <= 6.0)
    assert np.all(np.isfinite(embedder(jnp.full((8, 3), size)).covariance))


def test_a_lost_return_is_told(embedder):
    with pytest.raises(eqx.EquinoxRuntimeError, match="returns must be finite"):
        embedder(window().at[4, 1].set(jnp.nan))


def test_a_known_error_is_measured(embedder):
    """An embedder that says N(prior) of factors drawn from twice as wide a law."""
    one = np.log(np.expm1(1.0 - 1e-3))  # what the diagonal makes a 1 of
    silent = eqx.tree_at(
        lambda one: one.network.layers[-1],
        embedder,
        replace_fn=lambda last: eqx.tree_at(
            lambda layer: (layer.weight, layer.bias),
            last,
            (jnp.zeros_like(last.weight), jnp.array([0.0, 0.0, one, 0.0, one])),
        ),
    )
    factors = 2.0 * jax.random.normal(jax.random.key(8), (400, 3, 2))
    examples = Examples(jnp.broadcast_to(window(), (400, 3, 8, 3)), factors)
    found = calibration(silent, examples)
    np.testing.assert_allclose(found.explained_variance, 0.0, atol=0.01)
    for value, expected in (
        (found.error, 0.0),
        (found.squared_error, 4.0),
        (found.coverage_90, 1.0 - np.exp(-4.605170 / 8.0)),  # chi-square with 2: 1 - e^(-x/2)
        (found.nats, 0.0),
    ):
        assert abs(float(value.value) - expected) < 4.0 * float(value.standard_error) + 2e-3
    np.testing.assert_allclose(found.squared_error.standard_error, np.sqrt(16.0 / 1200.0), rtol=0.2)


@pytest.fixture(scope="module")
def fitted():
    teacher = reference_teacher(ASSETS)
    return teacher, fit_embedder(teacher, jax.random.key(1), bars=BARS, paths=PATHS, rounds=5)


@pytest.fixture(scope="module")
def fresh(fitted):
    """Windows of paths that share nothing with the training's, each with its own start."""
    teacher, key = fitted[0], jax.random.key(77)
    with jax.enable_x64(False):
        run = eqx.filter_jit(lambda k, start: teacher_examples(teacher, k, start, bars=BARS, regime_shares=SHARES))
        factors = jnp.zeros((PATHS, 1), jnp.float32)
        for number in range(2):
            examples, factors = run(stream(key, str(number)), factors)
    return examples


@pytest.mark.slow  # compiles two simulations and trains
@pytest.mark.stat
def test_on_fresh_windows_the_law_is_right_and_narrower_than_the_prior(fitted, fresh):
    """Bias: 400 steps of a small network leave its mean and its spread within 2 % of a standard deviation."""
    _, fit = fitted
    assert fit.losses[-40:].mean() < fit.losses[:40].mean()
    found = calibration(fit.embedder, fresh)
    for name, expected, bias in (("error", 0.0, 0.03), ("squared_error", 1.0, 0.05), ("coverage_90", 0.9, 0.012)):
        value = getattr(found, name)
        assert abs(float(value.value) - expected) < 4.0 * float(value.standard_error) + bias, (name, found)
    assert float(found.nats.value) > 10.0 * float(found.nats.standard_error)
    assert float(found.explained_variance[0]) > 0.25, found
    # What the fit tells of itself is what fresh windows show.
    claimed = fit.held_out
    for name in ("coverage_90", "nats", "squared_error"):
        one, other = getattr(claimed, name), getattr(found, name)
        error = np.hypot(float(one.standard_error), float(other.standard_error))
        assert abs(float(one.value) - float(other.value)) < 4.0 * error, name


@pytest.mark.slow  # as above
@pytest.mark.stat
def test_it_is_nearer_to_the_truth_than_the_best_linear_filter_of_the_readings(fitted, fresh):
    """Slow twin: least squares of the truth on each bar's reading, best in hindsight, and on a smooth over 10 bars."""
    _, fit = fitted
    returns = np.asarray(fresh.returns, float).reshape(-1, BARS, ASSETS)
    truth = np.asarray(fresh.factors, float).ravel()
    flat = jnp.asarray(returns.reshape(-1, ASSETS))
    reading = np.asarray(cross_sectional_log_volatility(flat).log_volatility)[:, 0].reshape(-1, BARS)
    mean = np.asarray(jax.jit(jax.vmap(fit.embedder))(fresh.returns.reshape(-1, BARS, ASSETS)).mean)[:, 0]
    weight = (10.0 / 11.0) ** np.arange(BARS)[::-1]
    for inputs in (reading, reading @ weight[:, None]):
        design = np.concatenate([inputs, np.ones((len(truth), 1))], axis=1)
        line = design @ np.linalg.lstsq(design, truth)[0]
        # Errors of windows of one path go together: paths are the sample. Each gains over the twin, on average.
        gain = ((truth - line) ** 2 - (truth - mean) ** 2).reshape(PATHS, -1).mean(axis=1)
        assert np.mean(gain) > 2.0 * np.std(gain, ddof=1) / np.sqrt(PATHS)
        assert np.corrcoef(mean, line)[0, 1] > np.corrcoef(truth, line)[0, 1]  # both estimate the same
    # A market twice as volatile reads higher, by no more than log 2: the prior pulls back.
    louder = np.asarray(jax.jit(jax.vmap(fit.embedder))(2.0 * fresh.returns[:, 0]).mean)[:, 0]
    shift = np.mean(louder - mean.reshape(PATHS, -1)[:, 0])
    assert 0.1 < shift < np.log(2.0)
