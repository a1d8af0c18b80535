"""What a router says of windows that can be judged, and of those that cannot."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import softmax

from aurora_jax.certification import model_uncertainty
from aurora_jax.core import Outcome
from aurora_jax.router import EVIDENCE, Router, RouterNetwork, router_inputs, window_evidence

BARS = 64
_evidence = jax.jit(window_evidence)
_judge = eqx.filter_jit(lambda router, *parts: router.judge(*parts))


@pytest.fixture(scope="module")
def router():
    """Return one before any training, at temperature 2."""
    structure, weights = nnx.split(RouterNetwork(3 + EVIDENCE, rngs=nnx.Rngs(0)))
    return Router(structure, nnx.to_pure_dict(weights), jnp.asarray(2.0), BARS)


@pytest.fixture(scope="module")
def windows():
    return 0.01 * np.random.default_rng(2).standard_normal((2, BARS))


def test_before_training_it_says_what_the_likelihoods_say(router, windows):
    found = _judge(router, jnp.ones((2, 1)), jnp.ones((2, 2)), jnp.asarray(windows))
    nats = np.stack([np.sinh(_evidence(window).values[:3]) for window in windows])
    np.testing.assert_allclose(found.probabilities, softmax(nats / 2.0, axis=1), atol=1e-5)
    assert np.all(np.asarray(found.outcome) == Outcome.OK)


def test_strong_dependence_leaves_the_difference_of_likelihoods(router):
    """phi = .8, theta = .9: all gains on white noise are far above 40 nats for two families, and 20 nats apart."""
    shocks = np.random.default_rng(3).standard_normal(BARS + 1)
    window = [0.0]
    for before, now in itertools.pairwise(shocks):
        window.append(0.8 * window[-1] + now + 0.9 * before)
    window = np.asarray(window[1:])
    nats = np.sinh(np.asarray(_evidence(window).values[:3], float))
    assert min(nats[:2]) > 25.0
    assert nats[1] - nats[0] > 5.0
    found = _judge(router, jnp.zeros((1, 1)), jnp.zeros((1, 2)), jnp.asarray(window[None]))
    np.testing.assert_allclose(found.probabilities[0], softmax(nats / 2.0), atol=1e-4)
    assert float(found.probabilities[0, 1]) > 0.9


def test_evidence_makes_no_family_surer_than_forty_nats(router):
    """1,000 nats ahead at temperature 2: the others are 40 below, softmax(0, -20, -20)."""
    evidence = jnp.zeros((1, EVIDENCE)).at[0, 0].set(jnp.arcsinh(1000.0))
    found = router.probabilities(router_inputs(jnp.zeros((1, 1)), jnp.zeros((1, 2)), evidence)).probabilities
    np.testing.assert_allclose(found[0], softmax([0.0, -20.0, -20.0]), rtol=1e-4)


def test_judging_is_reading_the_inputs_put_together(router, windows):
    latent, features = jnp.ones((2, 1)), jnp.zeros((2, 2))
    evidence = jnp.stack([_evidence(window).values for window in windows])
    direct = router.probabilities(router_inputs(latent, features, evidence))
    judged = router.judge(latent, features, jnp.asarray(windows))
    np.testing.assert_allclose(judged.probabilities, direct.probabilities, atol=1e-6)


def _opinionated(router):
    """Return a router that would prefer the third family of a window that says nothing."""
    bias = jnp.asarray([0.0, 1.0, 2.0], jnp.float32)
    return eqx.tree_at(lambda tree: tree.weights["leave"]["bias"], router, bias)


@pytest.mark.parametrize(
    ("latent", "window", "outcome"),
    [
        (0.0, np.full(BARS, 0.01), Outcome.CONSTANT),
        (0.0, np.where(np.arange(BARS) == 9, np.nan, np.arange(BARS)), Outcome.NON_FINITE),
        (np.nan, np.arange(BARS) % 7.0, Outcome.NON_FINITE),
    ],
)
def test_what_cannot_be_judged_is_uniform_with_the_model_part_of_kappa_at_its_maximum(
    router, windows, latent, window, outcome
):
    """The other asset of the same call is judged as ever."""
    router = _opinionated(router)
    both = jnp.asarray(np.stack([windows[0], window]))
    found = _judge(router, jnp.asarray([[0.0], [latent]]), jnp.zeros((2, 2)), both)
    assert [int(code) for code in found.outcome] == [Outcome.OK, outcome]
    np.testing.assert_array_equal(found.probabilities[1], np.full(3, 1.0 / 3.0))
    assert float(model_uncertainty(found.probabilities[1])) == pytest.approx(1.0, abs=1e-12)
    alone = _judge(router, jnp.zeros((1, 1)), jnp.zeros((1, 2)), both[:1])
    np.testing.assert_array_equal(found.probabilities[0], alone.probabilities[0])


def test_a_router_of_short_windows_has_nothing_to_judge(router, windows):
    router = _opinionated(router)
    short = Router(router.structure, router.weights, router.temperature, 16)
    found = _judge(short, jnp.zeros((2, 1)), jnp.zeros((2, 2)), jnp.asarray(windows[:, :16]))
    assert np.all(np.asarray(found.outcome) == Outcome.TOO_SHORT)
    np.testing.assert_array_equal(found.probabilities, np.full((2, 3), 1.0 / 3.0))


def test_another_width_is_refused(router, windows):
    with pytest.raises(ValueError, match="trained on windows of 64 returns, was given 63"):
        router.judge(jnp.zeros((2, 1)), jnp.zeros((2, 2)), jnp.asarray(windows[:, 1:]))
    with pytest.raises(ValueError, match=r"reads 17 inputs .* was given 18: use the student and the features"):
        router.judge(jnp.zeros((2, 2)), jnp.zeros((2, 2)), jnp.asarray(windows))
    with pytest.raises(ValueError, match="at least the 14 numbers of evidence, were 13"):
        RouterNetwork(13, rngs=nnx.Rngs(0))
