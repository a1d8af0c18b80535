"""What every Lévy process here can do."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Inexact

from aurora_jax.core import Number, PRNGKey

from .complex_plane import as_complex
from .domain import within


class AbstractLevyProcess(eqx.Module):
    """A process with stationary independent increments, given by its parameters per unit time."""

    @abstractmethod
    def increments(self, key: PRNGKey, *, steps: int, step_size: Number) -> Float[Array, " steps"]:
        """Draw `steps` independent increments over `step_size` each, exact in law unless the process says otherwise.

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

    @abstractmethod
    def characteristic_exponent(self, u: Inexact[Array, "*shape"]) -> Complex[Array, "*shape"]:
        r"""Return $\psi(u) = \log E e^{iuX_1}$, the branch that is continuous and 0 at 0.

        Args:
            u: real; complex too where $e^{iuX}$ has a mean, so that $\psi(-iz)$ is the cumulant function of z.
        """

    @abstractmethod
    def log_density(self, x: Float[Array, "*shape"], *, step_size: Number) -> Float[Array, "*shape"]:
        """Return the logarithm of the density of an increment over `step_size`.

        Args:
            x: finite sizes of increments.
            step_size: h > 0, in the unit of time of the parameters.

        Raises:
            ValueError: if an argument is out of range (RuntimeError if it is traced).
        """

    def characteristic_function(self, u: Inexact[Array, "*shape"], *, time: Number = 1.0) -> Complex[Array, "*shape"]:
        r"""Return $E e^{iuX_t} = e^{t\psi(u)}$; `time` is at least 0."""
        (time,) = as_complex(within("time", time, 0.0, low_included=True))
        return jnp.exp(time * self.characteristic_exponent(u))
