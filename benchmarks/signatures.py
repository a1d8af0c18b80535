"""Signatures and the distance between laws of paths, against pySigLib."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from aurora_jax.signatures import log_signature, signature, signature_mmd, signature_mmd_test

from .record import Contest, Timing, peer, timed

PATHS, STEPS, CHANNELS, DEPTH = 1024, 128, 4, 4


def contests() -> Iterator[Contest]:
    """Compute what both compute the same, then our distance beside theirs, then what memory ours takes."""
    paths = 0.1 * jnp.cumsum(jr.normal(jr.key(0), (PATHS, STEPS, CHANNELS)), axis=1)
    yield _same("signature", signature, "sig", paths)
    yield _same("log-signature", log_signature, "log_sig", paths)
    yield _distance(256, 64)
    for size in (256, 1024):
        yield _gradient(size, 64)
    yield _test(128, 64)


def _same(name: str, ours: Callable, theirs: str, paths: jax.Array) -> Contest:
    batched = jax.jit(jax.vmap(partial(ours, depth=DEPTH)))
    return Contest(
        what=f"{name}, {PATHS} paths x {STEPS} x {CHANNELS}, depth {DEPTH}, float64",
        unit="paths",
        work=PATHS,
        ours=timed(lambda: batched(paths), answer=jnp.std),
        peers={"pySigLib, both cores": peer(partial(_pysiglib, theirs, _owned(paths)))},
        note="each of our steps is five kernels and four copies of all paths' signatures (signax under XLA), pySigLib "
        "takes one path at a time in compiled loops; fewer paths at a time do not help ours",
    )


def _pysiglib(name: str, paths: np.ndarray) -> Timing:
    library = _library()
    if name == "log_sig":
        library.prepare_log_sig(CHANNELS, DEPTH, 1)
    function = getattr(library, name)
    return timed(lambda: function(paths, DEPTH, n_jobs=-1), answer=np.std)


def _library():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysiglib
    return pysiglib


def _owned(paths: jax.Array) -> np.ndarray:
    """Return a writable copy: pySigLib would copy a view of ours in each call."""
    return np.array(paths, order="C")


def _samples(size: int, steps: int) -> tuple[jax.Array, jax.Array]:
    x, y = (0.1 * jnp.cumsum(jr.normal(jr.key(seed), (size, steps, 1)), axis=1) for seed in (1, 2))
    return x, 1.3 * y


def _distance(size: int, steps: int) -> Contest:
    x, y = _samples(size, steps)
    ours = jax.jit(partial(signature_mmd, depth=4))

    def theirs() -> Timing:
        library, (a, b) = _library(), (_owned(x), _owned(y))
        call = partial(library.sig_mmd, a, b, time_aug=True, lead_lag=True, dyadic_order=0, n_jobs=-1)
        return timed(call, answer=lambda found: np.squeeze(found), repeats=3)

    return Contest(
        what=f"sig-MMD, {size} + {size} paths x {steps}, time and lead-lag",
        unit="distances",
        work=1,
        ours=timed(lambda: ours(x, y), answer=lambda found: found),
        peers={"pySigLib sig_mmd, both cores": peer(theirs)},
        note="not the same number: ours is an RBF kernel on normalised signatures of depth 4, theirs the untruncated "
        "signature kernel by a PDE for each pair of paths",
        extra={"temporary_memory_MiB": _temporary(ours, x, y)},
    )


def _gradient(size: int, steps: int) -> Contest:
    x, y = _samples(size, steps)
    slope = jax.jit(jax.grad(partial(signature_mmd, depth=4)))
    return Contest(
        what=f"gradient of sig-MMD, {size} + {size} paths x {steps}",
        unit="gradients",
        work=1,
        ours=timed(lambda: slope(x, y), answer=lambda g: jnp.linalg.norm(g), repeats=3),
        peers={},
        extra={
            "temporary_memory_MiB": _temporary(slope, x, y),
            "one_kernel_matrix_MiB": (2 * size) ** 2 * 8 / 2**20,
        },
    )


def _test(size: int, steps: int) -> Contest:
    x, y = _samples(size, steps)
    ours = jax.jit(partial(signature_mmd_test, depth=4, permutations=999))
    return Contest(
        what=f"permutation test, {size} + {size} paths x {steps}, 999 permutations",
        unit="tests",
        work=1,
        ours=timed(lambda: ours(jr.key(3), x, y), answer=lambda found: found.p_value, repeats=5),
        peers={},
    )


def _temporary(function, *arguments) -> float:
    memory = function.lower(*arguments).compile().memory_analysis()
    return memory.temp_size_in_bytes / 2**20
