"""The quasi-likelihood against exact Gaussian likelihoods, quadrature and counting."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.stochastic import fractional_covariance
from aurora_jax.teacher import Ablation, TeacherData, log_likelihood, shocked
from aurora_jax.teacher.factor_prediction import predict_factors, whiten
from tests.teacher.conftest import ASSETS, build, double, with_flat, with_hurst, without_jumps

BLOCKS, BARS = 3, 6
_likelihood = jax.jit(log_likelihood)


@pytest.fixture(scope="module")
def gaussian():
    """No jumps, H = 1/2, leverage as it comes."""
    return with_hurst(without_jumps(double(build(1))), 0.5)


def _last_known(reading):
    """No smoothing: before a bar the reading of the bar before is known, and .1 before the block."""
    return jnp.concatenate([jnp.full((BLOCKS, 1, 1), 0.1), reading[:, :-1]], axis=1)


@pytest.fixture(scope="module")
def data():
    """Three regimes with exact readings, of which the last is known before a bar; prices need not be the model's."""
    rng = np.random.default_rng(3)
    reading = jnp.asarray(0.3 * rng.standard_normal((BLOCKS, BARS + 1, 1)))
    return TeacherData(
        returns=jnp.asarray(0.015 * rng.standard_normal((BLOCKS, BARS, ASSETS))),
        log_volatility=reading,
        smooth_log_volatility=_last_known(reading),
        regime=jnp.array([2, 0, 1]),
        error_variance=jnp.asarray(0.0),
    )


def _blocks(model, data):
    """Yield each block's parameters, drift and data as numpy arrays."""
    table = jax.tree.map(np.asarray, model.by_regime())
    drift_of = jax.jit(jax.vmap(model.drift, in_axes=(0, None)))
    for b, regime in enumerate(np.asarray(data.regime)):
        own = jax.tree.map(lambda leaf, z=regime: leaf[z], table)
        drift = np.asarray(drift_of(data.smooth_log_volatility[b, 1:], model.embedding[regime]))
        yield own, drift, np.asarray(data.returns[b]), np.asarray(data.log_volatility[b, :, 0])


@pytest.mark.parametrize("largest", [0.3, 5.0, -7.0])
def test_without_jumps_and_roughness_it_is_the_gaussian_euler_likelihood(gaussian, data, largest):
    """(r_t, v_t+1) given v_t is jointly normal: covariance [[e^2v LL', rho nu e^v L h], [., nu^2]], v held within 4."""
    reading = data.log_volatility.at[1, 2].set(largest)
    # A return of that bar's own size: where the normal density is below 1e-30 the floor of a jump's chance is above it.
    returns = data.returns.at[1, 2].multiply(np.exp(np.clip(largest, -4.0, 4.0)))
    data = TeacherData(returns, reading, _last_known(reading), data.regime, data.error_variance)
    total = 0.0
    for own, drift, returns, reading in _blocks(gaussian, data):
        nu, rho = own.volatility_of_volatility[0], own.leverage
        for t in range(BARS):
            scaled = np.exp(np.clip(reading[t], -4.0, 4.0)) * own.price_factor
            joint = rho * nu * scaled @ own.market_direction
            covariance = np.block([[scaled @ scaled.T, joint[:, None]], [joint[None, :], np.array([[nu**2]])]])
            mean = np.append(drift[t, :ASSETS], reading[t] + drift[t, ASSETS])
            total += stats.multivariate_normal(mean, covariance).logpdf(np.append(returns[t], reading[t + 1]))
    np.testing.assert_allclose(_likelihood(gaussian, data), total / (BLOCKS * BARS), rtol=1e-8)


@pytest.mark.parametrize("error_variance", [0.0, 0.02])
def test_rough_factors_have_the_likelihood_of_fractional_noise(gaussian, data, error_variance):
    """Two data sets with the same returns part differ by the exact Gaussian likelihood of their last reading path."""
    hurst = 0.1
    model = with_flat(with_hurst(gaussian, hurst), lambda m: m.volatility.correlation, 0.0)
    data = data._replace(error_variance=jnp.asarray(error_variance))
    # Only the reading after the block moves: it drives no bar of the block, so the returns part stays as it is.
    moved = data._replace(log_volatility=data.log_volatility.at[:, -1].add(0.4))
    error = 2.0 * np.eye(BARS) - np.eye(BARS, k=1) - np.eye(BARS, k=-1)

    def exact(data):
        total = 0.0
        for own, drift, _, reading in _blocks(model, data):
            fractional = np.asarray(fractional_covariance(jnp.full(BARS, hurst)))
            covariance = own.volatility_of_volatility[0] ** 2 * fractional + error_variance * error
            total += stats.multivariate_normal(cov=covariance).logpdf(np.diff(reading) - drift[:, ASSETS])
        return total / (BLOCKS * BARS)

    difference = _likelihood(model, moved) - _likelihood(model, data)
    np.testing.assert_allclose(difference, exact(moved) - exact(data), rtol=1e-8)
    if error_variance == 0.0:
        prices = 0.0
        for own, drift, returns, reading in _blocks(model, data):
            for t in range(BARS):
                scaled = np.exp(reading[t]) * own.price_factor
                prices += stats.multivariate_normal(drift[t, :ASSETS], scaled @ scaled.T).logpdf(returns[t])
        np.testing.assert_allclose(_likelihood(model, data), exact(data) + prices / (BLOCKS * BARS), rtol=1e-8)


