import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from aurora_jax.certification import AdaptiveConformal, GuardedConformal, P2Conformal, p2_init, p2_step
from tests.statistics import assert_mean

EXAMPLE = [0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92, 34.60, 10.28, 1.47, 0.40, 0.05, 11.39]
EXAMPLE += [0.27, 0.42, 0.09, 11.37]


@jax.jit
def markers(values, probability):
    return jax.lax.scan(lambda s, v: (p2_step(s, v, probability=probability), None), p2_init(), values)[0]


def test_the_example_of_jain_and_chlamtac():
    """Published: after 20 values the markers of the median stand at .02 .4939 4.4406 17.2039 38.62."""
    found = markers(jnp.asarray(EXAMPLE), 0.5)
    np.testing.assert_allclose(found.heights, [0.02, 0.493895, 4.440634, 17.203902, 38.62], atol=5e-6)
    np.testing.assert_array_equal(found.places, [1, 6, 10, 16, 20])


def test_too_few_values_promise_nothing_finite():
    rule = P2Conformal()
    values = jnp.asarray(EXAMPLE)
    assert float(rule.quantile(values, miscoverage=0.5, held=4)) == np.inf
    # The middle of the last five: .09 .27 .42 11.37 11.39
    assert float(rule.quantile(values, miscoverage=0.5, held=5)) == 0.42
    assert float(rule.quantile(values, miscoverage=0.5)) == pytest.approx(4.440634, abs=5e-6)


@pytest.mark.stat
def test_estimates_the_quantile_and_does_not_forget(key):
    """On one law it is right; after sigma x 3 it reads far below the new 4.94, which is why it is never a default."""
    normal = jnp.abs(jr.normal(key, (60, 1500)))
    stay = np.asarray(jax.vmap(lambda row: markers(row, 0.9).heights[2])(normal))
    assert_mean(stay, 1.6449, bias=0.01)
    moved = jnp.where(jnp.arange(1500) >= 1200, 3.0, 1.0)[None] * normal
    late = np.asarray(jax.vmap(lambda row: markers(row, 0.9).heights[2])(moved))
    assert late.mean() < 0.75 * 3.0 * 1.6449
    for controller in (AdaptiveConformal(), GuardedConformal()):
        assert not any(isinstance(leaf, P2Conformal) for leaf in vars(controller).values())
