"""Assertions in units of their own standard error."""

import numpy as np


def assert_mean(samples, expected, *, bias=0.0, sigmas=4.0):
    """Assert that the mean of independent `samples` is `expected` within `sigmas` standard errors plus `bias`."""
    samples = np.asarray(samples, dtype=float)
    error = np.std(samples, axis=0, ddof=1) / np.sqrt(samples.shape[0])
    gap = np.abs(np.mean(samples, axis=0) - expected)
    allowed = sigmas * error + bias
    assert np.all(gap <= allowed), f"off by {np.max(gap - allowed):.4g} more than {sigmas} x {error} + {bias}"
