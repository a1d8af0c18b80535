"""How the fast tests compile: quickly rather than well, as compiling is most of what they do."""

import os
from importlib.metadata import version

import pytest

_LEVEL = "--xla_backend_optimization_level"


def _flags() -> str:
    """LLVM's optimisations are left out, and before jax 0.11 MLIR's emitters, too: later ones refuse that flag."""
    quick = f"{_LEVEL}=0 --xla_llvm_disable_expensive_passes=true"
    before = tuple(int(part) for part in version("jaxlib").split(".")[:2]) < (0, 11)
    return f"{quick} --xla_cpu_use_fusion_emitters=false" if before else quick


def with_fast_compiler(flags: str) -> str:
    """`XLA_FLAGS` with those of the fast tests, once: given twice they would name another cache."""
    return flags if compiles_fast(flags) else f"{flags} {_flags()}".strip()


def compiles_fast(flags: str) -> bool:
    """Whether `XLA_FLAGS` choose LLVM's level, as the fast tests do."""
    return _LEVEL in flags


as_for_users = pytest.mark.skipif(
    compiles_fast(os.environ.get("XLA_FLAGS", "")),
    reason="the last bit is the compiler's: `make slow` compares it as programs are compiled for users",
)
"""For tests, marked `bits` as well, that hold two programs against each other to the bit."""
