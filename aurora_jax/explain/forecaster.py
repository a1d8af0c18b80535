"""One number of a forecast as a function of the features of its last bars."""

import equinox as eqx
import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from ..student import QUANTILES, Student

OUTPUTS = ("mean", "scale", "log_scale", *(f"quantile_{round(100 * level):02d}" for level in QUANTILES))
"""What can be attributed: of the next bar's log return."""


class Forecaster(eqx.Module):
    r"""The forecast of one asset as a function of the last bars' standardised features; returns stay as they were.

    With location l and log scale s of the network and scale v of the trailing law every number of `OUTPUTS` is
    $c_1 l v + c_2 e^s v + c_3 (s + \log v)$: one computation for all.

    Attributes:
        student: the network.
        hidden: its memory before the first of these bars; likewise `latent`.
        law: scale that the trailing law expects of the next bar, by asset; returns alone decide it.
        observed: False where an asset has no bar.
        asset: whose forecast.
        coefficients: c, see `coefficients`.
    """

    student: Student
    hidden: Float[Array, "assets hidden"]
    latent: Float[Array, "assets latent"]
    law: Float[Array, " assets"]
    observed: Bool[Array, "bars assets"]
    asset: Int[Array, ""]
    coefficients: Float[Array, " 3"]

    def __call__(self, features: Float[Array, "bars assets features"]) -> Float[Array, ""]:
        """Return the forecast after the filter has taken in the bars, as `Student.step` takes them in."""
        network = nnx.merge(self.student.structure, self.student.weights)

        def advance(carry, bar):
            values, seen = bar
            hidden, cell = network.cell(*carry, values, jnp.zeros_like(self.latent), seen)
            return (hidden, cell.latent), cell.forecast

        start = (self.hidden, self.latent)
        _, forecasts = jax.lax.scan(advance, start, (features.astype(jnp.float32), self.observed))
        location, log_scale = (part[-1, self.asset].astype(self.law.dtype) for part in forecasts)
        return self._number(location, log_scale)

    def of_law_alone(self) -> Float[Array, ""]:
        """Return the forecast without a network: location 0, the scale that the law expects."""
        nothing = jnp.zeros((), self.law.dtype)
        return self._number(nothing, nothing)

    def _number(self, location: Float[Array, ""], log_scale: Float[Array, ""]) -> Float[Array, ""]:
        law = self.law[self.asset]
        parts = jnp.stack([location * law, jnp.exp(log_scale) * law, log_scale + jnp.log(law)])
        return self.coefficients @ parts


def coefficients(student: Student, output: str) -> Float[Array, " 3"]:
    """Return `Forecaster.coefficients` of a number of the forecast.

    Raises:
        ValueError: if it is not one of `OUTPUTS`.
    """
    if output not in OUTPUTS:
        raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, was {output}.")
    rows = jnp.concatenate([jnp.eye(3), jnp.eye(3)[jnp.zeros(len(QUANTILES), int)]])
    return rows.at[3:, 1].set(student.standard_quantiles)[OUTPUTS.index(output)]
