"""AURORA: a certified, regime-aware layer for trading and tail risk, in JAX."""

from .core import enable_x64 as enable_x64
from .core import widen_thread_pool

__version__ = "0.1.0"

widen_thread_pool()
del widen_thread_pool
