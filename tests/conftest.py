"""Shared test set-up: double precision, strict promotion, shapes enforced, seeded keys."""

import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# What one worker has compiled, the other need not; nor need the next run. XLA's own key tells versions apart.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".pytest_cache" / "jax"))

import jaxtyping

# Checks every shape annotation at run time; must be installed before aurora_jax is imported.
_hook = jaxtyping.install_import_hook("aurora_jax", "beartype.beartype")
_hook.__enter__()

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture
def key():
    """The root key of a test; derive from it with `aurora_jax.core.stream`."""
    return jax.random.key(1337)
