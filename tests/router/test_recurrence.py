import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.router._recurrence import decayed_sums

DECAYS = np.array([-0.97, -0.3, 0.0, 0.5, 0.98, 1.0])


@pytest.mark.parametrize("bars", [1, 15, 16, 17, 48, 127])
def test_it_is_the_recursion(bars):
    """Shorter than a chunk, a whole one, one bar more, several."""
    values = np.random.default_rng(bars).standard_normal(bars)
    expected = np.zeros((DECAYS.size, bars))
    for bar in range(bars):
        expected[:, bar] = values[bar] + (DECAYS * expected[:, bar - 1] if bar else 0.0)
    np.testing.assert_allclose(decayed_sums(jnp.asarray(values), DECAYS), expected, rtol=1e-12, atol=1e-12)
