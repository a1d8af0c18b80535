"""Models in small: martingales, twins, reductions to each other and to Black, refusals."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import stream
from aurora_jax.stochastic import hybrid_volterra_noise, volterra_noise
from aurora_jax.stochastic.reference import Bates, black_call, call_prices
from tests.statistics import assert_mean
from tests.stochastic.reference.fourier import heston as heston_characteristic
from tests.stochastic.reference.fourier import lewis_call
from tests.stochastic.reference.models import HESTON, bates, heston, rough_bergomi, rough_heston

MODELS = {"heston": heston, "bates": bates, "rough_bergomi": rough_bergomi, "rough_heston": rough_heston}
PATHS, STEPS, HORIZON = 4000, 6, 0.5


@jax.jit
def both(model, key):
    """Return paths, and the conditional law of each, which sees the same drive."""
    keys = jax.random.split(key, PATHS)
    path = jax.vmap(lambda k: model.simulate(k, horizon=HORIZON, steps=STEPS))(keys)
    return path, jax.vmap(lambda k: model.conditional(k, horizon=HORIZON, steps=STEPS))(keys)


@pytest.mark.stat
@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_discounted_price_is_a_martingale_with_the_law_it_says(key, name):
    model = MODELS[name]()
    path, law = jax.tree.map(np.asarray, both(model, key))
    spot, rate = float(model.spot), float(model.rate)
    assert path.log_price.shape == (PATHS, STEPS + 1)
    assert path.variance.shape == (PATHS, STEPS)
    assert np.all(path.variance >= 0.0)
    np.testing.assert_allclose(path.times[0], HORIZON / STEPS * np.arange(STEPS + 1))
    np.testing.assert_allclose(path.log_price[:, 0], np.log(spot))
    assert_mean(np.exp(path.log_price - rate * path.times)[:, 1:], spot)
    assert_mean(np.exp(-rate * HORIZON) * law.forward, spot)
    # Given its drive the log price is normal: standardised, it is standard.
    centre = np.log(law.forward) - 0.5 * law.total_variance
    standard = (path.log_price[:, -1] - centre) / np.sqrt(law.total_variance)
    assert_mean(standard, 0.0)
    assert_mean(standard**2, 1.0)
    assert_mean(standard**4, 3.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heston", "rough_bergomi", "rough_heston"])
def test_without_leverage_the_forward_is_certain(key, name):
    """With rho = 0 the drive moves the price's variance, but not its mean: path by path, whatever the step."""
    model = MODELS[name](correlation=0.0)
    law = jax.jit(lambda model, key: model.conditional(key, horizon=4.0, steps=2))(model, key)
    np.testing.assert_allclose(law.forward, float(model.spot) * np.exp(4.0 * float(model.rate)), rtol=1e-12)
    assert law.total_variance > 0.0


def test_rough_heston_integrates_its_kernel_and_its_curve():
    """Closed forms: the exponential kernel at H = 1/2, the power kernel if reversion is 0."""
    times = 0.25 * np.arange(1, 5)
    integrals = jax.jit(lambda model: model._integrals(jnp.asarray(0.25), 4))
    kernel, curve = integrals(rough_heston(hurst=0.5, reversion=3.0, initial_variance=0.09))
    left = (1.0 - np.exp(-3.0 * times)) / 3.0
    np.testing.assert_allclose(np.cumsum(kernel), 0.4 * left, rtol=1e-9)
    np.testing.assert_allclose(np.cumsum(curve), 0.04 * times + 0.05 * left, rtol=1e-9)
    kernel, curve = integrals(rough_heston(hurst=0.1, reversion=1e-12, initial_variance=0.09))
    np.testing.assert_allclose(np.cumsum(kernel), 0.4 * times**0.6 / math.gamma(1.6), rtol=1e-9)
    np.testing.assert_allclose(np.cumsum(curve), 0.09 * times, rtol=1e-9)


@pytest.mark.stat
@pytest.mark.slow
def test_mean_variance_is_the_forward_variance(key):
    """E v = theta + (v0 - theta) e^(-kappa t) (Heston), theta (rough Heston from v0 = theta); log v by its law."""
    times = HORIZON / STEPS * np.arange(STEPS + 1)
    forward = 0.019 + (0.010201 - 0.019) * np.exp(-6.21 * times)
    trapezoids = 0.5 * (forward[1:] + forward[:-1])
    for model, mean in ((heston(), trapezoids), (rough_heston(), 0.04)):
        path, _ = both(model, stream(key, "variance"))
        assert_mean(path.variance, mean)
    # Rough Bergomi's variance is lognormal with so large a spread that its sample mean says nothing.
    path, _ = both(rough_bergomi(), stream(key, "variance"))
    spread = 1.9**2 * times[1:-1] ** 0.14
    logarithm = np.log(path.variance[:, 1:] / 0.235**2) + 0.5 * spread
    assert_mean(logarithm, 0.0)
    assert_mean(logarithm**2, spread)


