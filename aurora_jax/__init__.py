"""AURORA: a certified, regime-aware layer for trading and tail risk, in JAX."""

from .core import enable_x64 as enable_x64

__version__ = "0.1.0"
