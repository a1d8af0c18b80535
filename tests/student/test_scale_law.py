"""The scale law against its formula written out, and its fit against laws whose parameters are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, stats

from aurora_jax.student import ScaleLaw, Trailing, fit_scale_law, fit_trailing

READINGS = 20


def _law(seed=0, size=0.1):
    rng = np.random.default_rng(seed)
    return ScaleLaw(jnp.asarray(-0.2), jnp.asarray(size * rng.standard_normal(READINGS)))


def _trailing(law, assets=3):
    return Trailing(jnp.eye(assets), jnp.asarray([1e-4, 4e-4, 2.5e-5])[:assets], law)


def _returns(seed, bars, assets=3):
    rng = np.random.default_rng(seed)
    return rng.standard_t(4, (bars, assets)) * np.sqrt([1e-4, 4e-4, 2.5e-5])[:assets]


@jax.jit
def _scales(trailing, returns):
    def advance(state, now):
        return trailing.step(state, now), trailing.scale(state)

    return jax.lax.scan(advance, trailing.init(), returns)[1]


def _written_out(law, base, returns):
    """The formula, sums over all earlier bars instead of a recursion; no bound is reached."""
    bars, assets = returns.shape
    out = np.empty((bars, assets))
    before = np.empty((bars, assets))  # trailing volatility before each bar

    def weighted(values, half_life, start):
        decay = 0.5 ** (1.0 / half_life)
        age = np.arange(len(values))[::-1]
        past = (1.0 - decay) * np.sum(decay ** age[:, None] * values, axis=0)
        return past + decay ** len(values) * start

    for t in range(bars):
        trailing = weighted(returns[:t] ** 2, 11.0, base)
        before[t] = np.sqrt(trailing)
        standard = np.clip(returns[:t] / before[:t], -4.0, 4.0)
        own = [0.5 * np.log(weighted(returns[:t] ** 2, h, base) / trailing) for h in (1.5, 4.0, 30.0, 90.0, 250.0)]
        own.append(0.5 * np.log(trailing / base))
        own += [weighted(standard, h, np.zeros(assets)) for h in (0.5, 1.5, 5.0, 20.0)]
        own = np.stack(own, axis=1)
        both = np.concatenate([own, np.repeat(own.mean(axis=0, keepdims=True), assets, axis=0)], axis=1)
        out[t] = before[t] * np.exp(float(law.intercept) + both @ np.asarray(law.weights))
    return out


def test_the_scale_is_the_formula_written_out():
    law, returns = _law(), _returns(1, 40)
    found = _scales(_trailing(law), jnp.asarray(returns))
    np.testing.assert_allclose(found, _written_out(law, np.array([1e-4, 4e-4, 2.5e-5]), returns), rtol=1e-10)


def test_without_weights_the_scale_is_the_trailing_volatility():
    trailing = Trailing(jnp.eye(2), jnp.asarray([4.0, 1.0]), volatility_half_life_bars=1.0)
    state = trailing.step(trailing.init(), jnp.asarray([2.0, -3.0]))
    np.testing.assert_allclose(trailing.scale(state), np.sqrt([0.5 * 4 + 0.5 * 4, 0.5 * 1 + 0.5 * 9]), rtol=1e-12)


def test_assets_in_another_order_have_their_scales_in_that_order():
    law, returns, order = _law(2), _returns(2, 30), np.array([2, 0, 1])
    there = _trailing(law)
    turned = Trailing(jnp.eye(3), there.base_variance[order], law)
    one, other = _scales(there, jnp.asarray(returns)), _scales(turned, jnp.asarray(returns[:, order]))
    np.testing.assert_allclose(np.asarray(one)[:, order], other, rtol=1e-10)


def test_units_of_returns_do_not_matter():
    law, returns = _law(3), _returns(3, 30)
    there = _trailing(law)
    scaled = Trailing(jnp.eye(3), 100.0 * there.base_variance, law)
    one, other = _scales(there, jnp.asarray(returns)), _scales(scaled, jnp.asarray(10.0 * returns))
    np.testing.assert_allclose(10.0 * np.asarray(one), other, rtol=1e-10)


def test_an_asset_without_a_bar_keeps_its_horizons():
    trailing = _trailing(_law(4))
    state = trailing.step(trailing.init(), jnp.asarray(_returns(4, 1)[0]))
    blind = trailing.step(state, jnp.asarray([0.01, jnp.nan, -0.01]), jnp.asarray([True, False, True]))
    seen = trailing.step(state, jnp.asarray([0.01, 0.5, -0.01]))
    for kept, new, old in zip(blind.horizons, seen.horizons, state.horizons, strict=True):
        np.testing.assert_array_equal(kept[1], old[1])
        np.testing.assert_array_equal(kept[::2], new[::2])


@pytest.mark.parametrize("moves", [0.0, 1e6], ids=["nothing moves", "everything jumps"])
def test_the_scale_is_bounded_whatever_comes(moves):
    """Weights of ten, and the scale is still within e^2 of the trailing volatility."""
    trailing = _trailing(_law(5, size=10.0))
    state = trailing.init()
    for sign in (1.0, -1.0, 1.0):
        state = trailing.step(state, jnp.full(3, sign * moves))
        relative = np.asarray(trailing.scale(state) / jnp.sqrt(state.variance))
        assert np.all((np.exp(-2.001) < relative) & (relative < np.exp(2.001)))


def _simulated(law, nu, bars, seed):
    """Returns of two assets whose law is the one to be found."""
    trailing = _trailing(law, 2)
    shocks = np.random.default_rng(seed).standard_t(nu, (bars, 2))

    @jax.jit
    def run(trailing, shocks):
        def advance(state, shock):
            now = trailing.scale(state) * shock
            return trailing.step(state, now), now

        return jax.lax.scan(advance, trailing.init(), shocks)[1]

    return trailing, run(trailing, jnp.asarray(shocks))


@pytest.fixture(scope="module")
def known():
    """A stationary law: half the weight on the base level, some on a fast horizon, and a leverage effect."""
    weights = np.zeros(READINGS)
    weights[0], weights[5], weights[6] = 0.15, -0.5, -0.1
    law = ScaleLaw(jnp.asarray(-0.3), jnp.asarray(weights))
    trailing, returns = _simulated(law, 5.0, 6000, 6)
    return law, trailing, returns, fit_scale_law(trailing, returns)


def test_the_fit_finds_a_known_law(known):
    _, trailing, returns, fit = known
    there = eqx.tree_at(lambda tree: tree.law, trailing, fit.law)
    found, truth = _scales(there, returns), _scales(trailing, returns)
    error = np.asarray(jnp.log(found / truth))[64:]
    assert np.sqrt(np.mean(error**2)) < 0.05  # of log scales whose deviation is several times that
    assert np.std(np.asarray(jnp.log(truth))[64:]) > 0.15
    assert fit.degrees_of_freedom == pytest.approx(5.0, abs=0.6)


def test_the_fit_scores_better_than_the_truth_and_than_a_constant(known):
    """In sample a maximum of the likelihood cannot lose to the parameters that drew the sample (the ridge is small)."""
    _, trailing, returns, fit = known
    scale = np.asarray(_scales(trailing, returns))
    before = np.sqrt(np.asarray(_scales(_trailing(ScaleLaw(jnp.zeros(()), jnp.zeros(READINGS)), 2), returns)) ** 2)
    standard = (np.asarray(returns) / before)[64:]
    truth = -np.mean(stats.t.logpdf(np.asarray(returns) / scale, 5.0)[64:] - np.log(scale / before)[64:])
    assert fit.score < truth + 1e-4
    constant = optimize.minimize(
        lambda p: -np.mean(stats.t.logpdf(standard * np.exp(-p[0]), np.exp(p[1])) - p[0]), [0.0, 1.5], method="BFGS"
    )
    assert fit.trailing_score == pytest.approx(constant.fun, abs=1e-6)
    assert fit.score < fit.trailing_score - 0.01


def test_what_is_missing_takes_no_part_in_the_fit(known):
    """Absurd values where nothing was observed change nothing."""
    _, trailing, returns, _ = known
    returns = np.asarray(returns)[:400].copy()
    observed = np.random.default_rng(7).random(returns.shape) < 0.9
    fits = []
    for absurd in (0.0, 1e3):
        returns[~observed] = absurd
        fits.append(fit_scale_law(trailing, jnp.asarray(returns), jnp.asarray(observed)))
    np.testing.assert_array_equal(fits[0].law.weights, fits[1].law.weights)


def test_an_asset_that_never_moves_leaves_everything_finite():
    returns = _returns(10, 300)
    returns[:, 2] = 0.0
    trailing = fit_trailing(jnp.asarray(returns))
    np.testing.assert_array_equal(np.diag(trailing.base_correlation), 1.0)
    assert not np.asarray(trailing.base_correlation)[2, :2].any()
    fit = fit_scale_law(trailing, jnp.asarray(returns))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(fit))
    there = eqx.tree_at(lambda tree: tree.law, trailing, fit.law)
    assert np.all(np.isfinite(_scales(there, jnp.asarray(returns))))


def test_a_market_that_never_moves_is_refused():
    with pytest.raises(ValueError, match="no asset ever moves"):
        fit_scale_law(Trailing(jnp.eye(1), jnp.full(1, 1e-10)), jnp.zeros((200, 1)))


def test_a_return_that_is_not_finite_is_refused():
    returns = _returns(11, 200)
    returns[150, 1] = np.nan
    with pytest.raises(ValueError, match="returns must be finite"):
        fit_scale_law(_trailing(_law()), jnp.asarray(returns))


def test_too_few_bars_are_refused():
    trailing = fit_trailing(jnp.asarray(_returns(8, 100)))
    with pytest.raises(ValueError, match="at least 128 bars, had 100"):
        fit_scale_law(trailing, jnp.asarray(_returns(8, 100)))


def test_a_simulation_takes_the_same_scales_and_leaves_the_moments():
    trailing, returns = _trailing(_law(9)), _returns(9, 5)
    whole = scales = trailing.init()
    for now in returns:
        whole, scales = trailing.step(whole, jnp.asarray(now)), trailing.step_scale(scales, jnp.asarray(now))
    np.testing.assert_array_equal(trailing.scale(whole), trailing.scale(scales))
    np.testing.assert_array_equal(scales.moments, trailing.base_correlation)
    assert not np.allclose(whole.moments, scales.moments)
