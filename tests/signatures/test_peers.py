"""Against pySigLib, written by others: `pip install torch==2.13.0 && pip install -e '.[peers]'`; skipped without it."""

import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.signatures import lead_lag, log_signature, signature, time_augmented
from aurora_jax.signatures.u_statistic import divided

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pysiglib = pytest.importorskip("pysiglib")

PATHS = 0.3 * np.cumsum(np.random.default_rng(4).standard_normal((6, 9, 2)), axis=1)


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_signatures_agree(depth):
    ours = jax.vmap(partial(signature, depth=depth))(jnp.asarray(PATHS))
    np.testing.assert_allclose(ours, pysiglib.sig(PATHS, depth), rtol=1e-9, atol=1e-12)


def test_log_signatures_agree():
    """Both list Lyndon words; method 1 reads their coefficients off the logarithm, as ours does."""
    ours = jax.vmap(partial(log_signature, depth=4))(jnp.asarray(PATHS))
    pysiglib.prepare_log_sig(2, 4, 1)
    np.testing.assert_allclose(ours, pysiglib.log_sig(PATHS, 4, method=1), rtol=1e-9, atol=1e-12)


def test_augmentations_agree_up_to_the_order_of_channels():
    """pySigLib puts time last and lags first; the signature of permuted channels has permuted words."""
    timed = jax.vmap(lambda path: signature(jnp.roll(time_augmented(path), -1, axis=1), depth=3))(jnp.asarray(PATHS))
    np.testing.assert_allclose(timed, pysiglib.sig(PATHS, 3, time_aug=True), rtol=1e-9, atol=1e-12)
    lagged = jax.vmap(lambda path: signature(jnp.roll(lead_lag(path), 2, axis=1), depth=3))(jnp.asarray(PATHS))
    np.testing.assert_allclose(lagged, pysiglib.sig(PATHS, 3, lead_lag=True), rtol=1e-9, atol=1e-12)


def test_the_estimate_agrees_for_the_signature_kernel():
    """Its kernel is the inner product of whole signatures, ours of signatures to depth 11: equal to 1e-8 for these."""
    small = 0.25 * PATHS
    features = jax.vmap(partial(signature, depth=11))(jnp.asarray(small))
    first = jnp.asarray([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    ours = divided(lambda rows, points: 1.0 + rows @ points.T, features, first)
    theirs = pysiglib.sig_mmd(small[:3], small[3:], method="polynomial", order=24)
    np.testing.assert_allclose(ours, float(np.squeeze(theirs)), rtol=1e-6)
