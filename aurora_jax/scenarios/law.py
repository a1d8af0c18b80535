"""A law of returns whose invariants are known in closed form: the estimators' standing exam."""

import abc
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..core import PRNGKey


class AbstractLaw(eqx.Module):
    """A stationary law of log returns."""

    assets: eqx.AbstractVar[int]
    scale: eqx.AbstractVar[float]

    @abc.abstractmethod
    def returns(self, key: PRNGKey, *, steps: int) -> Float[Array, "steps assets"]:
        """Draw one path of log returns; the caller vmaps over keys."""

    def counted(self, key: PRNGKey, *, steps: int) -> tuple[Float[Array, "steps assets"], Int[Array, " steps"]]:
        """Draw one path of log returns and the number of jumps in each bar, for a law that has them."""
        return self.returns(key, steps=steps), jnp.zeros(steps, int)

    @abc.abstractmethod
    def truth(self) -> dict[str, float]:
        """Return the invariants that the law has in closed form, by name; one it has not is absent."""

    def at_level(self, *, tail_share: float, extreme_quantile: float) -> dict[str, float]:
        """Return what the estimators' targets are at the levels they are taken at, which a limit may be far from.

        Args:
            tail_share: share of the losses that the tail index is taken from.
            extreme_quantile: at which the tail dependence is taken.
        """
        return self.truth()

    def parameters(self) -> dict[str, float]:
        """Return the law's parameters by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def check_common(law: AbstractLaw) -> None:
    """Refuse a number of assets or a scale that no law can have."""
    if not isinstance(law.assets, int) or law.assets < 1:
        raise ValueError(f"assets must be a whole number of at least 1, was {law.assets}.")
    if not 0.0 < law.scale < math.inf:
        raise ValueError(f"scale must be positive, was {law.scale}.")
