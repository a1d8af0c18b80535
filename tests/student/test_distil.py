"""Each term of the distillation against a hand case, a textbook formula or a law that is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.invariants import extremal_index, tail_dependence, tail_index
from aurora_jax.signatures import signature_kernel, signature_mmd
from aurora_jax.student import (
    DSSM,
    NO_REGIME,
    Imitation,
    LatentMap,
    Surrogates,
    Targets,
    Trailing,
    imitate,
    initial_map,
    latent_divergence,
    regime_overlap,
    signature_loss,
    surrogate_distance,
    surrogate_estimates,
    surrogates,
    tail_loss,
)
from aurora_jax.student.model import Gaussian
from aurora_jax.student.tail_surrogates import SurrogateEstimates
from tests.speaking_network import speaking


def _targets(mean, variance):
    mean = jnp.asarray(mean, float)[:, None]
    return Targets(mean, jnp.full((*mean.shape, 1), variance), jnp.zeros(len(mean), int))


def test_the_latent_divergence_by_hand():
    """Two assets with states 1 and 3 and variance 2: mean 2, variance 1; A = 3, b = -5 give N(1, 9) against N(2, 4)."""
    posterior = Gaussian(jnp.array([[[1.0], [3.0]]]), jnp.full((1, 2, 1), np.log(2.0)))
    latent_map = LatentMap(jnp.array([[3.0]]), jnp.array([-5.0]))
    expected = 0.5 * (9.0 / 4.0 + 1.0 / 4.0 - 1.0 - np.log(9.0 / 4.0))
    assert float(latent_divergence(latent_map, posterior, _targets([2.0], 4.0))) == pytest.approx(expected, rel=1e-3)


def test_the_latent_divergence_of_two_factors_is_the_textbooks():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.standard_normal((5, 3, 4)), rng.standard_normal((5, 3, 4))
    matrix, offset = rng.standard_normal((2, 4)), rng.standard_normal(2)
    root = rng.standard_normal((5, 2, 2))
    target, spread = rng.standard_normal((5, 2)), root @ root.transpose(0, 2, 1) + 0.5 * np.eye(2)
    total = 0.0
    for w in range(5):
        m = matrix @ mean[w].mean(axis=0) + offset
        s = matrix @ np.diag(np.exp(log_variance[w]).mean(axis=0) / 3) @ matrix.T + 1e-4 * np.eye(2)
        t = spread[w] + 1e-4 * np.eye(2)
        inverse, away = np.linalg.inv(t), target[w] - m
        logs = np.log(np.linalg.det(t) / np.linalg.det(s))
        total += 0.5 * (np.trace(inverse @ s) + away @ inverse @ away - 2.0 + logs)
    found = latent_divergence(
        LatentMap(jnp.asarray(matrix), jnp.asarray(offset)),
        Gaussian(jnp.asarray(mean), jnp.asarray(log_variance)),
        Targets(jnp.asarray(target), jnp.asarray(spread), jnp.zeros(5, int)),
    )
    assert float(found) == pytest.approx(total / 5, rel=1e-9)


def test_the_map_starts_at_zero_and_is_pulled_towards_the_teacher():
    start = jax.tree.map(lambda leaf: leaf.astype(float), initial_map(1, 2))
    posterior = Gaussian(jnp.ones((3, 1, 2)), jnp.zeros((3, 1, 2)))
    slope = jax.grad(lambda one: latent_divergence(one, posterior, _targets([1.0, 1.0, 1.0], 1.0)))(start)
    assert float(slope.offset[0]) < 0.0  # downhill is upwards, towards 1


def test_the_overlap_of_regimes_by_hand():
    """States -1 +- .5 and 1 +- .5: variance .5 of two degrees of freedom, D^2 = 4 / .5: exp(-2).

    A stranger takes no part, nor does a regime's only window.
    """
    latent = jnp.array([[-1.5], [-0.5], [0.5], [1.5], [40.0], [7.0]])
    regime = jnp.array([0, 0, 2, 2, NO_REGIME, 1])
    assert float(regime_overlap(latent, regime, regimes=3)) == pytest.approx(np.exp(-2.0), rel=2e-3)
    assert float(regime_overlap(latent, jnp.array([1, 1, 1, 1, NO_REGIME, 0]), regimes=3)) == 0.0
    together = regime_overlap(jnp.array([[-0.5], [0.5], [-0.5], [0.5]]), jnp.array([0, 0, 1, 1]), regimes=3)
    assert float(together) == pytest.approx(1.0)


def test_regimes_that_cannot_be_told_apart_overlap():
    """Forty windows of each of three regimes, six states, one law."""
    latent = jnp.asarray(np.random.default_rng(5).standard_normal((120, 6)))
    assert float(regime_overlap(latent, jnp.arange(120) % 3, regimes=3)) > 0.85


def _paths(seed, *, nu=4.0, memory=0.0, common=0.0, moving=0.0, paths=64, bars=64, assets=3):
    """Student-t returns, with a common mixing variable, clustered volatility, or moving averages of themselves."""
    rng = np.random.default_rng(seed)
    shape = (paths, bars + 1)
    volatility = np.zeros(shape)
    for t in range(1, bars + 1):
        volatility[:, t] = memory * volatility[:, t - 1] + rng.standard_normal(paths)
    mixing = np.where(
        rng.random(shape)[..., None] < common,
        np.sqrt(nu / rng.chisquare(nu, shape))[..., None],
        np.sqrt(nu / rng.chisquare(nu, (*shape, assets))),
    )
    returns = np.exp(0.35 * (memory > 0) * volatility)[..., None] * mixing * rng.standard_normal((*shape, assets))
    return jnp.asarray(returns[:, 1:] + moving * returns[:, :-1], jnp.float32)


def test_the_tail_surrogate_is_hills_formula():
    returns = _paths(0, paths=8, bars=16)
    losses = np.sort(-np.asarray(returns, float).ravel())[::-1]
    count = int(0.05 * losses.size)
    expected = np.mean(np.log(losses[:count] / losses[count]))
    assert float(surrogates(returns).tail_index) == pytest.approx(expected, rel=1e-5)


def test_the_roughness_surrogate_of_a_random_walk_and_of_one_that_trends():
    """Sums of four independent normals are twice as large: H = 1/2. Moving averages trend: above it."""
    normal = jnp.asarray(np.random.default_rng(1).standard_normal((256, 64, 2)), jnp.float32)
    assert float(surrogates(normal).hurst) == pytest.approx(0.5, abs=0.01)
    assert float(surrogates(_paths(1, moving=0.8)).hurst) > 0.55
    assert float(surrogates(_paths(1, moving=-0.5)).hurst) < 0.45


def test_surrogates_put_models_in_the_order_of_the_estimators():
    """Losses of tail index 1/3, 1/5, 1/10; assets that share no, half or all of their mixing; calm and clustered."""
    tails = [_paths(2, nu=nu, paths=256) for nu in (3.0, 5.0, 10.0)]
    real = [float(tail_index(_losses(one).ravel(), tail_count=2000).value) for one in tails]
    assert stats.spearmanr([float(surrogates(one).tail_index) for one in tails], real).statistic == 1.0
    joint = [_paths(3, nu=3.0, common=share, paths=256) for share in (0.0, 0.5, 1.0)]
    pairs = [_losses(one).reshape(-1, 3) for one in joint]
    real = [float(tail_dependence(pair[:, 0], pair[:, 1], quantile=0.95).value) for pair in pairs]
    assert stats.spearmanr([float(surrogates(one).tail_dependence) for one in joint], real).statistic == 1.0
    found = [_paths(4, memory=memory, paths=256) for memory in (0.95, 0.0)]
    real = []
    for one in found:
        losses = _losses(one)[..., 0].ravel()
        real.append(float(extremal_index(losses, threshold=float(jnp.quantile(losses, 0.95)), run_length=4).value))
    soft = [float(surrogates(one).extremal_index) for one in found]
    assert real[0] < real[1] - 0.05
    assert soft[0] < soft[1] - 0.05


def _losses(returns):
    return -jnp.asarray(returns, float)


def test_of_one_asset_there_is_no_dependence_and_gradients_are_finite():
    returns = _paths(5, assets=1)
    assert float(surrogates(returns).tail_dependence) == 0.0
    for flat in (returns, jnp.zeros_like(returns)):
        gradient = jax.grad(lambda x: sum(surrogates(x)))(flat)
        assert bool(jnp.all(jnp.isfinite(gradient)))


def test_too_few_paths_are_refused():
    with pytest.raises(ValueError, match="1 paths of 64 bars and 1 assets are too few"):
        surrogates(jnp.zeros((1, 64, 1)))
    with pytest.raises(ValueError, match=r"groups must lie in \[2, 64\], the paths, was 1"):
        surrogate_estimates(_paths(6), groups=1)


def test_the_distance_is_hubers_in_standard_errors():
    """Differences of .5, 3, 0 and -2 errors cost .125, 2.5, 0 and 1.5."""
    zeros = Surrogates(*(jnp.zeros(()) for _ in range(4)))
    errors = Surrogates(*(jnp.asarray(0.6 - 0.0) for _ in range(4)))
    other = Surrogates(*(jnp.asarray(0.8) for _ in range(4)))
    unit = np.sqrt(0.6**2 + 0.8**2) + 1e-3
    values = Surrogates(*(jnp.asarray(unit * away) for away in (0.5, 3.0, 0.0, -2.0)))
    found = surrogate_distance(SurrogateEstimates(values, errors), SurrogateEstimates(zeros, other))
    assert float(found) == pytest.approx(0.125 + 2.5 + 1.5, rel=1e-6)


def test_the_errors_are_those_of_groups():
    """The mean over groups varies from sample to sample as its error says: within a factor, for each surrogate."""
    found = [surrogate_estimates(_paths(100 + seed, nu=8.0)) for seed in range(24)]
    for name in ("hurst", "tail_index", "extremal_index", "tail_dependence"):
        values = np.asarray([float(getattr(one.values, name)) for one in found])
        errors = np.asarray([float(getattr(one.standard_errors, name)) for one in found])
        assert 0.5 < values.std(ddof=1) / np.sqrt(np.mean(errors**2)) < 1.8


@pytest.fixture(scope="module")
def imitation():
    theirs = 0.01 * _paths(7, paths=24, bars=32, assets=2)
    trailing = Trailing(jnp.eye(2), jnp.full(2, 1e-4))
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), trailing)

    def view(returns):
        return jnp.cumsum(returns / 0.01, axis=0)

    kernel = signature_kernel(jax.vmap(view)(theirs), depth=2)
    return Imitation(theirs, jnp.full(2, 0.01, jnp.float32), view, kernel, single)


def test_paths_of_both_are_of_one_shape_and_the_students_follow_its_network(imitation):
    network = speaking(DSSM(3, hidden=4, latent=2, rngs=nnx.Rngs(0)))
    own, theirs = imitate(network, jax.random.key(1), imitation, paths=16)
    assert own.shape == theirs.shape == (16, 32, 2)
    held = {path.tobytes() for path in np.asarray(imitation.returns)}
    drawn = {path.tobytes() for path in np.asarray(theirs)}
    assert drawn <= held
    assert len(drawn) == 16

    def signature_of(bias):
        wider = nnx.clone(network)
        wider.decoder_out.bias[...] = jnp.array([0.0, bias], jnp.float32)
        mine, others = imitate(wider, jax.random.key(1), imitation, paths=16)
        return signature_loss(mine, others, imitation, depth=2), tail_loss(mine, others, imitation)

    # Four times as volatile as the teacher: farther away, and the gradient of the distance says so.
    calm, wild = signature_of(0.0), signature_of(1.4)
    assert float(wild[0]) > float(calm[0]) + 0.05
    assert float(jax.grad(lambda bias: signature_of(bias)[0])(0.5)) > 0.0
    seen = [jax.vmap(imitation.view)(paths) for paths in (theirs, own)]
    assert float(calm[0]) == pytest.approx(float(signature_mmd(*seen, depth=2, kernel=imitation.kernel)), abs=1e-5)


def test_more_paths_than_the_teacher_has_are_refused(imitation):
    network = speaking(DSSM(3, hidden=4, latent=2, rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"paths must lie in \[2, 24\], those of the teacher, was 25"):
        imitate(network, jax.random.key(1), imitation, paths=25)
