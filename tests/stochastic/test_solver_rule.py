"""The solver rule as a table, and why it is the rule: what Euler and Heun converge to on one fine noise path."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.stochastic import (
    FractionalChannel,
    ItoChannel,
    check_solver,
    choose_solver,
    fractional_path,
)
from tests.statistics import assert_mean

SIGMA = 0.5


def additive(hurst):
    return FractionalChannel(hurst, state_dependent=False)


def multiplicative(hurst):
    return FractionalChannel(hurst, state_dependent=True)


ITO = ItoChannel(state_dependent=True)
CONSTANT = ItoChannel(state_dependent=False)


@pytest.mark.parametrize(
    ("channels", "solver"),
    [
        ([], diffrax.Euler),
        ([ITO], diffrax.Euler),
        ([ITO, additive(0.05)], diffrax.Euler),  # the teacher
        ([additive(0.3)], diffrax.Euler),
        ([multiplicative(0.7)], diffrax.Euler),
        ([ITO, multiplicative(0.7)], diffrax.Euler),
        ([multiplicative(0.5)], diffrax.Heun),
        ([multiplicative(0.4)], diffrax.Heun),
        ([multiplicative(0.34), multiplicative(0.8), additive(0.1), CONSTANT], diffrax.Heun),
    ],
)
def test_the_rule(channels, solver):
    assert type(choose_solver(channels)) is solver


@pytest.mark.parametrize("hurst", [0.05, 0.3, 1 / 3])
def test_too_rough_is_refused_with_the_exponent_and_the_remedy(hurst):
    for refuse in (choose_solver, lambda channels: check_solver(diffrax.Heun(), channels)):
        with pytest.raises(ValueError, match=rf"above 1/3, found {hurst}: .*additive"):
            refuse([multiplicative(0.7), multiplicative(hurst)])


@pytest.mark.parametrize("hurst", [0.34, 0.4, 0.5])
def test_euler_is_refused_where_it_is_wrong(hurst):
    with pytest.raises(ValueError, match=rf"Hurst exponent {hurst} <= 1/2: use Heun"):
        check_solver(diffrax.Euler(), [multiplicative(hurst)])
    assert isinstance(check_solver(diffrax.Heun(), [multiplicative(hurst)]), diffrax.Heun)


def test_heun_is_refused_for_an_ito_integral():
    with pytest.raises(ValueError, match="asked for, would turn the Itô integral"):
        check_solver(diffrax.Heun(), [ITO])
    with pytest.raises(ValueError, match=r"needed by fractional noise with Hurst exponent 0.4, would turn"):
        choose_solver([ITO, multiplicative(0.4)])
    assert isinstance(check_solver(diffrax.Heun(), [CONSTANT, additive(0.1)]), diffrax.Heun)


def test_other_solvers_and_exponents_are_refused():
    with pytest.raises(ValueError, match=r"must be Euler or Heun, .*, was Tsit5"):
        check_solver(diffrax.Tsit5(), [additive(0.7)])
    for wrong in (0.0, 1.0, -0.2, float("nan")):
        with pytest.raises(ValueError, match=f"lowest_hurst must lie in .*, was {wrong}"):
            additive(wrong)


_channels = st.lists(
    st.one_of(
        st.builds(ItoChannel, state_dependent=st.booleans()),
        st.builds(FractionalChannel, st.floats(0.01, 0.99), state_dependent=st.booleans()),
    ),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(_channels)
def test_what_is_chosen_may_also_be_asked_for(channels):
    """The rule is consistent: either somebody may be asked for and one of them is chosen, or nobody may."""
    allowed = []
    for solver in (diffrax.Euler(), diffrax.Heun()):
        try:
            allowed.append(type(check_solver(solver, channels)))
        except ValueError:
            continue
    if allowed:
        assert type(choose_solver(channels)) is allowed[0]  # Euler, the cheaper, if both are right
    else:
        with pytest.raises(ValueError):
            choose_solver(channels)


def terminal(field, drift, start, path, solver):
    """Return X at the end of `path`, dX = drift(X) dt + field(X) dB."""
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(lambda t, x, args: drift(x)), diffrax.ControlTerm(lambda t, x, args: field(x), path)
    )
    solution = diffrax.diffeqsolve(
        terms,
        solver,
        t0=path.t0,
        t1=path.t1,
        dt0=None,
        y0=jnp.asarray(start, float),
        stepsize_controller=diffrax.StepTo(ts=jnp.asarray(path.grid)),
        max_steps=path.increments.shape[0],
        adjoint=diffrax.ForwardMode(),
    )
    return solution.ys[0]


def geometric(solver, *, steps, factor=1):
    """Return a jitted (keys, hurst) -> (X_1, B_1) of dX = .5 X dB over [0, 1] on a coarsened path."""

    def one(key, hurst):
        path = fractional_path(key, hurst=hurst, steps=steps, step_size=1.0 / steps)
        end = terminal(lambda x: SIGMA * x, jnp.zeros_like, 1.0, path.coarsened(factor), solver)
        return end, jnp.sum(path.increments)

    return jax.jit(jax.vmap(one, in_axes=(0, None)))


@pytest.mark.slow
@pytest.mark.stat
def test_naive_euler_fails_and_heun_does_not(key):
    keys = jax.random.split(key, 1000)
    euler, _ = geometric(diffrax.Euler(), steps=512, factor=2)(keys, 0.3)
    assert_mean(euler, 0.354, bias=0.0005)  # printed for n = 256; the truth is 1.1331
    heun, motion = geometric(diffrax.Heun(), steps=512)(keys, 0.4)
    truth = np.exp(SIGMA * np.asarray(motion))
    assert np.mean(np.abs(heun - truth)) < 0.01
    assert_mean(truth, np.exp(SIGMA**2 / 2))


@pytest.mark.slow
@pytest.mark.stat
def test_naive_euler_falls_as_printed(key):
    """The finer the grid the worse, at H = .3, where the rule refuses and Heun would converge, slowly."""
    keys = jax.random.split(key, 2000)
    for steps, printed in ((64, 0.590), (256, 0.354), (1024, 0.152), (4096, 0.035)):
        end, _ = geometric(diffrax.Euler(), steps=4096, factor=4096 // steps)(keys, 0.3)
        assert_mean(end, printed, bias=0.0005)
    heun, motion = geometric(diffrax.Heun(), steps=4096)(keys, 0.3)
    assert np.mean(np.abs(heun - np.exp(SIGMA * motion))) < 0.01


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.35, 0.4, 0.5, 0.7])
def test_heun_converges_to_the_pathwise_solution(key, hurst):
    keys = jax.random.split(key, 500)
    errors = []
    for factor in (16, 4, 1):
        end, motion = geometric(diffrax.Heun(), steps=4096, factor=factor)(keys, hurst)
        errors.append(np.sqrt(np.mean((end - np.exp(SIGMA * np.asarray(motion))) ** 2)))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.01


@pytest.mark.slow
@pytest.mark.stat
def test_euler_is_right_above_a_half_and_ito_at_a_half(key):
    keys = jax.random.split(key, 1000)
    euler = geometric(diffrax.Euler(), steps=512)
    smooth, motion = euler(keys, 0.9)
    # log(1 + x) = x - x^2/2: the error is X/2 sigma^2 n^(1 - 2H), .001 at n = 512
    np.testing.assert_allclose(smooth, np.exp(SIGMA * np.asarray(motion)), rtol=0.004)
    brownian, motion = euler(keys, 0.5)
    ito = np.exp(SIGMA * np.asarray(motion) - SIGMA**2 / 2)
    assert_mean(brownian, 1.0)  # a martingale
    assert np.sqrt(np.mean((brownian - ito) ** 2)) < 0.02  # strong order 1/2: sigma^2 sqrt(dt / 2) = .008


REVERSION, FINE = 2.0, 2048


def fractional_ornstein_uhlenbeck(key, hurst):
    """Return Euler's error at steps 4 h, 2 h, h (h = 1/128) for dX = -2 X dt + dB from 1, and nothing else.

    Integrating by parts, X_1 = e^-k + B_1 - k int exp(-k (1 - u)) B_u du; the integral by trapezoids on a grid 16 times
    finer.
    """
    path = fractional_path(key, hurst=hurst, steps=FINE, step_size=1.0 / FINE)
    motion = jnp.concatenate([jnp.zeros(1), jnp.cumsum(path.increments)])
    weighted = jnp.exp(-REVERSION * (1.0 - jnp.asarray(path.grid))) * motion
    integral = (jnp.sum(weighted) - 0.5 * (weighted[0] + weighted[-1])) / FINE
    exact = jnp.exp(-REVERSION) + motion[-1] - REVERSION * integral
    ends = [
        terminal(jnp.ones_like, lambda x: -REVERSION * x, 1.0, path.coarsened(factor), choose_solver([additive(0.05)]))
        for factor in (64, 32, 16)
    ]
    return jnp.stack(ends) - exact


ornstein_uhlenbeck_errors = jax.jit(jax.vmap(fractional_ornstein_uhlenbeck, in_axes=(0, None)))


@pytest.mark.slow
@pytest.mark.stat
@pytest.mark.parametrize("hurst", [0.1, 0.3, 0.5, 0.8])
def test_strong_order_of_euler_with_additive_noise(key, hurst):
    errors = ornstein_uhlenbeck_errors(jax.random.split(key, 1000), hurst)
    size = np.sqrt(np.mean(np.asarray(errors) ** 2, axis=0))
    orders = np.log2(size[:-1] / size[1:])
    np.testing.assert_allclose(orders, min(1.0, hurst + 0.5), atol=0.12)


def test_half_is_brownian_motion(key):
    """At H = 1/2 the fractional driver is white noise: Euler on it is the Brownian random walk, written out."""

    @jax.jit
    def driven(key):
        path = fractional_path(key, hurst=0.5, steps=64, step_size=1.0 / 64)
        return path, terminal(lambda x: SIGMA * x, lambda x: -x, 1.0, path, diffrax.Euler())

    path, end = driven(key)
    x = 1.0
    for increment in np.asarray(path.increments):
        x = x - x / 64 + SIGMA * x * increment
    np.testing.assert_allclose(end, x, rtol=1e-12)
    white = np.asarray(jax.jit(jax.vmap(lambda k: driven(k)[0].increments))(jax.random.split(key, 4000)))
    assert_mean(white**2, 1.0 / 64)
    assert_mean(white[:, 1:] * white[:, :-1], 0.0)