def test_a_noisy_returns_volatility_is_the_one_predicted_a_bar_earlier(gaussian, data):
    """Conditioning written out: a bar's factor has the law of its reading given those before, less the error.

    In the first bar it is the smooth, with the variance of the first prediction.
    """
    hurst, error_variance = 0.1, 0.02
    model = with_flat(with_hurst(gaussian, hurst), lambda m: m.volatility.correlation, 0.0)
    data = data._replace(error_variance=jnp.asarray(error_variance))
    price_drift_of = jax.jit(jax.vmap(model.drift, in_axes=(0, None)))
    error = 2.0 * np.eye(BARS) - np.eye(BARS, k=1) - np.eye(BARS, k=-1)
    total = 0.0
    for b, (own, drift, returns, reading) in enumerate(_blocks(model, data)):
        fractional = np.asarray(fractional_covariance(jnp.full(BARS, hurst)))
        covariance = own.volatility_of_volatility[0] ** 2 * fractional + error_variance * error
        innovation = np.diff(reading) - drift[:, ASSETS]
        total += stats.multivariate_normal(cov=covariance).logpdf(innovation)
        gains = [np.linalg.solve(covariance[:t, :t], covariance[:t, t]) for t in range(BARS)]
        means = [reading[t] + drift[t, ASSETS] + gains[t] @ innovation[:t] for t in range(BARS)]
        variances = [covariance[t, t] - gains[t] @ covariance[:t, t] - error_variance for t in range(BARS)]
        smooth = data.smooth_log_volatility[b, :-1]
        price_drift = np.asarray(price_drift_of(smooth, model.embedding[int(data.regime[b])]))[:, :ASSETS]
        for t in range(BARS):
            mean, variance = (means[t - 1], variances[t - 1]) if t else (float(smooth[0, 0]), variances[0])
            grid = mean + np.sqrt(variance) * np.linspace(-8.0, 8.0, 801)
            weight = stats.norm(mean, np.sqrt(variance)).pdf(grid) * (grid[1] - grid[0])
            shape = own.price_factor @ own.price_factor.T
            density = [stats.multivariate_normal(price_drift[t], np.exp(2.0 * v) * shape).pdf(returns[t]) for v in grid]
            total += np.log(weight @ np.asarray(density))
    # 5e-6 is what few quadrature nodes leave.
    np.testing.assert_allclose(_likelihood(model, data), total / (BLOCKS * BARS), rtol=2e-5)


@pytest.mark.parametrize("error_variance", [0.0, 0.02])
@pytest.mark.parametrize("hurst", [0.1, 0.3])
def test_a_return_tells_of_the_factors_own_innovation_alone(gaussian, hurst, error_variance):
    """By conditioning the joint normal law of increments y and surprises z: y_t given those before it and its own z_t.

    y = nu C e + error, C C' the covariance of the noise, and corr(e_t, z_t) = rho.
    """
    model = with_hurst(gaussian, hurst)
    own = jax.tree.map(lambda leaf: leaf[1], model.by_regime())
    nu, rho = float(own.volatility_of_volatility[0]), float(own.leverage)
    rng = np.random.default_rng(6)
    reading, surprise = 0.2 * rng.standard_normal((BARS + 1, 1)), rng.standard_normal(BARS)
    fractional = np.asarray(fractional_covariance(jnp.full(BARS, hurst)))
    error = 2.0 * np.eye(BARS) - np.eye(BARS, k=1) - np.eye(BARS, k=-1)
    joint = np.block(
        [
            [nu**2 * fractional + error_variance * error, nu * rho * np.linalg.cholesky(fractional)],
            [nu * rho * np.linalg.cholesky(fractional).T, np.eye(BARS)],
        ]
    )
    increments, total = np.diff(reading[:, 0]), 0.0
    for t in range(BARS):
        known = [*range(t), BARS + t]
        values = np.append(increments[:t], surprise[t])
        gain = np.linalg.solve(joint[np.ix_(known, known)], joint[known, t])
        deviation = np.sqrt(joint[t, t] - gain @ joint[known, t])
        total += stats.norm(gain @ values, deviation).logpdf(increments[t])
    whitening = whiten(own, jnp.asarray(error_variance), BARS)
    found = predict_factors(own.leverage, whitening, jnp.asarray(reading), jnp.zeros((BARS, 1)), jnp.asarray(surprise))
    assert abs(rho) > 0.2
    np.testing.assert_allclose(found.log_density, total, rtol=1e-9)


