"""The density of returns with hidden scale and excitation: by integration, and by enumerating hidden paths."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.teacher.excitation import expected_count
from aurora_jax.teacher.jumps import JumpLaw
from aurora_jax.teacher.return_filter import (
    MIXING_NODES,
    Bar,
    JumpDynamics,
    inverse_gamma_log_weights,
    log_density_of_returns,
)

_LAW = JumpLaw(*(jnp.asarray(v) for v in (0.0, [0.0], 1.4, -0.5, 0.3)))
_ALONE = JumpDynamics(*(jnp.asarray(v) for v in (4.0, 0.6, 0.0, 0.5)))
_density = jax.jit(log_density_of_returns, static_argnames=("assets", "without_jumps"))


def _bars(white, direction, *, mean=0.2, variance=0.05, baseline=0.4):
    white = np.atleast_2d(white)
    count = white.shape[0]
    return Bar(
        jnp.asarray(np.sum(white**2, axis=1)),
        jnp.asarray(white @ direction),
        jnp.full(count, mean),
        jnp.full(count, variance),
        jnp.full(count, baseline),
    )


def weights_of(degrees_of_freedom):
    return np.exp(np.asarray(inverse_gamma_log_weights(jnp.asarray(degrees_of_freedom))))


def test_a_bar_integrates_to_the_chance_of_two_jumps_or_fewer():
    """The one thing neglected is a third jump, whatever the predictive law of the volatility."""
    direction = np.array([0.6, 0.8])
    grid = np.linspace(-80.0, 80.0, 401)
    white = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    bars = _bars(white, direction, baseline=0.7)
    single = jax.tree.map(lambda leaf: leaf[:, None], bars)
    density = jax.jit(jax.vmap(lambda bar: log_density_of_returns(_LAW, _ALONE, bar, assets=2)))(single)
    mass = np.sum(np.exp(density)) * (grid[1] - grid[0]) ** 2
    np.testing.assert_allclose(mass, stats.poisson(0.7).cdf(2), rtol=2e-3)


def test_one_bar_by_the_mixture_written_out():
    """With known volatility: sum over jumps and nodes of Poisson times a bivariate normal density."""
    direction, point = np.array([0.6, 0.8]), np.array([1.3, -2.0])
    bar = _bars(point, direction, mean=0.1, variance=0.0, baseline=0.4)
    total = 0.0
    chances = weights_of(4.0)
    for jumps, (scale, chance) in itertools.product(range(3), zip(MIXING_NODES, chances, strict=True)):
        marks = 0.7 * np.eye(2) + 0.3 * 2 * np.outer(direction, direction)
        covariance = np.exp(0.2) * (np.eye(2) + jumps * 1.4**2 * scale * marks)
        mean = np.exp(0.1) * (jumps - 0.4) * -0.5 * direction
        total += stats.poisson(0.4).pmf(jumps) * chance * stats.multivariate_normal(mean, covariance).pdf(point)
    np.testing.assert_allclose(_density(_LAW, _ALONE, bar, assets=2), np.log(total), rtol=1e-6)


def test_the_filter_is_the_sum_over_all_hidden_paths():
    """Three bars: every path of the held scale and of the counts, with their probabilities, written out."""
    direction = np.array([1.0])
    returns = np.array([[3.0], [0.2], [-4.0]])
    bars = _bars(returns, direction, mean=0.0, variance=0.0, baseline=0.3)
    nodes, chances = MIXING_NODES, weights_of(4.0)
    held, places = 0.6, range(len(MIXING_NODES))

    def density(value, jumps, scale):
        return stats.norm((jumps - 0.3) * -0.5, np.sqrt(1.0 + jumps * 1.4**2 * scale)).pdf(value)

    one = {
        (t, k): sum(stats.poisson(0.3).pmf(n) * density(returns[t, 0], n, nodes[k]) for n in range(3))
        for t in range(3)
        for k in places
    }
    total = 0.0
    for path in itertools.product(places, repeat=3):
        chance = chances[path[0]]
        for before, after in itertools.pairwise(path):
            chance *= held * (before == after) + (1.0 - held) * chances[after]
        total += chance * np.prod([one[t, k] for t, k in enumerate(path)])
    np.testing.assert_allclose(_density(_LAW, _ALONE, bars, assets=1), np.log(total), rtol=1e-6)


def test_a_jump_raises_the_intensity_of_the_next_bar():
    """Two bars by hand: the expected number of jumps in the first feeds the Poisson mean of the second."""
    dynamics = _ALONE._replace(branching_ratio=jnp.asarray(0.5), held=jnp.asarray(0.0))
    law = JumpLaw(*(jnp.asarray(v) for v in (0.0, [0.0], 40.0, 0.0, 0.0)))
    bars = _bars(np.array([[60.0], [60.0]]), np.array([1.0]), mean=0.0, variance=0.0, baseline=0.01)
    densities = np.array(
        [weights_of(4.0) @ stats.norm(0.0, np.sqrt(1.0 + n * 1600.0 * MIXING_NODES)).pdf(60.0) for n in range(3)]
    )
    excess, total, means = 0.01, 0.0, []  # the start is stationary: .01 x .5 / .5
    for _ in range(2):
        mean = float(expected_count(jnp.asarray(0.01), jnp.asarray(excess), branching_ratio=0.5, decay=0.5))
        joint = stats.poisson(mean).pmf(range(3)) * densities
        total += np.log(joint.sum())
        jumps = joint @ np.arange(3) / joint.sum()
        excess = np.exp(-0.5) * excess + 0.5 * (1.0 - np.exp(-0.5)) * jumps
        means.append(mean)
    np.testing.assert_allclose(_density(law, dynamics, bars, assets=1), total, rtol=1e-6)
    assert means[1] > 5.0 * means[0]


@pytest.mark.parametrize("degrees_of_freedom", [2.2, 3.0, 5.0, 12.0, 30.0])
def test_marks_on_the_grid_are_student_t_far_into_the_tail(degrees_of_freedom):
    """The mixture of normals over the grid against the density of scipy's t law, out to 20 of its units."""
    x = np.geomspace(0.01, 20.0, 60)
    mixed = weights_of(degrees_of_freedom) @ stats.norm(0.0, np.sqrt(MIXING_NODES)[:, None]).pdf(x)
    np.testing.assert_allclose(mixed, stats.t(degrees_of_freedom).pdf(x), rtol=0.03)


