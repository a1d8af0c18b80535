"""Calls as users make them, without the shape checks that the tests switch on."""

import contextlib

import jaxtyping


@contextlib.contextmanager
def unchecked():
    """Leave wrong shapes and types to the function's own refusals."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