@pytest.mark.stat
@pytest.mark.slow
def test_rough_heston_forgets_its_start_as_the_kernel_says(key):
    """At H = 1/2 the mean variance of a step is the integral of theta + (v0 - theta) e^(-kappa t)."""
    path, _ = both(rough_heston(hurst=0.5, reversion=3.0, initial_variance=0.09), key)
    times = HORIZON / STEPS * np.arange(STEPS + 1)
    integral = 0.04 * times + 0.05 * (1 - np.exp(-3.0 * times)) / 3.0
    assert_mean(path.variance, np.diff(integral) * STEPS / HORIZON)


def test_rough_bergomi_is_its_formula_on_its_noise(key):
    """A slow twin on the same Volterra noise: Euler's sums in a loop."""
    model = rough_bergomi()
    drawn = jax.jit(lambda key: (model.drive(key, horizon=1.0, steps=4), _noise_of(key)))
    drive, (brownian, rough) = jax.tree.map(np.asarray, drawn(key))
    for i in range(4):
        before = rough[i - 1] if i else 0.0
        variance = 0.235**2 * np.exp(1.9 * before - 0.5 * 1.9**2 * (0.25 * i) ** 0.14)
        np.testing.assert_allclose(drive.variance[i], variance, rtol=1e-12)
        np.testing.assert_allclose(drive.mean[i], -0.125 * variance - 0.9 * np.sqrt(variance) * brownian[i], rtol=1e-9)
        np.testing.assert_allclose(drive.spread[i], 0.19 * 0.25 * variance, rtol=1e-9)


def _noise_of(key):
    return volterra_noise(stream(key, "volterra"), hurst=0.07, steps=4, step_size=0.25)


@pytest.mark.slow
def test_rough_bergomi_takes_the_noise_it_is_given(key):
    model = rough_bergomi(noise=hybrid_volterra_noise)
    drive = jax.jit(lambda key: model.drive(key, horizon=1.0, steps=300))(key)
    assert drive.variance.shape == (300,)
    assert bool(jnp.all(drive.variance > 0.0))


@pytest.mark.slow
def test_jumps_that_never_happen_leave_heston(key):
    calm = bates(intensity=0.0)

    @jax.jit
    def drives(key):
        return calm.drive(key, horizon=1.0, steps=5), calm.heston.drive(stream(key, "heston"), horizon=1.0, steps=5)

    for own, smooth in zip(*drives(key), strict=True):
        np.testing.assert_allclose(own, smooth, rtol=1e-12)


@pytest.mark.stat
@pytest.mark.slow
def test_jumps_have_merton_s_moments(key):
    """Given Heston's drive, what jumps add to the mean has mean lambda h (mu - m) and variance lambda h mu^2."""
    model = Bates(heston(), intensity=6.0, mean_jump=-0.12, jump_deviation=0.15)

    @jax.jit
    @jax.vmap
    def added(key):
        own = model.drive(key, horizon=HORIZON, steps=STEPS)
        smooth = model.heston.drive(stream(key, "heston"), horizon=HORIZON, steps=STEPS)
        return own.mean - smooth.mean, own.spread - smooth.spread

    means, spreads = map(np.asarray, added(jax.random.split(key, PATHS)))
    expected, location = 6.0 * HORIZON / STEPS, np.log(0.88) - 0.5 * 0.15**2
    assert_mean(means, expected * (location + 0.12))
    assert_mean((means - np.mean(means, axis=0)) ** 2, expected * location**2)
    assert_mean(spreads, expected * 0.15**2)


priced = jax.jit(call_prices, static_argnames=("steps", "batches", "batch_paths"))
STRIKES = jnp.array([90.0, 100.0, 110.0])


@pytest.mark.slow
def test_a_certain_variance_is_black_s_model(key):
    """Without volatility of variance nothing is left to average, whatever the correlation."""
    model = heston(volatility_of_variance=1e-5, initial_variance=0.04, long_run_variance=0.04, correlation=0.0)
    prices = priced(model, key, strikes=STRIKES, horizon=1.0, steps=STEPS, batches=2, batch_paths=50)
    forward = 100.0 * np.exp(0.0319)
    exact = [np.exp(-0.0319) * black_call(*map(jnp.asarray, (forward, float(k), 0.04))) for k in STRIKES]
    np.testing.assert_allclose(prices.value, exact, atol=2e-4)
    np.testing.assert_allclose(prices.spot, 100.0, atol=1e-9)
    assert np.all(np.asarray(prices.standard_error) < 1e-4)


