"""Shared test set-up: double precision, strict promotion, shapes enforced, seeded keys."""

import gc
import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# What one worker has compiled, the other need not; nor need the next run. XLA's own key tells versions apart.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".pytest_cache" / "jax"))
# Small ones too: most of a test's time goes into hundreds of them, the same from file to file.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jaxtyping

# Checks every shape annotation at run time; must be installed before aurora_jax is imported.
_hook = jaxtyping.install_import_hook("aurora_jax", "beartype.beartype")
_hook.__enter__()

import jax  # noqa: E402
import pytest  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

from tests.compiler import with_fast_compiler  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture
def key():
    """The root key of a test; derive from it with `aurora_jax.core.stream`."""
    return jax.random.key(1337)


def pytest_configure(config):
    """Compile the fast tests quickly rather than well; workers inherit it.

    XLA's own passes, fusion and layout stay. What is equal to the bit must be so as it is served, too: `.ci/run` runs
    the slow tests and those marked `bits` as programs are compiled for users.
    """
    if "not slow" in config.option.markexpr:
        os.environ["XLA_FLAGS"] = with_fast_compiler(os.environ.get("XLA_FLAGS", ""))


_MAPPED = Path("/proc/self/maps")
_MANY_MAPPINGS = 20_000


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_are_let_go():
    """Drop what earlier files compiled before the kernel's limit of 65,530 mappings is met.

    Every compiled program holds three mappings or more, a worker compiles some ten thousand, and at the limit XLA's
    compiler ends in a segmentation fault that names nothing.
    """
    yield
    if _MAPPED.exists() and _MAPPED.read_bytes().count(b"\n") > _MANY_MAPPINGS:
        jax.clear_caches()
        gc.collect()


class OneRayAtATime(LoadFileScheduling):
    """Hands out whole files, and those that start a Ray one after another.

    Two clusters that come up at once on one machine now and then choose the same port for their agents; one of them
    then takes no jobs.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "ray" if "mark.ray" in (self.config.rootpath / file).read_text() else file


def pytest_xdist_make_scheduler(config, log):
    return OneRayAtATime(config, log)
