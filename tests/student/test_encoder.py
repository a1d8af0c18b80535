"""The encoder that is trained without a loop over bars: the recursion in NumPy, the served step, missing bars."""

from typing import get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from aurora_jax.config.student_model import StudentModelConfig
from aurora_jax.student import DSSM, ENCODERS, ParallelEncoder, Windows, bind, filter_window
from aurora_jax.student.loss import evidence_loss, filter_bar_by_bar
from tests.student.conftest import ASSETS, BARS, FEATURES

HIDDEN = 8


@pytest.fixture(scope="module")
def network():
    structure, weights = nnx.split(DSSM(FEATURES, hidden=HIDDEN, latent=2, encoder="parallel", rngs=nnx.Rngs(1)))
    leaves, tree = jax.tree.flatten(nnx.to_pure_dict(weights))
    rng = np.random.default_rng(1)
    drawn = [jnp.asarray(rng.normal(0.0, 0.5, leaf.shape), leaf.dtype) for leaf in leaves]
    return nnx.merge(structure, jax.tree.unflatten(tree, drawn))


@pytest.fixture(scope="module")
def observed():
    seen = np.random.default_rng(3).random((BARS, ASSETS)) > 0.3
    seen[11] = False
    return jnp.asarray(seen)


def test_all_bars_at_once_are_the_recursionfilter_bar_by_bar(network, market, observed):
    """In NumPy and in double precision, a bar that is missing leaving the memory as it was."""
    encoder = network.encoder
    assert isinstance(encoder, ParallelEncoder)
    inputs = np.asarray(network.encoder_inputs(market[0], observed), float)
    gate, candidate = (
        (np.asarray(layer.kernel[...], float), np.asarray(layer.bias[...], float))
        for layer in (encoder.gate, encoder.candidate)
    )
    memory, expected = np.zeros((ASSETS, HIDDEN)), []
    for bar, seen in zip(inputs, np.asarray(observed), strict=True):
        share = 1.0 / (1.0 + np.exp(-(bar @ gate[0] + gate[1])))
        moved = (1.0 - share) * memory + share * np.tanh(bar @ candidate[0] + candidate[1])
        memory = np.where(seen[:, None], moved, memory)
        expected.append(memory)
    found = encoder.over_bars(jnp.asarray(inputs, jnp.float32), observed)
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("missing", [False, True])
def test_the_served_step_is_the_batch_filter(network, trailing, market, observed, missing):
    seen = observed if missing else jnp.ones((BARS, ASSETS), bool)
    student = bind(network, trailing)

    @eqx.filter_jit
    def walk(student):
        return jax.lax.scan(lambda state, bar: student.step(state, *bar), student.init(), (*market, seen))

    state, infos = walk(student)
    cells = filter_window(network, market[0], observed=seen if missing else None)
    np.testing.assert_allclose(infos.posterior.mean, cells.posterior.mean, atol=5e-6)
    np.testing.assert_allclose(infos.posterior.log_variance, cells.posterior.log_variance, atol=5e-6)
    np.testing.assert_allclose(state.latent, cells.latent[-1], atol=5e-6)
    location, log_scale = (np.asarray(part) for part in cells.forecast)
    law = np.asarray(infos.forecast.scale) / np.exp(log_scale)  # what the trailing law expected
    np.testing.assert_allclose(np.asarray(infos.forecast.mean) / law, location, atol=5e-6)
    assert np.abs(location).max() > 0.05


@pytest.fixture(scope="module")
def noise(network):
    return jnp.asarray(np.random.default_rng(6).standard_normal((BARS, ASSETS, network.latent)), jnp.float32)


def test_with_posterior_samples_it_is_the_loop_over_cells(network, market, noise, observed):
    found, expected = (
        filter_window(network, market[0], noise, observed),
        filter_bar_by_bar(network, market[0], noise, observed),
    )
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=5e-6)
    still = filter_window(network, market[0], observed=observed)
    assert np.abs(still.latent - found.latent).max() > 0.1


def test_gradients_are_those_of_thefilter_bar_by_bar_pass(network, market, noise, observed):
    windows = Windows(
        market[0][None],
        jnp.asarray(np.random.default_rng(4).standard_t(4, (1, BARS, ASSETS)), jnp.float32),
        jnp.broadcast_to(jnp.eye(ASSETS, dtype=jnp.float32), (1, BARS, ASSETS, ASSETS)),
        observed[None],
    )
    structure, weights = nnx.split(network)

    def gradient(cells_of):
        @jax.jit
        @jax.grad
        def loss(weights):
            model = nnx.merge(structure, weights)
            cells = jax.tree.map(lambda leaf: leaf[None], cells_of(model, market[0], noise, observed))
            return evidence_loss(model, cells, windows, jacobian_weight=0.0, divergence_weight=0.5)[0]

        return loss(weights)

    found, expected = gradient(filter_window), gradient(filter_bar_by_bar)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * max(1.0, float(np.abs(other).max())))
    assert float(np.abs(found.encoder.gate.kernel[...]).max()) > 1e-3


def test_memories_start_from_a_bar_and_a_half_to_sixty_four():
    """With no input the memory falls to half in its half-life."""
    encoder = ParallelEncoder(2, 5, rngs=nnx.Rngs(0))
    share = nnx.sigmoid(encoder.gate.bias[...])
    np.testing.assert_allclose(np.log(0.5) / np.log1p(-np.asarray(share, float)), np.geomspace(1.5, 64, 5), rtol=1e-5)


def test_the_configuration_knows_the_same_encoders():
    assert get_args(StudentModelConfig.model_fields["encoder"].annotation) == tuple(ENCODERS)


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="encoder must be one of gru, parallel, was 'lstm'"):
        DSSM(FEATURES, encoder="lstm", rngs=nnx.Rngs(0))