@pytest.mark.stat
@pytest.mark.slow
def test_rough_heston_at_a_half_is_heston(key):
    """Against Heston's characteristic function."""
    rough = rough_heston(hurst=0.5, rate=0.0319, **HESTON)
    prices = priced(rough, key, strikes=STRIKES, horizon=1.0, steps=64, batches=16, batch_paths=4096)
    names = {"reversion": 6.21, "initial_variance": 0.010201, "long_run_variance": 0.019, "correlation": -0.7}
    exact = [
        lewis_call(
            lambda z: heston_characteristic(z, horizon=1.0, vol_of_variance=0.61, **names),
            spot=100.0, strike=float(strike), rate=0.0319, horizon=1.0,
        )
        for strike in STRIKES
    ]  # fmt: skip
    bias = 0.01  # of 64 steps: .04 at 16
    assert np.all(np.abs(prices.value - np.asarray(exact)) < 4 * np.asarray(prices.standard_error) + bias)


_WRONG = [
    (heston, "spot", 0.0),
    (heston, "rate", float("nan")),
    (heston, "initial_variance", 0.0),
    (heston, "long_run_variance", -0.1),
    (heston, "reversion", 0.0),
    (heston, "volatility_of_variance", 0.0),
    (heston, "correlation", -1.0),
    (bates, "intensity", -0.1),
    (bates, "mean_jump", -1.0),
    (bates, "jump_deviation", 0.0),
    (rough_heston, "spot", -1.0),
    (rough_heston, "initial_variance", 0.0),
    (rough_heston, "long_run_variance", 0.0),
    (rough_heston, "reversion", 0.0),
    (rough_heston, "volatility_of_variance", float("nan")),
    (rough_heston, "correlation", 1.0),
    (rough_heston, "hurst", 0.0),
    (rough_heston, "hurst", 0.6),
    (rough_bergomi, "spot", 0.0),
    (rough_bergomi, "forward_variance", 0.0),
    (rough_bergomi, "hurst", 1.0),
    (rough_bergomi, "volatility_of_volatility", 0.0),
    (rough_bergomi, "correlation", 1.5),
]


@pytest.mark.parametrize(("build", "name", "value"), _WRONG)
def test_bad_parameters_are_refused(build, name, value):
    with pytest.raises(ValueError, match=rf"{name} must lie in .*, was {value}"):
        build(**{name: value})


@pytest.mark.parametrize("name", MODELS)
def test_bad_grids_are_refused(key, name):
    model = MODELS[name]()
    with pytest.raises(ValueError, match=r"horizon must lie in .*, was 0.0"):
        model.simulate(key, horizon=0.0, steps=4)
    with pytest.raises(ValueError, match="steps must be at least 1, was 0"):
        model.conditional(key, horizon=1.0, steps=0)


@pytest.mark.slow
def test_what_the_schemes_cannot_do_is_refused(key):
    steep = jax.jit(lambda model: model.drive(key, horizon=10.0, steps=1).mean)
    with pytest.raises(Exception, match="has no mean: take more steps"):
        steep(heston(correlation=0.9, volatility_of_variance=2.0)).block_until_ready()
    with pytest.raises(Exception, match="has no mean: take more steps"):
        steep(rough_heston(correlation=0.9, volatility_of_variance=2.0)).block_until_ready()
    with pytest.raises(Exception, match="Mittag-Leffler function must lie in"):
        steep(rough_heston(reversion=9.0)).block_until_ready()
    with jax.enable_x64(False), pytest.raises(RuntimeError, match=r"RoughHeston.drive needs double precision"):
        rough_heston().drive(jax.random.key(0), horizon=1.0, steps=4)


def test_bad_monte_carlo_is_refused(key):
    good = {"strikes": STRIKES, "horizon": 1.0, "steps": 2, "batches": 1, "batch_paths": 2}
    for name, value, message in (
        ("strikes", jnp.array([100.0, 0.0]), "strikes must lie in .*, was 0.0"),
        ("horizon", -1.0, "horizon must lie in .*, was -1.0"),
        ("steps", 0, "steps must be at least 1, was 0"),
        ("batches", 0, "batches must be at least 1, was 0"),
        ("batch_paths", 0, "batch_paths must be at least 1, was 0"),
        ("batch_paths", 1, "number of paths must be at least 2, was 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call_prices(heston(), key, **{**good, name: value})


@pytest.mark.slow
def test_single_precision_follows_the_switch(key):
    with jax.enable_x64(False):
        for build in (heston, rough_bergomi):
            model = build()
            path = jax.jit(lambda model: model.simulate(jax.random.key(1), horizon=1.0, steps=4))(model)
            assert {leaf.dtype for leaf in path} == {jnp.dtype("float32")}
            assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in path)
