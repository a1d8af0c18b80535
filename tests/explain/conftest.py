"""A small market for what-ifs."""

import pytest

from aurora_jax.teacher import reference_teacher


@pytest.fixture(scope="session")
def teacher():
    return reference_teacher(2)
