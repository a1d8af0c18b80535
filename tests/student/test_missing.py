"""Bars that an asset does not have: predicted, not taken in, and no part of the loss."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.core import stream
from aurora_jax.student import DSSM, TrainSettings, Windows, filter_window, standardise_returns, student_loss, train
from tests.student.conftest import ASSETS, BARS, FEATURES, density

_GONE = (5, 6, 7, 20)  # bars without the second asset; bar 20 has no asset at all
_WEIGHTS = {"jacobian_weight": 0.3, "divergence_weight": 0.7}


@pytest.fixture(scope="module")
def observed():
    seen = np.ones((BARS, ASSETS), bool)
    seen[list(_GONE), 1] = False
    seen[20] = False
    return jnp.asarray(seen)


@pytest.fixture(scope="module")
def step(student):
    return eqx.filter_jit(student.step)


def _walk(student, step, market, observed):
    state, infos = student.init(), []
    for bar in zip(*market, observed, strict=True):
        state, info = step(state, *bar)
        infos.append(info)
    return state, infos


def test_a_missing_asset_is_predicted_by_the_transition(network, student, step, market):
    features, returns = market
    state = student.init()
    for t in range(4):
        state, _ = step(state, features[t], returns[t])
    seen = jnp.asarray([True, False, True])
    after, info = step(state, features[4], returns[4], seen)
    prior = network.transition(state.latent[1])
    np.testing.assert_allclose(after.latent[1], prior.mean, atol=1e-6)
    np.testing.assert_allclose(info.posterior.log_variance[1], prior.log_variance, atol=1e-6)
    np.testing.assert_array_equal(after.hidden[1], state.hidden[1])
    assert after.trailing.variance[1] == state.trailing.variance[1]
    assert after.trailing.moments[1, 1] == state.trailing.moments[1, 1]
    # The others go on as ever, and so do the moments between them.
    whole, _ = step(state, features[4], returns[4], jnp.ones(ASSETS, bool))
    for asset in (0, 2):
        assert after.trailing.variance[asset] == whole.trailing.variance[asset]
        assert not np.allclose(after.latent[asset], network.transition(state.latent[asset]).mean, atol=1e-3)
    assert after.trailing.moments[0, 2] == whole.trailing.moments[0, 2] != state.trailing.moments[0, 2]


def test_the_others_go_on_as_in_a_market_without_it(network, market):
    """The mean over assets that the encoder sees is that of the assets which have a bar."""
    rng = np.random.default_rng(11)
    hidden, latent = (jnp.asarray(rng.standard_normal((ASSETS, n)), jnp.float32) for n in (network.hidden, 2))
    seen, left = jnp.asarray([True, False, True]), np.array([0, 2])
    noise = jnp.zeros_like(latent)
    after, found = network.cell(hidden, latent, market[0][3], noise, seen)
    alone, expected = network.cell(hidden[left], latent[left], market[0][3][left], noise[left])
    np.testing.assert_allclose(after[left], alone, rtol=1e-5, atol=1e-6)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one[left], other, rtol=1e-5, atol=1e-6)


def test_nothing_depends_on_what_was_not_observed(student, step, market, observed):
    features, returns = market
    hidden = jnp.where(observed[..., None], features, jnp.nan), jnp.where(observed, returns, jnp.nan)
    expected = _walk(student, step, market, observed)
    found = _walk(student, step, hidden, observed)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.all(np.isfinite(one))


def test_a_window_is_filtered_as_bar_by_bar(network, student, step, market, observed):
    _, infos = _walk(student, step, market, observed)
    cells = filter_window(network, market[0], observed=observed)
    for t, info in enumerate(infos):
        np.testing.assert_allclose(cells.posterior.mean[t], info.posterior.mean, atol=2e-6)
        np.testing.assert_allclose(cells.posterior.log_variance[t], info.posterior.log_variance, atol=2e-6)


def test_saying_that_all_were_observed_changes_nothing(network, trailing, market):
    noise = jax.random.normal(jax.random.key(6), (BARS, ASSETS, network.latent), jnp.float32)
    whole = jnp.ones((BARS, ASSETS), bool)
    for untold, told in (
        (filter_window(network, market[0], noise), filter_window(network, market[0], noise, whole)),
        (standardise_returns(trailing, market[1]), standardise_returns(trailing, market[1], whole)),
    ):
        for one, other in zip(jax.tree.leaves(untold), jax.tree.leaves(told), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-6)


def test_the_loss_leaves_those_bars_out(network, trailing, market, observed):
    """The densities are means over whole bars, checked with scipy; the divergence of a predicted asset is 0."""
    features, returns = market
    standard, whitening = (part.astype(jnp.float32) for part in standardise_returns(trailing, returns, observed))
    key = stream(jax.random.key(3), "loss")
    wild = jnp.where(observed, standard, 1e3)
    windows = Windows(features[None], wild[None], whitening[None], observed[None])
    parts = jax.jit(lambda: student_loss(network, key, windows, **_WEIGHTS)[1])()
    noise = jax.random.normal(key, (1, BARS, ASSETS, network.latent), jnp.float32)[0]
    cells = filter_window(network, features, noise, observed)
    whole = [t for t in range(BARS) if t not in _GONE]
    now = [density(network, *(part[t] for part in (*cells.emission, standard, whitening))) for t in whole]
    ahead = [
        density(network, cells.forecast[0][t - 1], cells.forecast[1][t - 1], standard[t], whitening[t])
        for t in whole[1:]
    ]
    np.testing.assert_allclose(parts.reconstruction, -np.mean(now) / ASSETS, rtol=1e-5)
    np.testing.assert_allclose(parts.prediction, -np.mean(ahead) / ASSETS, rtol=1e-5)
    # Each asset alone counts wherever it has a bar, be the bar whole or not.
    location, scale = np.asarray(cells.forecast[0][:-1]), np.exp(np.asarray(cells.forecast[1][:-1]))
    single = stats.t(float(network.degrees_of_freedom), loc=location, scale=scale).logpdf(np.asarray(standard)[1:])
    np.testing.assert_allclose(parts.single, -np.mean(single[np.asarray(observed)[1:]]), rtol=1e-5)
    for t in _GONE:
        np.testing.assert_array_equal(cells.posterior.mean[t, 1], cells.prior.mean[t, 1])
        np.testing.assert_array_equal(cells.posterior.log_variance[t, 1], cells.prior.log_variance[t, 1])


def test_windows_without_a_whole_bar_have_no_joint_densities(network, market):
    """Nothing to say is 0, not NaN."""
    features = market[0][None]
    whitening = jnp.broadcast_to(jnp.eye(ASSETS, dtype=jnp.float32), (1, BARS, ASSETS, ASSETS))
    never = jnp.ones((1, BARS, ASSETS), bool).at[:, :, 0].set(False)
    windows = Windows(features, jnp.zeros((1, BARS, ASSETS), jnp.float32), whitening, never)
    total, parts = student_loss(network, jax.random.key(0), windows, **_WEIGHTS)
    assert (parts.reconstruction, parts.prediction) == (0.0, 0.0)
    assert np.isfinite(total)
    assert parts.single > 0.0  # two assets of three were there


def test_windows_in_which_nothing_was_observed_are_refused():
    some = Windows(
        np.zeros((2, 5, 1, FEATURES), np.float32),
        np.zeros((2, 5, 1), np.float32),
        np.ones((2, 5, 1, 1), np.float32),
        np.ones((2, 5, 1), bool),
    )
    # A first bar has no bar before it to be forecast from.
    nothing = some._replace(observed=np.arange(5)[None, :, None] < np.ones((2, 1, 1)))
    network = DSSM(FEATURES, hidden=4, latent=2, rngs=nnx.Rngs(0))
    for name, real, validation in (("training", nothing, some), ("validation", some, nothing)):
        with pytest.raises(ValueError, match=f"no return of the {name} windows was observed"):
            train(network, jax.random.key(0), real, some, validation, TrainSettings(1))


def test_a_market_with_gaps_can_be_trained_on_beside_one_without():
    rng = np.random.default_rng(7)

    def windows(observed):
        return Windows(
            rng.standard_normal((4, 12, 2, FEATURES)).astype(np.float32),
            rng.standard_normal((4, 12, 2)).astype(np.float32),
            np.tile(np.eye(2, dtype=np.float32), (4, 12, 1, 1)),
            observed,
        )

    seen = rng.random((4, 12, 2)) > 0.2
    network = DSSM(FEATURES, hidden=4, latent=2, rngs=nnx.Rngs(0))
    result = train(
        network,
        jax.random.key(1),
        windows(seen),
        windows(None),
        windows(None),
        TrainSettings(3, batch_windows=4, teacher_share=0.5),
    )
    assert np.all(np.isfinite(result.losses))
