"""From real windows through the student's states and back: what SLERP interpolates between."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from aurora_jax.core import stream
from aurora_jax.data import FeaturePipeline, batch_features, fit_standardiser, load_packaged
from aurora_jax.router import EVIDENCE, interpolate, monotonicity_violations
from aurora_jax.student import DSSM, ScaleLaw, fit_trailing
from aurora_jax.training import decoder, label_history, label_paths, real_inputs, route
from aurora_jax.training.route import along
from tests.speaking_network import speaking

FEATURES = ("return_1", "volatility_10")
WINDOW_BARS = 64


@pytest.fixture(scope="module")
def pipeline():
    return FeaturePipeline(FEATURES)


@pytest.fixture(scope="module")
def market():
    return load_packaged("us20").select(("AAPL", "XOM")).between("2014-01-01", None).rows(0, 200)


@pytest.fixture(scope="module")
def standardiser(market, pipeline):
    return fit_standardiser(np.asarray(batch_features(pipeline, market.bars()))[pipeline.warm_up_bars :])


@pytest.fixture(scope="module")
def network():
    """Return a network whose emission depends on its state: an untrained one hardly does."""
    network = speaking(DSSM(len(FEATURES), hidden=4, latent=2, rngs=nnx.Rngs(3)))
    network.decoder_out.kernel[...] = jnp.asarray(np.random.default_rng(0).normal(size=(4, 2)), jnp.float32)
    return network


@pytest.fixture(scope="module")
def returns(market):
    return np.concatenate([np.zeros((1, 2)), market.log_returns()])


@pytest.fixture(scope="module")
def history(market, pipeline, standardiser, network, returns):
    trailing = fit_trailing(jnp.asarray(market.log_returns()))
    # A scale law that says something: what is decoded must not depend on what is expected of a whole market.
    law = ScaleLaw(jnp.asarray(-0.3), jnp.asarray(0.2 * np.random.default_rng(3).standard_normal(20)))
    inputs = real_inputs(market, pipeline, standardiser, eqx.tree_at(lambda tree: tree.law, trailing, law))
    return label_history(
        network, inputs, returns, window_bars=WINDOW_BARS, stride_bars=40, lead_bars=pipeline.warm_up_bars
    )


@pytest.fixture(scope="module")
def decode(network, pipeline, standardiser):
    return decoder(network, pipeline, standardiser, window_bars=WINDOW_BARS)


def test_a_decoded_window_is_the_window_but_for_its_scale(history, decode, returns, pipeline):
    windows, inputs = decode(*history.latent_windows)
    first_end = pipeline.warm_up_bars + WINDOW_BARS
    ends = np.arange(first_end, 201, 40)
    assert windows.shape == (2 * ends.size, WINDOW_BARS)
    for place, (end, asset) in enumerate((end, asset) for end in ends for asset in range(2)):
        real = returns[end - WINDOW_BARS : end, asset]
        ratio = float(jnp.std(windows[place])) / real.std()
        np.testing.assert_allclose(windows[place], ratio * real, atol=2e-3 * ratio * real.std())
    assert inputs.shape == (2 * ends.size, 2 + len(FEATURES) + EVIDENCE)


def test_the_state_and_the_shocks_both_reach_the_window(history, decode):
    """Other states with the same shocks give another window; so do the same states with other shocks."""
    latent, shock = history.latent_windows
    plain, _ = decode(latent, shock)
    restated, inputs = decode(0.5 * latent - 0.2, shock)
    reshocked, _ = decode(latent, shock[::-1])
    for other in (restated, reshocked):
        correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(plain, other, strict=True)]
        assert max(correlations) < 0.99
    assert bool(jnp.all(jnp.isfinite(inputs)))


def test_a_missing_bar_is_not_filtered(history, market, pipeline, standardiser, network, returns):
    """The last bar of the first window is gone: the router is told the state that the transition predicts."""
    end = pipeline.warm_up_bars + WINDOW_BARS
    inputs = real_inputs(market, pipeline, standardiser, fit_trailing(jnp.asarray(market.log_returns())))
    seen = np.ones((200, 2), bool)
    seen[end - 1, 0] = False
    gapped = label_history(
        network,
        inputs._replace(observed=seen),
        returns,
        window_bars=WINDOW_BARS,
        stride_bars=40,
        lead_bars=pipeline.warm_up_bars,
    )
    before = jnp.asarray(history.latent_windows.latent[0, -2])
    np.testing.assert_allclose(gapped.labelled.inputs[0, :2], network.transition(before).mean, atol=2e-6)
    assert not np.allclose(history.labelled.inputs[0, :2], gapped.labelled.inputs[0, :2], atol=1e-3)


def test_labels_and_inputs_of_simulated_paths(network, pipeline, standardiser):
    walks = 0.01 * jax.random.normal(jax.random.key(0), (3, 101, 2)).cumsum(axis=1)
    features = jnp.zeros((3, 101, 2, len(FEATURES)), jnp.float32).at[:, -1, 1, 0].set(7.0)
    labelled = label_paths(network, features, walks, window_bars=WINDOW_BARS)
    assert labelled.inputs.shape == (6, 2 + len(FEATURES) + EVIDENCE)
    np.testing.assert_array_equal(labelled.inputs[:, 2], [0.0, 7.0] * 3)
    np.testing.assert_allclose(labelled.weights.sum(axis=1), 1.0, rtol=1e-5)


def test_a_history_without_a_window_is_refused(network, market, pipeline, standardiser, returns):
    inputs = real_inputs(market, pipeline, standardiser, fit_trailing(jnp.asarray(market.log_returns())))
    with pytest.raises(ValueError, match="200 bars hold no window of 308: use a longer history"):
        label_history(network, inputs, returns, window_bars=300, stride_bars=40, lead_bars=8)


def _named(history, families):
    """Return the windows as if each were clearly of the family given."""
    weights = jnp.asarray(np.eye(3)[np.resize(families, history.labelled.weights.shape[0])], jnp.float32)
    return history._replace(labelled=history.labelled._replace(weights=weights))


@pytest.mark.parametrize(("validation", "judged"), [((2, 0), "validation"), ((1,), "training")])
def test_monotonicity_is_of_paths_held_out_if_there_are_any(
    history, network, pipeline, standardiser, decode, validation, judged
):
    """Between validation windows; where these are all of one family, there is no path that joins two."""
    periods = {"training": _named(history, (0, 1, 2)), "validation": _named(history, validation)}
    slerp = {"slerp_paths": 8, "slerp_points": 6, "slerp_clear_share": 1.0}
    key = jax.random.key(5)
    found = route(
        key,
        network,
        pipeline,
        standardiser,
        **periods,
        simulated=history.labelled,
        **slerp,
        window_bars=WINDOW_BARS,
        steps=3,
    )
    paths = interpolate(
        stream(key, "held out slerp" if judged == "validation" else "slerp"),
        history.latent_windows,
        periods[judged].labelled.weights,
        decode=decode,
        paths=8,
        points=6,
        clear_share=1.0,
    )
    said = np.asarray(along(found.router, paths))
    np.testing.assert_array_equal(found.monotonicity_violations, monotonicity_violations(said, paths.end_family))
