"""What every Lévy process here can do."""

from abc import abstractmethod

import equinox as eqx
from jaxtyping import Array, Float

from aurora_jax.core import Number, PRNGKey


class AbstractLevyProcess(eqx.Module):
    """A process with stationary independent increments, given by its parameters per unit time."""

    @abstractmethod
    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        """Draw `steps` independent increments over `step_size` each, exact in law.

        Args:
            key: spent here.
            steps: at least 1.
            step_size: h > 0, in the unit of time of the parameters.

        Raises:
            ValueError: if `steps` or `step_size` is out of range.
        """

    @abstractmethod
    def cumulant(self, order: int) -> Float[Array, ""]:
        """Return the cumulant of that order per unit time: 1 is the mean, 2 the variance.

        Args:
            order: at least 1.

        Raises:
            ValueError: if `order` is less than 1, or the cumulant does not exist.
        """