def _market(seed, degrees_of_freedom, *, held, paths=40, steps=500):
    """Returns of the filter's own market, by numpy: at most two jumps a bar, a scale that is held, volatility 1."""
    rng, mean = np.random.default_rng(seed), 0.5
    chance = stats.poisson(mean).pmf(range(3))
    count = rng.choice(3, (paths, steps), p=chance / chance.sum())
    fresh = stats.invgamma(degrees_of_freedom / 2, scale=degrees_of_freedom / 2).rvs((paths, steps), random_state=rng)
    scale = fresh.copy()
    for t in range(1, steps):
        scale[:, t] = np.where(rng.random(paths) < held, scale[:, t - 1], fresh[:, t])
    spread = np.sqrt(1.0 + count * 3.0**2 * scale)
    return mean, spread * rng.standard_normal((paths, steps))


@pytest.mark.stat
@pytest.mark.parametrize("held", [0.0, 0.8])
def test_the_degrees_of_freedom_are_found_again(held):
    """The likelihood is highest at the nu that 20,000 bars were drawn with, within the error that its curvature gives.

    With seven equally probable values of the scale, as it was, the maximum lay at 2.2.
    """
    mean, returns = _market(7, 3.0, held=held)
    law = JumpLaw(*(jnp.asarray(v) for v in (0.0, [0.0], 3.0, 0.0, 0.0)))
    flat = jnp.full_like(returns, 0.0)
    bars = Bar(jnp.asarray(returns**2), jnp.asarray(returns), flat, flat, flat + mean)

    @jax.jit
    def log_likelihood(nu):
        dynamics = JumpDynamics(nu, *(jnp.asarray(v) for v in (held, 0.0, 0.5)))
        return jnp.sum(jax.vmap(lambda path: log_density_of_returns(law, dynamics, path, assets=1))(bars))

    grid = np.linspace(2.5, 3.5, 9)
    curvature, slope, _ = np.polyfit(grid - 3.0, [float(log_likelihood(jnp.asarray(nu))) for nu in grid], 2)
    error = np.sqrt(-0.5 / curvature)
    assert error < 0.15
    assert abs(-0.5 * slope / curvature) < 3.5 * error


@pytest.mark.parametrize(("beyond", "bound"), [(6.0, 4.0), (-9.0, -4.0)])
def test_volatility_is_held_within_four_logarithms(beyond, bound):
    far, near = (_bars(np.array([0.5]), np.array([1.0]), mean=mean, variance=0.0) for mean in (beyond, bound))
    # At the bound itself the quadrature spreads by 1e-6, for a gradient in the variance.
    np.testing.assert_allclose(_density(_LAW, _ALONE, far, assets=1), _density(_LAW, _ALONE, near, assets=1), rtol=1e-6)


@pytest.mark.parametrize("assets", [1, 2])
def test_without_jumps_it_is_gaussian(assets):
    direction = np.ones(assets) / np.sqrt(assets)
    white = np.array([[0.5, -1.0], [2.0, 0.3]])[:, :assets]
    bars = _bars(white, direction, mean=-0.1, variance=0.0)
    found = _density(_LAW, _ALONE, bars, assets=assets, without_jumps=True)
    np.testing.assert_allclose(found, stats.norm(0.0, np.exp(-0.1)).logpdf(white).sum(), rtol=1e-6)
