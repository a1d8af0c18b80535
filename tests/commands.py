"""How tests run commands in processes of their own."""

import os

_FAST = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()

# LLVM's optimisations are most of what a short command does. Not for what must be equal to the bit.
ENVIRONMENT = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": _FAST}
"""Compiles fast rather than well."""
