"""What the distillation is judged by, against scipy, known laws and students of known likeness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.signatures import signature_kernel
from aurora_jax.student import DSSM, Imitation, Trailing, Windows, generate, trailing_law
from aurora_jax.study import exceedances, held_out_evidence, likeness, overlap_of_regimes
from tests.speaking_network import speaking


def _network(**sizes):
    return DSSM(3, hidden=4, latent=2, degrees_of_freedom=5.0, rngs=nnx.Rngs(1), **sizes)


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    shape = (4, 12, 2)
    return Windows(
        rng.standard_normal((*shape, 3)).astype(np.float32),
        rng.standard_normal(shape).astype(np.float32),
        np.tile(np.eye(2, dtype=np.float32), (4, 12, 1, 1)),
    )


def test_evidence_of_a_new_network_is_its_law_less_the_divergence(windows):
    """It says nothing whatever the draw, so its densities are scipy's; the bound lies below by the divergence."""
    network = _network()
    found = held_out_evidence(network, jax.random.key(0), windows)
    returns = np.asarray(windows.standard_returns, float)
    joint = stats.multivariate_t(np.zeros(2), np.eye(2), df=5.0).logpdf(returns) / 2
    single = stats.t(5.0).logpdf(returns)
    assert found.forecast == pytest.approx(-0.5 * (joint[:, 1:].mean() + single[:, 1:].mean()), rel=1e-4)
    assert found.bound < joint.mean() - 0.05
    # Without features, and weights that add nothing to the prior, there is no divergence.
    still = jax.tree.map(jnp.zeros_like, nnx.to_pure_dict(nnx.split(network)[1]))
    still["emission"] = nnx.to_pure_dict(nnx.split(network)[1])["emission"]
    nothing = held_out_evidence(nnx.merge(nnx.split(network)[0], still), jax.random.key(0), windows)
    assert nothing.bound == pytest.approx(joint.mean(), rel=1e-4)


def _imitation(scale=1.0, paths=64, seed=0):
    """Paths of a network that says nothing: t returns of one deviation, times `scale`."""
    trailing = jax.tree.map(
        lambda leaf: leaf.astype(jnp.float32), Trailing(jnp.eye(2), jnp.full(2, 1e-4), trailing_law())
    )
    rest = jnp.zeros((2, 2), jnp.float32)
    one = lambda key: generate(_network(), trailing, key, rest, bars=72)[32:]  # noqa: E731
    returns = scale * jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(seed), paths))
    view = lambda path: jnp.cumsum(path, axis=0) / 0.05  # noqa: E731
    kernel = signature_kernel(jax.vmap(view)(returns), depth=2)
    return Imitation(returns, jnp.full(2, 0.01, jnp.float32), view, kernel, trailing)


def test_a_student_is_like_a_teacher_that_is_its_twin():
    """And unlike one whose moves are half as large: farther in paths, and beyond its 95 % loss far more often."""
    alike = {"groups": 4, "group_paths": 32, "depth": 2}
    twin = likeness(_network(), jax.random.key(1), _imitation(paths=128), **alike)
    other = likeness(_network(), jax.random.key(1), _imitation(0.5, paths=128), **alike)
    assert abs(twin.signature_distance) < 4 * twin.signature_error
    assert other.signature_distance > 4 * other.signature_error
    assert twin.exceedance_share == pytest.approx(0.05, abs=0.02)
    assert other.exceedance_share > 0.1
    assert twin.exceedances < 0.12 < other.exceedances


def test_exceedances_are_those_beyond_the_references_95_percent_loss():
    """Uniform losses on (0, 1) and on (0, 2): beyond .95 lie 5 % and 52.5 %; of the wider .05 / 1.05 below 1."""
    rng = np.random.default_rng(2)
    one, two = -rng.random((100, 100, 2)), -2.0 * rng.random((100, 100, 2))
    distance, share = exceedances(two, one)
    assert share == pytest.approx(0.525, abs=0.01)
    assert distance == pytest.approx(1.0 - 0.05 / 1.05, abs=0.01)
    same, share = exceedances(one, one)
    assert (same, share) == (0.0, pytest.approx(0.05, abs=1e-3))
    assert exceedances(np.zeros((1, 100, 2)), one) == (1.0, 0.0)


@pytest.mark.parametrize(("groups", "paths", "words"), [(1, 8, "at least 2"), (4, 32, "4 groups of 32 paths")])
def test_too_few_groups_or_paths_are_refused(groups, paths, words):
    with pytest.raises(ValueError, match=words):
        likeness(_network(), jax.random.key(0), _imitation(paths=16), groups=groups, group_paths=paths, depth=2)


def test_regimes_that_a_network_sees_overlap_less(windows):
    """Features far apart by regime, against the same windows named at random."""
    rng = np.random.default_rng(3)
    regime = np.repeat([0, 2], 16)
    features = (rng.standard_normal((32, 12, 2, 3)) + 3.0 * (regime[:, None, None, None] - 1)).astype(np.float32)
    many = Windows(features, np.zeros((32, 12, 2), np.float32), np.tile(np.eye(2, dtype=np.float32), (32, 12, 1, 1)))
    network = speaking(_network())
    apart = overlap_of_regimes(network, many, regime)
    assert apart < 0.5 < overlap_of_regimes(network, many, rng.permutation(regime))
