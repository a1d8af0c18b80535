"""How tests run commands in processes of their own."""

import os

# LLVM's optimisations are most of what a short command does; what it computes is tested elsewhere.
ENVIRONMENT = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
"""Compiles fast rather than well."""
