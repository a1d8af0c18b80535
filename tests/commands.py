"""How tests run commands in processes of their own."""

import os

# Most of what a short command does is compile; without MLIR's emitters what it computes would take longer than that
# saves. Not for what must be equal to the bit.
_FAST = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()

ENVIRONMENT = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": _FAST}
"""Compiles fast rather than well."""
