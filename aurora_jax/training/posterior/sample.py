"""The posterior by the no-U-turn sampler."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jaxtyping import Array, Float, Int
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS, init_to_median

from aurora_jax.config.posterior import PriorsConfig, SamplerConfig
from aurora_jax.core import PRNGKey, lenient, require_x64

from .jump_likelihood import jump_log_likelihood
from .observations import Observations
from .posterior import QUANTILES, Convergence, Marginal, Posterior
from .priors import prior_laws
from .tail_likelihood import tail_log_likelihood
from .volatility_likelihood import ReadingPower, ReadingTable, reading_power, reading_table, volatility_log_likelihood

_FEWEST_PLACES = 64


class Calibration:
    """Samples posteriors of markets of one length; what was compiled for one serves the next.

    The likelihood is the sum of those of the differenced readings, of the bars with a jump, and of the jumps' sizes,
    each with its approximations stated where it is. The three share no parameter, so they are independent a posteriori
    as well; one run samples them all.
    """

    def __init__(self, priors: PriorsConfig, sampler: SamplerConfig):
        """Set what every posterior has in common."""
        self.priors = prior_laws(priors)
        self.sampler = sampler
        self._ready: dict[tuple[int, int], Callable] = {}
        self._tables: dict[int, ReadingTable] = {}

    def __call__(self, key: PRNGKey, observations: Observations) -> Posterior:
        """Sample; where the chains do not agree, once more with twice the warm-up.

        Args:
            key: parent of the runs' keys.
            observations: of the market.

        Raises:
            RuntimeError: unless double precision is on.
        """
        require_x64("Calibration")
        first = self._run(key, observations, self.sampler.warm_up)
        if first.convergence is Convergence.CONVERGED:
            return first
        return self._run(key, observations, 2 * self.sampler.warm_up)

    def _run(self, key: PRNGKey, observations: Observations, warm_up: int) -> Posterior:
        steps, bars = observations.increments.size, observations.bars
        if steps not in self._tables:
            self._tables[steps] = reading_table(steps)
        if (bars, warm_up) not in self._ready:
            self._ready[bars, warm_up] = self._compiled(bars, warm_up)
        table = self._tables[steps]
        power = reading_power(jnp.asarray(observations.increments), table)
        data = power, table, *_padded(observations)
        with lenient():
            drawn, diverging = self._ready[bars, warm_up](jax.random.fold_in(key, warm_up), *data)
        # In the order of the priors, whatever numpyro's.
        draws = {name: np.array(drawn[name], float) for name in self.priors}
        marginals = {name: marginal(values) for name, values in draws.items()}
        return Posterior(draws, marginals, int(np.sum(diverging)), warm_up, self.sampler.r_hat_below)

    def _compiled(self, bars: int, warm_up: int) -> Callable:
        """Return the whole run as one compiled function: numpyro by itself would trace every market anew."""

        def run(key, *data):
            mcmc = MCMC(
                # Started at the priors' medians: numpyro's wide random start lies where exp() has no likelihood.
                NUTS(
                    self._model(bars),
                    dense_mass=True,
                    target_accept_prob=self.sampler.target_acceptance,
                    init_strategy=init_to_median(num_samples=15),
                ),
                num_warmup=warm_up,
                num_samples=self.sampler.draws,
                num_chains=self.sampler.chains,
                chain_method="vectorized",
                progress_bar=False,
            )
            mcmc.run(key, *data, extra_fields=("diverging",))
            return mcmc.get_samples(group_by_chain=True), mcmc.get_extra_fields()["diverging"]

        return jax.jit(run)

    def _model(self, bars: int):
        def model(power, table, error_variance, event_bars, excesses):
            value = {name: numpyro.sample(name, prior) for name, prior in self.priors.items()}
            numpyro.factor("readings", reading_term(value, power, table, error_variance))
            numpyro.factor("jumps", jump_term(value, event_bars, bars=bars))
            numpyro.factor("sizes", size_term(value, excesses))

        return model


def reading_term(
    value: dict, power: ReadingPower, table: ReadingTable, error_variance: Float[Array, ""]
) -> Float[Array, ""]:
    """Return the log-likelihood of the differenced readings at one value of every parameter."""
    return volatility_log_likelihood(
        power,
        table,
        hurst=value["hurst"],
        volatility_of_volatility=value["volatility_of_volatility"],
        error_variance=error_variance * value["error_scale"],
    )


def jump_term(value: dict, event_bars: Int[Array, " events"], *, bars: int) -> Float[Array, ""]:
    """Return the log-likelihood of which bars hold a jump at one value of every parameter."""
    return jump_log_likelihood(
        event_bars,
        intensity=value["jump_intensity"],
        branching_ratio=value["branching_ratio"],
        decay=value["decay"],
        bars=bars,
    )


def size_term(value: dict, excesses: Float[Array, " events"]) -> Float[Array, ""]:
    """Return the log-likelihood of the jumps' sizes at one value of every parameter."""
    return tail_log_likelihood(excesses, tail_index=value["tail_index"], scale=value["tail_scale"])


def marginal(draws: Float[np.ndarray, "chains draws"]) -> Marginal:
    """Summarise one parameter's draws."""
    return Marginal(
        float(np.mean(draws)),
        float(np.std(draws, ddof=1)),
        tuple(float(value) for value in np.quantile(draws, QUANTILES)),
        float(split_gelman_rubin(draws)),
        float(effective_sample_size(draws)),
    )


def draw_parameters(key: PRNGKey, priors: PriorsConfig) -> dict[str, float]:
    """Draw one value of every parameter from the prior; `key` is a parent."""
    laws = prior_laws(priors)
    keys = jax.random.split(key, len(laws))
    with lenient():
        return {name: np.asarray(prior.sample(k)).item() for k, (name, prior) in zip(keys, laws.items(), strict=True)}


def _padded(observations: Observations) -> tuple[Array, Array, Array]:
    """Return the arrays of a market with room for a power of two of jumps, so that few lengths are compiled."""
    count = observations.event_bars.size
    places = max(_FEWEST_PLACES, 2 ** math.ceil(math.log2(max(count, 1))))
    spare = (0, places - count)
    return (
        jnp.asarray(observations.error_variance, float),
        jnp.asarray(np.pad(observations.event_bars, spare, constant_values=observations.bars)),
        jnp.asarray(np.pad(observations.excesses, spare, constant_values=-1.0)),
    )
