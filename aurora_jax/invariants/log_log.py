"""Straight lines through logarithms: the weights by which a slope is a sum of its ordinates."""

import numpy as np
from jaxtyping import Float


def slope_weights(
    abscissae: Float[np.ndarray, " points"], *, precision: Float[np.ndarray, " points"] | None = None
) -> Float[np.ndarray, " points"]:
    r"""Return $w$ such that $\sum_j w_j y_j$ is the (weighted) least-squares slope of y on the abscissae.

    $$w_j = \frac{p_j (x_j - \bar x)}{\sum_i p_i (x_i - \bar x)^2}, \qquad \bar x = \frac{\sum_i p_i x_i}{\sum_i p_i}$$

    Args:
        abscissae: at least two different numbers.
        precision: p > 0, the reciprocal variance of each ordinate; equal by default.
    """
    weight = np.ones_like(abscissae) if precision is None else precision
    centred = abscissae - np.sum(weight * abscissae) / np.sum(weight)
    return weight * centred / np.sum(weight * centred**2)