def test_jumps_explain_a_crash_that_the_gaussian_law_cannot(gaussian, data):
    crash = data._replace(returns=data.returns.at[0, 2].set(-0.2))
    jumping = with_flat(gaussian, lambda m: m.jumps.intensity, -3.0)
    assert _likelihood(jumping, crash) > _likelihood(gaussian, crash) + 1.0
    assert _likelihood(jumping, data) < _likelihood(gaussian, data) + 0.1


def test_ablations_are_the_limits_they_name(gaussian, data):
    """No jumps is the limit of a vanishing intensity; no roughness that of H = 1/2; no excitation that of n = 0."""
    taken = dataclasses.replace(gaussian, ablation=Ablation(no_jumps=True))
    np.testing.assert_allclose(_likelihood(taken, data), _likelihood(gaussian, data), rtol=1e-9)
    rough = with_hurst(gaussian, 0.1)
    smooth = dataclasses.replace(rough, ablation=Ablation(no_rough=True))
    np.testing.assert_allclose(_likelihood(smooth, data), _likelihood(gaussian, data), rtol=1e-6)
    exciting = with_flat(gaussian, lambda m: m.jumps.intensity, -1.0)
    still = eqx.tree_at(lambda m: m.jumps.excitation.raw_branching_ratio, exciting, jnp.asarray(-40.0))
    calm = dataclasses.replace(exciting, ablation=Ablation(no_hawkes=True))
    np.testing.assert_allclose(_likelihood(calm, data), _likelihood(still, data), rtol=1e-9)
    assert abs(_likelihood(calm, data) - _likelihood(exciting, data)) > 1e-4


def test_fractional_prices_are_refused(gaussian, data):
    with pytest.raises(ValueError, match="Brownian prices"):
        log_likelihood(shocked(gaussian, price_hurst=0.4), data)


def test_a_move_counts_as_four_deviations_of_the_leverage_where_readings_are_noisy(gaussian, data):
    """Moves up and down by as many deviations are equally likely themselves: the likelihoods differ by the leverage."""
    table = jax.tree.map(np.asarray, gaussian.by_regime())
    drift_of = jax.jit(jax.vmap(gaussian.drift, in_axes=(0, None)))
    z = int(data.regime[1])

    def odd_part(data, deviations):
        """Put block 1's third return so many deviations up, and down, along the market direction."""
        drift = np.asarray(drift_of(data.smooth_log_volatility[1], gaussian.embedding[z]))[2, :ASSETS]
        size = np.exp(float(data.smooth_log_volatility[1, 2, 0])) * deviations
        move = table.price_factor[z] @ table.market_direction[z] * size
        up, down = (
            data._replace(returns=data.returns.at[1, 2].set(jnp.asarray(drift + sign * move))) for sign in (1, -1)
        )
        return float(_likelihood(gaussian, up) - _likelihood(gaussian, down))

    noisy = data._replace(error_variance=jnp.asarray(0.08))
    found = {size: odd_part(noisy, size) for size in (2.0, 4.0, 5.0, 8.0)}
    assert found[5.0] == pytest.approx(found[4.0], abs=1e-9)
    assert found[8.0] == pytest.approx(found[4.0], abs=1e-6)
    assert abs(found[2.0] - found[4.0]) > 1e-3
    # Exact readings are taken at their word at any size.
    assert abs(odd_part(data, 8.0) - odd_part(data, 4.0)) > 1e-3


def test_a_return_is_predicted_without_its_own_reading(gaussian, data):
    """Neither the reading of a bar nor the smooth after it changes what a large return in that bar costs.

    The readings' own likelihood depends on all of them: it is taken out by comparing with no return in that bar.
    """
    jumping = with_flat(gaussian, lambda m: m.jumps.intensity, -1.0)
    noisy = data._replace(error_variance=jnp.asarray(0.08))
    # An intensity that follows volatility must follow what was known of it.
    responding = with_flat(jumping, lambda m: m.jumps.response, 1.0)
    for model in (gaussian, jumping, responding):
        model = with_flat(model, lambda m: m.volatility.correlation, 0.0)

        def gain(data, model=model):
            """What a return of 5 % in the block's last bar costs, against none."""
            large, none = (data._replace(returns=data.returns.at[1, -1].set(r)) for r in (0.05, 0.0))
            return float(_likelihood(model, large) - _likelihood(model, none))

        # The smooth after the last bar, and the reading in it, are made from its own return.
        own = noisy._replace(
            log_volatility=noisy.log_volatility.at[1, -2].add(1.0),
            smooth_log_volatility=noisy.smooth_log_volatility.at[1, -1].add(1.0),
        )
        assert gain(own) == pytest.approx(gain(noisy), abs=1e-9)
        before = noisy._replace(smooth_log_volatility=noisy.smooth_log_volatility.at[1, -2].add(1.0))
        earlier = noisy._replace(log_volatility=noisy.log_volatility.at[1, -3].add(1.0))
        assert abs(gain(before) - gain(noisy)) > 1e-6
        assert abs(gain(earlier) - gain(noisy)) > 1e-4
