"""The student as a generator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from aurora_jax.student import generate
from tests.student.conftest import ASSETS

_LATENT = jnp.zeros((ASSETS, 2), jnp.float32)


@pytest.fixture(scope="module")
def roll(network, trailing):

    structure, weights = nnx.split(network)

    @jax.jit
    def run(key, latent):
        return generate(nnx.merge(structure, weights), trailing, key, latent, bars=40)

    return run


def test_shapes_and_keys(roll, key):
    returns = roll(key, _LATENT)
    assert returns.shape == (40, ASSETS)
    assert np.all(np.isfinite(returns))
    np.testing.assert_array_equal(returns, roll(key, _LATENT))
    assert not np.allclose(returns, roll(jax.random.key(8), _LATENT))


def test_more_bars_leave_the_first_ones_as_they_were(network, trailing, roll, key):
    """Streams are named and counted: neither length nor another stream shifts a draw."""
    short = generate(network, trailing, key, _LATENT, bars=7)
    np.testing.assert_allclose(short, roll(key, _LATENT)[:7], rtol=1e-5, atol=1e-9)


def _single(trailing):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), trailing)


@pytest.fixture(scope="module")
def fans(network, trailing):
    """Returns of 3,000 paths of 12 bars in single and in double precision, of other draws."""
    structure, weights = nnx.split(network)

    @jax.jit
    def run(trailing, keys):
        model = nnx.merge(structure, weights)
        return jax.vmap(lambda k: generate(model, trailing, k, _LATENT, bars=12))(keys)

    keys = jax.random.split(jax.random.key(21), 6000)
    fans = run(_single(trailing), keys[:3000]), run(trailing, keys[3000:])
    assert [fan.dtype for fan in fans] == [jnp.float32, jnp.float64]
    return [np.asarray(fan, float) for fan in fans]


@pytest.mark.stat
def test_single_precision_has_the_law_of_double(fans):
    """After one bar, over all bars, and in the size of the last one: paths, volatility and tails alike."""
    for what in (lambda fan: fan[:, 0], lambda fan: fan.sum(axis=1), lambda fan: np.abs(fan[:, -1])):
        for asset in range(ASSETS):
            one, other = (what(fan)[:, asset] for fan in fans)
            assert stats.ks_2samp(one, other).pvalue > 1e-3
            most = np.quantile(np.abs(other), 0.999)
            for a, b in ((one, other), (np.minimum(np.abs(one), most), np.minimum(np.abs(other), most))):
                error = np.sqrt((a.var() + b.var()) / a.size)
                assert abs(a.mean() - b.mean()) < 4.0 * error


@pytest.mark.stat
def test_bars_are_drawn_apart(fans):
    """Mixing variables, shocks and latent noise of different bars are independent: so are returns' signs."""
    for fan in fans:
        sign = np.sign(fan - np.median(fan, axis=0, keepdims=True))
        for lag in (1, 2, 6):
            products = sign[:, lag:, 0] * sign[:, :-lag, 0]
            assert abs(products.mean()) < 4.0 / np.sqrt(products.size)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_the_first_bar_has_the_law_of_the_model(network, trailing, precision):
    """A network without noise from the latent state: x_1 is Student-t with known location, scale and correlation."""

    structure, weights = nnx.split(network)
    weights = jax.tree.map(lambda leaf: 0.0 * leaf, nnx.to_pure_dict(weights))
    weights["decoder_out"]["bias"] = jnp.array([0.2, 0.3], jnp.float32)
    weights["emission"]["raw_degrees_of_freedom"] = jnp.asarray(-2.5, jnp.float32)
    still, trailing = nnx.merge(structure, weights), trailing if precision == "double" else _single(trailing)
    keys = jax.random.split(jax.random.key(4), 4000)
    first = np.asarray(jax.jit(jax.vmap(lambda k: generate(still, trailing, k, _LATENT, bars=1)))(keys))[:, 0]
    location, scale = 0.5 * np.tanh(0.2 / 0.5), np.exp(1.5 * np.tanh(0.3 / 1.5))
    standard = (first / np.sqrt(trailing.base_variance) - location) / scale
    law = stats.t(float(still.degrees_of_freedom))
    for asset in range(ASSETS):
        assert stats.kstest(standard[:, asset], law.cdf).pvalue > 1e-3
    # Kendall's tau of an elliptical law is (2 / pi) arcsin(rho); its standard error here is about 0.01.
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected = 2.0 / np.pi * np.arcsin(float(trailing.base_correlation[i, j]))
        assert abs(stats.kendalltau(standard[:, i], standard[:, j]).statistic - expected) < 0.045
    # One mixing variable for all: an extreme of one asset makes an extreme of an uncorrelated one likely.
    extreme = np.abs(standard) > np.quantile(np.abs(standard), 0.99, axis=0, keepdims=True)
    assert np.mean(extreme[extreme[:, 1], 2]) > 0.1


@pytest.mark.parametrize("precision", ["single", "double"])
def test_latent_noise_has_its_own_variance_and_stream(network, trailing, precision):
    r"""$x_1 = \mu(z) + \sigma \varepsilon$, z of known variance apart from it: by quadrature.

    Were both drawn from one stream, location and shock of the first asset would rise together.
    """
    structure, weights = nnx.split(network)
    weights = jax.tree.map(lambda leaf: 0.0 * leaf, nnx.to_pure_dict(weights))
    weights["transition_out"]["bias"] = jnp.array([0.0, 0.0, -2.0, -2.0], jnp.float32)
    weights["decoder_hidden"]["kernel"] = weights["decoder_hidden"]["kernel"].at[0, 0].set(1.0)
    weights["decoder_out"]["kernel"] = weights["decoder_out"]["kernel"].at[0, 0].set(2.0)
    weights["decoder_out"]["bias"] = jnp.array([0.0, -4.0], jnp.float32)
    still, trailing = nnx.merge(structure, weights), trailing if precision == "double" else _single(trailing)
    keys = jax.random.split(jax.random.key(5), 4000)
    first = np.asarray(jax.jit(jax.vmap(lambda k: generate(still, trailing, k, _LATENT, bars=1)))(keys))[:, 0]
    standard = first / np.sqrt(trailing.base_variance)
    deviation = np.exp(0.5 * float(still.transition(_LATENT).log_variance[0, 0]))
    nodes, shares = np.polynomial.hermite_e.hermegauss(60)
    location = 0.5 * np.tanh(2.0 * np.tanh(deviation * nodes) / 0.5)
    scale, law = np.exp(1.5 * np.tanh(-4.0 / 1.5)), stats.t(float(still.degrees_of_freedom))

    def below(x):
        return law.cdf((x[:, None] - location) / scale) @ shares / shares.sum()

    for asset in range(ASSETS):
        assert stats.kstest(standard[:, asset], below).pvalue > 1e-3
