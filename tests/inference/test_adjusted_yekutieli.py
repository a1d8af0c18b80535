import jax
import jax.numpy as jnp
import numpy as np

from aurora_jax.inference import adjusted_yekutieli, benjamini_yekutieli


def test_by_hand():
    # m = 2, harmonic 3/2: .01 * 2 * 1.5 = .03; .04 * 1.5 = .06.
    found = adjusted_yekutieli(jnp.asarray([0.04, 0.01]), tested=jnp.ones(2, bool))
    np.testing.assert_allclose(found, [0.06, 0.03])


def test_as_statsmodels_and_tests_that_were_not_made_do_not_count():
    p_values = np.random.default_rng(0).random(60) ** 3
    tested = np.arange(60) % 3 != 0
    found = jax.jit(adjusted_yekutieli)(jnp.asarray(p_values), tested=jnp.asarray(tested))
    np.testing.assert_allclose(found[tested], benjamini_yekutieli(p_values[tested]).adjusted_p_values, rtol=1e-12)
    np.testing.assert_array_equal(found[~tested], 1.0)
    none = adjusted_yekutieli(jnp.asarray(p_values), tested=jnp.zeros(60, bool))
    np.testing.assert_array_equal(none, 1.0)
