import jax.numpy as jnp
import numpy as np

from aurora_jax.crossbar import trend


def test_the_last_21_bars_in_deviations_of_such_a_move():
    """21 bars of -.01 after 21 of .01: a move of .21, deviation .01 a bar, .01 sqrt(21) over so many: sqrt(21)."""
    returns = np.repeat([0.01, -0.01], 21)
    np.testing.assert_allclose(trend(jnp.asarray(returns)), np.sqrt(21.0), rtol=1e-12)


def test_what_never_moves_has_no_trend():
    assert float(trend(jnp.zeros(30))) == 0.0
