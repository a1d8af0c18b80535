"""How tests run commands in processes of their own."""

import os

from tests.compiler import with_fast_compiler

# Most of what a short command does is compile. Not for what must be equal to the bit.
ENVIRONMENT = {
    **os.environ,
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": with_fast_compiler(os.environ.get("XLA_FLAGS", "")),
}
"""Compiles fast rather than well."""
