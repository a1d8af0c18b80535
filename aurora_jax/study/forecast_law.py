"""Forecasts of the next bar's returns as laws that can be scored, one for each bar and asset."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.stats
from jaxtyping import Float

from ..inference import (
    normal_mixture_log_score,
    normal_mixture_ranked_probability_score,
    sample_ranked_probability_score,
    student_t_log_score,
    student_t_ranked_probability_score,
)

Table = Float[np.ndarray, "bars assets"]


class AbstractForecast(eqx.Module):
    """Laws of returns, each made before its bar."""

    @abc.abstractmethod
    def ranked_probability_score(self, observed: Table) -> Table:
        """Return the continuous ranked probability score of each return, in its unit."""

    @abc.abstractmethod
    def log_score(self, observed: Table) -> Table | None:
        """Return minus the log density of each return; None of a law without a density."""

    @abc.abstractmethod
    def quantile(self, level: float) -> Table:
        """Return the quantile at `level` of each law."""

    @abc.abstractmethod
    def probability(self, observed: Table) -> Table:
        """Return the probability of at most each return: uniform if the laws are right."""


class StudentTForecast(AbstractForecast):
    r"""$m + s\,T_\nu$ for each bar and asset."""

    mean: Table
    scale: Table
    degrees_of_freedom: Table

    def ranked_probability_score(self, observed: Table) -> Table:
        return np.asarray(
            student_t_ranked_probability_score(
                observed, self.mean, self.scale, degrees_of_freedom=self.degrees_of_freedom
            )
        )

    def log_score(self, observed: Table) -> Table:
        return np.asarray(
            student_t_log_score(observed, self.mean, self.scale, degrees_of_freedom=self.degrees_of_freedom)
        )

    def quantile(self, level: float) -> Table:
        return self.mean + self.scale * scipy.stats.t.ppf(level, self.degrees_of_freedom)

    def probability(self, observed: Table) -> Table:
        return scipy.stats.t.cdf((observed - self.mean) / self.scale, self.degrees_of_freedom)


class NormalMixtureForecast(AbstractForecast):
    r"""$m + s \sqrt w N$ for each bar and asset, with $P(\sqrt w = s_k) = \pi_k$ the same for all."""

    mean: Table
    scale: Table
    weights: Float[np.ndarray, " components"]
    scales: Float[np.ndarray, " components"]

    def _law(self) -> dict[str, Float[np.ndarray, " components"]]:
        return {"weights": self.weights, "scales": self.scales}

    def ranked_probability_score(self, observed: Table) -> Table:
        return np.asarray(normal_mixture_ranked_probability_score(observed, self.mean, self.scale, **self._law()))

    def log_score(self, observed: Table) -> Table:
        return np.asarray(normal_mixture_log_score(observed, self.mean, self.scale, **self._law()))

    def quantile(self, level: float) -> Table:
        far = 40.0 * float(self.scales.max())
        standard = scipy.optimize.brentq(lambda x: self._below(np.full(1, x))[0] - level, -far, far)
        return self.mean + self.scale * standard

    def probability(self, observed: Table) -> Table:
        return self._below((observed - self.mean) / self.scale)

    def _below(self, standard: np.ndarray) -> np.ndarray:
        return scipy.stats.norm.cdf(standard[..., None] / self.scales) @ self.weights


class HistoricalForecast(AbstractForecast):
    """The returns of the `window_bars` bars before each bar, each as likely as the next."""

    returns: Table
    first: int = eqx.field(static=True)
    window_bars: int = eqx.field(static=True)

    def __check_init__(self):
        if not 2 <= self.window_bars <= self.first:
            raise ValueError(f"window_bars must lie in [2, {self.first}], the bars before, was {self.window_bars}.")

    @property
    def samples(self) -> Float[np.ndarray, "bars assets window"]:
        """Return the returns before each bar."""
        windows = np.lib.stride_tricks.sliding_window_view(self.returns, self.window_bars, axis=0)
        return windows[self.first - self.window_bars : len(self.returns) - self.window_bars]

    def ranked_probability_score(self, observed: Table) -> Table:
        samples = self.samples
        step = max(1, 2_000_000 // (samples.shape[1] * self.window_bars))  # sorts a copy: not of everything at once
        parts = [
            np.asarray(sample_ranked_probability_score(observed[at : at + step], jnp.asarray(samples[at : at + step])))
            for at in range(0, len(observed), step)
        ]
        return np.concatenate(parts)

    def log_score(self, observed: Table) -> None:
        return None

    def quantile(self, level: float) -> Table:
        return np.quantile(self.samples, level, axis=-1)

    def probability(self, observed: Table) -> Table:
        # Half of what is equal counts: with ties at 0 a law that is right has no other middle.
        samples = self.samples
        below, equal = samples < observed[..., None], samples == observed[..., None]
        return below.mean(axis=-1) + 0.5 * equal.mean(axis=-1)
