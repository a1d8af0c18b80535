"""The student online: one bar in, one forecast distribution out."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, PyTree

from ..core import Forecast, student_t_quantile
from .model import DSSM, Gaussian
from .trailing import Trailing, TrailingState
from .usable import check_shapes, usable

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_UPPER_QUARTILE = 3


class StudentState(NamedTuple):
    """What the next bar needs: encoder memory, latent mean, trailing moments."""

    hidden: Float[Array, "assets hidden"]
    latent: Float[Array, "assets latent"]
    trailing: TrailingState


class StudentInfo(NamedTuple):
    """The forecast of the next bar, and the posterior of the latent state behind it."""

    forecast: Forecast
    posterior: Gaussian


class Student(eqx.Module):
    """A trained DSSM bound to one stream; `step` is O(1) per bar and draws nothing.

    Attributes:
        structure: the network's static definition (flax nnx).
        weights: its arrays.
        trailing: the stream's expected scale and correlation.
        standard_quantiles: quantiles of the emission's standard law at `QUANTILES`, worked out once.
        degrees_of_freedom: of that law, or of the Student-t law whose tail is most like its.
        unit: scale of that Student-t law, in the network's; 1 unless the emission is a mixture.
    """

    structure: nnx.GraphDef = eqx.field(static=True)
    weights: PyTree
    trailing: Trailing
    standard_quantiles: Float[Array, " levels"]
    degrees_of_freedom: Float[Array, ""]
    unit: Float[Array, ""]

    @property
    def assets(self) -> int:
        """Return the number of assets of the stream."""
        return self.trailing.base_variance.shape[0]

    def init(self) -> StudentState:
        """Start with empty memory and the training period's moments."""
        network = nnx.merge(self.structure, self.weights)
        zeros = jnp.zeros((self.assets, network.hidden), jnp.float32)
        return StudentState(zeros, jnp.zeros((self.assets, network.latent), jnp.float32), self.trailing.init())

    def step(
        self,
        state: StudentState,
        features: Float[Array, "assets features"],
        returns: Float[Array, " assets"],
        observed: Bool[Array, " assets"] | None = None,
    ) -> tuple[StudentState, StudentInfo]:
        """Take in one bar's standardised features and log returns; forecast the next bar's returns.

        The forecast's location and scale are the network's, in the scale that `Trailing` expects; quantiles are
        analytic. An asset without a bar is predicted only: its latent state moves on by the transition, its memory and
        trailing moments stay. `observed` None says that all have one; one with a feature or a return that is not finite
        has none either way.

        Raises:
            ValueError: if features, returns or observed are of another number of assets or features than the student;
                names both shapes.
        """
        network = nnx.merge(self.structure, self.weights)
        check_shapes(
            {"features": features, "returns": returns, "observed": observed},
            {"features": (self.assets, network.features), "returns": (self.assets,), "observed": (self.assets,)},
        )
        observed = usable(features, returns, observed)
        trailing = self.trailing.step(state.trailing, returns, observed)
        noise = jnp.zeros_like(state.latent)
        hidden, cell = network.cell(state.hidden, state.latent, features.astype(jnp.float32), noise, observed)
        location, log_scale = (part.astype(returns.dtype) for part in cell.forecast)
        volatility = self.trailing.scale(trailing)
        mean, scale = location * volatility, jnp.exp(log_scale) * volatility
        forecast = Forecast(
            mean=mean,
            scale=scale * self.unit,
            degrees_of_freedom=self.degrees_of_freedom,
            quantiles=mean[:, None] + scale[:, None] * self.standard_quantiles[None, :],
            correlation=self.trailing.correlation(trailing),
        )
        return StudentState(hidden, cell.latent, trailing), StudentInfo(forecast, cell.posterior)


def bind(network: DSSM, trailing: Trailing) -> Student:
    """Bind trained weights to a stream; the result is a pytree, ready for jit and for saving."""
    structure, weights = nnx.split(network)
    degrees_of_freedom = network.degrees_of_freedom.astype(trailing.base_variance.dtype)
    quantiles = network.emission.quantile(jnp.asarray(QUANTILES, trailing.base_variance.dtype))
    unit = jnp.ones_like(degrees_of_freedom)
    if network.mixture_components:
        # Who knows only scale and degrees of freedom shall meet the same quartiles.
        unit = quantiles[_UPPER_QUARTILE] / student_t_quantile(QUANTILES[_UPPER_QUARTILE], degrees_of_freedom)
    return Student(structure, nnx.to_pure_dict(weights), trailing, quantiles, degrees_of_freedom, unit)
