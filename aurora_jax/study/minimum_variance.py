"""The least-variance portfolio of a shrunk covariance, as practitioners hold it."""

import clarabel
import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from ..core import Number


def ledoit_wolf(returns: Float[np.ndarray, "bars assets"]) -> Float[np.ndarray, "assets assets"]:
    r"""Return the covariance shrunk towards a multiple of the identity.

    $$\hat\Sigma = (1 - \delta) S + \delta \mu I, \qquad \mu = \operatorname{tr} S / d, \qquad
      \delta = \min\Bigl(1, \frac{\sum_t \|x_t x_t^T - S\|^2 / n^2}{\|S - \mu I\|^2}\Bigr)$$

    with S the second moment of the returns less their means.

    References:
        Ledoit and Wolf (2004), J. Multivariate Anal. 88(2), 365-411, section 3.2 and theorem 3.2.
    """
    centred = returns - returns.mean(axis=0)
    bars, assets = centred.shape
    sample = centred.T @ centred / bars
    level = np.trace(sample) / assets
    apart = np.sum((sample - level * np.eye(assets)) ** 2)
    # sum_t |x x' - S|^2 = sum_t |x|^4 - n |S|^2, as the mean of x x' is S.
    noise = (np.sum(np.sum(centred**2, axis=1) ** 2) - bars * np.sum(sample**2)) / bars**2
    shrinkage = min(1.0, noise / apart) if apart > 0.0 else 1.0
    return (1.0 - shrinkage) * sample + shrinkage * level * np.eye(assets)


def minimum_variance(
    covariance: Float[np.ndarray, "assets assets"], *, lower: Number, upper: Number
) -> Float[np.ndarray, " assets"]:
    r"""Return $\arg\min_w w^T \Sigma w$ subject to $1^T w = 1$ and bounds on every weight.

    Args:
        covariance: positive definite.
        lower: bound on a weight; `upper` likewise.
        upper: see above.

    Raises:
        ArithmeticError: if there are no such weights.
    """
    assets = covariance.shape[0]
    eye = sp.identity(assets, format="csc")
    # In units of the mean variance, as the solver's tolerances are absolute.
    quadratic = sp.csc_matrix(np.triu(covariance / np.trace(covariance) * assets))
    matrix = sp.vstack([sp.csc_matrix(np.ones((1, assets))), -eye, eye], format="csc")
    right = np.concatenate([[1.0], np.full(assets, -float(lower)), np.full(assets, float(upper))])
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(2 * assets)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    answer = clarabel.DefaultSolver(quadratic, np.zeros(assets), matrix, right, cones, settings).solve()
    if str(answer.status) != "Solved":
        raise ArithmeticError(f"no weights of least variance between {lower} and {upper}: {answer.status}.")
    return np.array(answer.x)
