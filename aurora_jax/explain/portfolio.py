"""Weights of the portfolio that a what-if looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float

from ..certification import dro_es
from ..core import Outcome


@dataclass(frozen=True)
class RobustWeights:
    """Ask for the weights of least worst-case expected shortfall under the base market, no asset short.

    Attributes:
        tail_probability: of the shortfall.
        radius: of the Wasserstein ball, in units of return over the horizon.
        upper: largest weight of one asset.
        scenarios: how many paths the weights are computed on.
    """

    tail_probability: float = 0.05
    radius: float = 0.01
    upper: float = 1.0
    scenarios: int = 1024


Weights = pd.Series | Mapping[str, float] | Sequence[float] | np.ndarray | RobustWeights | None


def portfolio_weights(
    asked: Weights, names: Sequence[str], returns: Float[np.ndarray, "paths assets"]
) -> Float[np.ndarray, " assets"]:
    """Return the weights asked for in the order of `names`: equal if None, robust ones from the base paths' returns.

    Raises:
        ValueError: if a name is unknown or missing, a weight is not finite, or no robust weights can be had.
    """
    if asked is None:
        return np.full(len(names), 1.0 / len(names))
    if isinstance(asked, RobustWeights):
        return _robust(asked, returns)
    if isinstance(asked, pd.Series | Mapping):
        given = dict(asked)
        strangers = sorted(set(given) - set(names))
        if strangers or len(given) < len(names):
            missing = sorted(set(names) - set(given))
            raise ValueError(f"weights name unknown assets {strangers} and lack {missing}; assets: {', '.join(names)}.")
        weights = np.asarray([given[name] for name in names], float)
    else:
        weights = np.asarray(asked, float)
    if weights.shape != (len(names),) or not np.all(np.isfinite(weights)):
        raise ValueError(f"weights must be {len(names)} finite numbers, were {asked}.")
    return weights


def _robust(asked: RobustWeights, returns: Float[np.ndarray, "paths assets"]) -> Float[np.ndarray, " assets"]:
    found = dro_es(
        jnp.asarray(returns[: asked.scenarios], float),
        tail_probability=asked.tail_probability,
        radius=asked.radius,
        lower=0.0,
        upper=asked.upper,
    )
    if int(found.outcome) != int(Outcome.OK):
        reason = Outcome(int(found.outcome)).name
        raise ValueError(f"no robust weights: {reason}; loosen `upper` or simulate more paths.")
    return np.asarray(found.weights)
