"""Chains in pieces are numpyro's own chains."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.infer import MCMC, NUTS, init_to_median

from aurora_jax.core import lenient
from aurora_jax.training.posterior.chains import Chains, Progress

WARM_UP, DRAWS, CHAINS = 90, 50, 2
DATA = (jnp.array([0.3, 1.4, -0.2]),)


def model(seen):
    centre = numpyro.sample("centre", dist.Normal(0.0, 2.0))
    scale = numpyro.sample("scale", dist.LogNormal(0.0, 1.0))
    numpyro.sample("seen", dist.Normal(centre, scale), obs=seen)


@pytest.mark.slow  # compiles the sampler twice
def test_draws_are_those_of_numpyros_own_runner():
    ours = Chains(model, DATA, chains=CHAINS, warm_up=WARM_UP, draws=DRAWS, target_acceptance=0.9)
    steps = []
    draws, diverging = ours(jax.random.key(5), DATA, steps.append)
    kernel = NUTS(model, dense_mass=True, target_accept_prob=0.9, init_strategy=init_to_median(num_samples=15))
    theirs = MCMC(
        kernel,
        num_warmup=WARM_UP,
        num_samples=DRAWS,
        num_chains=CHAINS,
        chain_method="vectorized",
        progress_bar=False,
    )
    with lenient():
        theirs.run(jax.random.key(5), *DATA, extra_fields=("diverging",))
    expected = theirs.get_samples(group_by_chain=True)
    np.testing.assert_allclose(draws["centre"], expected["centre"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(np.exp(draws["scale"]), expected["scale"], rtol=1e-6)
    np.testing.assert_array_equal(diverging, theirs.get_extra_fields(group_by_chain=True)["diverging"])
    assert [one.step for one in steps] == [20, 40, 60, 80, 100, 120, 140]
    assert steps[-1] == Progress(140, 140, WARM_UP, int(diverging.sum()))
