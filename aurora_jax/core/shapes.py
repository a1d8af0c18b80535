"""Type aliases that several floors spell the same way."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Array, Float, Int, Key

PRNGKey: TypeAlias = Key[Array, ""]
"""A new-style key, from `jax.random.key`."""

Number: TypeAlias = float | int | np.floating | np.integer | Float[Array, ""] | Int[Array, ""]
"""A real scalar, whether Python's, NumPy's or traced."""
