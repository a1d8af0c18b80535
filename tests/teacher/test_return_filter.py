"""The density of returns with hidden scale and excitation: by integration, and by enumerating hidden paths."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aurora_jax.teacher.excitation import expected_count
from aurora_jax.teacher.jumps import JumpLaw
from aurora_jax.teacher.return_filter import Bar, JumpDynamics, inverse_gamma_nodes, log_density_of_returns

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
    for jumps, scale in itertools.product(range(3), np.asarray(inverse_gamma_nodes(4.0, jnp.float64))):
        marks = 0.7 * np.eye(2) + 0.3 * 2 * np.outer(direction, direction)
        covariance = np.exp(0.2) * (np.eye(2) + jumps * 1.4**2 * scale * marks)
        mean = np.exp(0.1) * (jumps - 0.4) * -0.5 * direction
        total += stats.poisson(0.4).pmf(jumps) / 7 * stats.multivariate_normal(mean, covariance).pdf(point)
    np.testing.assert_allclose(_density(_LAW, _ALONE, bar, assets=2), np.log(total), rtol=1e-6)


def test_the_filter_is_the_sum_over_all_hidden_paths():
    """Three bars: every path of the held scale and of the counts, with their probabilities, written out."""
    direction = np.array([1.0])
    returns = np.array([[3.0], [0.2], [-4.0]])
    bars = _bars(returns, direction, mean=0.0, variance=0.0, baseline=0.3)
    nodes = np.asarray(inverse_gamma_nodes(4.0, jnp.float64))
    held = 0.6

    def density(value, jumps, scale):
        return stats.norm((jumps - 0.3) * -0.5, np.sqrt(1.0 + jumps * 1.4**2 * scale)).pdf(value)

    one = {
        (t, k): sum(stats.poisson(0.3).pmf(n) * density(returns[t, 0], n, nodes[k]) for n in range(3))
        for t in range(3)
        for k in range(7)
    }
    total = 0.0
    for path in itertools.product(range(7), repeat=3):
        chance = 1.0 / 7.0
        for before, after in itertools.pairwise(path):
            chance *= held * (before == after) + (1.0 - held) / 7.0
        total += chance * np.prod([one[t, k] for t, k in enumerate(path)])
    np.testing.assert_allclose(_density(_LAW, _ALONE, bars, assets=1), np.log(total), rtol=1e-6)


def test_a_jump_raises_the_intensity_of_the_next_bar():
    """Two bars by hand: the expected number of jumps in the first feeds the Poisson mean of the second."""
    dynamics = _ALONE._replace(branching_ratio=jnp.asarray(0.5), held=jnp.asarray(0.0))
    law = JumpLaw(*(jnp.asarray(v) for v in (0.0, [0.0], 40.0, 0.0, 0.0)))
    bars = _bars(np.array([[60.0], [60.0]]), np.array([1.0]), mean=0.0, variance=0.0, baseline=0.01)
    nodes = np.asarray(inverse_gamma_nodes(4.0, jnp.float64))
    densities = np.array([np.mean(stats.norm(0.0, np.sqrt(1.0 + n * 1600.0 * nodes)).pdf(60.0)) for n in range(3)])
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


def test_nodes_are_equally_probable_slices():
    """Against the exact quantiles of the inverse gamma law at the slices' midpoints."""
    middle = (np.arange(7) + 0.5) / 7
    found = np.asarray(inverse_gamma_nodes(6.0, jnp.float64))
    np.testing.assert_allclose(np.sort(found), stats.invgamma(3.0, scale=3.0).ppf(middle), rtol=0.02)


@pytest.mark.parametrize("assets", [1, 2])
def test_without_jumps_it_is_gaussian(assets):
    direction = np.ones(assets) / np.sqrt(assets)
    white = np.array([[0.5, -1.0], [2.0, 0.3]])[:, :assets]
    bars = _bars(white, direction, mean=-0.1, variance=0.0)
    found = _density(_LAW, _ALONE, bars, assets=assets, without_jumps=True)
    np.testing.assert_allclose(found, stats.norm(0.0, np.exp(-0.1)).logpdf(white).sum(), rtol=1e-6)
