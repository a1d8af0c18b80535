"""The causal tail field: who makes whom extreme, and how many bars later."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number, Outcome, require_x64
from aurora_jax.inference import adjusted_yekutieli

from .causal_tail_coefficient import causal_tail_coefficients
from .causal_tail_columns import (
    exceedances,
    lagged,
    largest_nearby,
    own_volatility,
    ranks,
    shared_columns,
    strata,
    usable,
)
from .causal_tail_test import conditional_test, fit_null, upper_probability, without

MIN_TAIL_COUNT = 20
_GRADIENT_TOLERANCE = 1e-3


class TailGraph(NamedTuple):
    """The causal tail field (CTF), by source, target and lag - 1.

    Attributes:
        edges: True where an extreme of the source makes one of the target likelier, at the false discovery rate.
        effects: causal tail coefficients, 1/2 without effect.
        standard_errors: of the effects.
        deviations: signed root of the likelihood ratio, standard normal without effect.
        p_values: one-sided; 1 where there is no test.
        adjusted_p_values: smallest false discovery rate at which the edge is found.
        outcome: `Outcome` of each test; REFUSED on the diagonal, which is conditioned on, and where nothing was asked.
    """

    edges: Bool[Array, "*batch sources targets lags"]
    effects: Float[Array, "*batch sources targets lags"]
    standard_errors: Float[Array, "*batch sources targets lags"]
    deviations: Float[Array, "*batch sources targets lags"]
    p_values: Float[Array, "*batch sources targets lags"]
    adjusted_p_values: Float[Array, "*batch sources targets lags"]
    outcome: Int[Array, "*batch sources targets lags"]

    @property
    def drivers(self) -> Bool[Array, "*batch sources targets"]:
        """Return which series drives which, at whatever lag."""
        return jnp.any(self.edges, axis=-1)


class CausalTails(eqx.Module):
    """Finds which series' extremes make another's likelier, given the other's own past and what all share.

    For each ordered pair and lag, `conditional_test`: given the target's own extremes at the same lags, all third
    series' extremes at these lags and in the same bar (which cuts chains and forks), and, with `common_shocks`, what
    all series share: bars in which several were extreme, running volatility of the target and of all, and strata of
    how extreme third series are within `lags` bars before and after, so that a shock to all is no cause. Benjamini and
    Yekutieli's procedure over all pairs and lags.

    A shock that reaches one series a bar before another, with nobody else told, is not told from a cause: in the past
    that can be seen it is one.

    Attributes:
        tail_share: share of bars that count as extreme.
        lags: the largest lag, bars.
        false_discovery_rate: expected share of false edges.
        common_shocks: condition on what all series share; needs three series or more, and must be off where series are
            functions of one another.
        block_bars: bars that stay together when variances are taken.
    """

    tail_share: float = eqx.field(static=True, default=0.05)
    lags: int = eqx.field(static=True, default=3)
    false_discovery_rate: Number = 0.05
    common_shocks: bool = eqx.field(static=True, default=True)
    block_bars: int = eqx.field(static=True, default=32)

    def __check_init__(self):
        if not 0.0 < self.tail_share < 0.5:
            raise ValueError(f"tail_share must lie in (0, 0.5), was {self.tail_share}.")
        for name in ("lags", "block_bars"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, was {getattr(self, name)}.")

    def tail_count(self, steps: int) -> int:
        """Return how many of `steps` bars count as extreme."""
        return int(steps * self.tail_share + 1e-9)

    def __call__(
        self, series: Float[Array, "steps nodes"], *, asked: Bool[Array | np.ndarray, "sources targets"] | None = None
    ) -> TailGraph:
        """Return the field of `series`, of which large values are extreme.

        Args:
            series: on the same bars.
            asked: pairs to test; all by default. One that holds by construction is no discovery.

        Tests that cannot be had say why: TOO_SHORT (fewer than 20 extremes, or fewer than 4 blocks), CONSTANT,
        NON_FINITE (of either series), NOT_CONVERGED. A series with NaN does not spoil the others.

        Raises:
            ValueError: if there are fewer than two series.
            RuntimeError: if double precision is off.
        """
        require_x64("CausalTails")
        steps, nodes = series.shape
        if nodes < 2:
            raise ValueError(f"a graph needs at least two series, had {nodes}.")
        series = jnp.asarray(series, float)
        count = self.tail_count(steps)
        shape = (nodes, nodes, self.lags)
        if count < MIN_TAIL_COUNT or steps - self.lags < 4 * self.block_bars:
            return _nothing(shape, Outcome.TOO_SHORT)
        of_series = usable(series, tail_count=count)
        clean = jnp.where((of_series == Outcome.OK)[None], jnp.where(jnp.isfinite(series), series, 0.0), 0.0)
        deviations, gradient = self._deviations(clean, count)
        effects, errors = causal_tail_coefficients(clean, tail_count=count, lags=self.lags, block_bars=self.block_bars)
        outcome = _outcomes(of_series, gradient)
        if asked is not None:
            outcome = jnp.where(jnp.asarray(asked), outcome, int(Outcome.REFUSED))
        outcome = jnp.broadcast_to(outcome[:, :, None], shape)
        tested = outcome == Outcome.OK
        p_values = jnp.where(tested, upper_probability(deviations), 1.0)
        adjusted = adjusted_yekutieli(p_values.ravel(), tested=tested.ravel()).reshape(shape)
        edges = tested & (adjusted <= self.false_discovery_rate)
        effects, errors, deviations = (jnp.where(tested, part, jnp.nan) for part in (effects, errors, deviations))
        return TailGraph(edges, effects, errors, deviations, p_values, adjusted, outcome)

    def _deviations(
        self, series: Float[Array, "steps nodes"], count: int
    ) -> tuple[Float[Array, "sources targets lags"], Float[Array, " targets"]]:
        extreme = exceedances(series, tail_count=count).astype(series.dtype)
        past = lagged(extreme, lags=self.lags)
        rank = ranks(series)
        rows, _, nodes = past.shape
        conditioned = self.common_shocks and nodes > 2
        start = [jnp.ones((rows, 1), series.dtype)]
        shared = jnp.concatenate([*start, *([shared_columns(extreme, rank, lags=self.lags)] if conditioned else [])], 1)
        nearby = largest_nearby(rank, lags=self.lags)
        of_column = jnp.tile(jnp.arange(nodes), self.lags + 1)
        # Third series in the same bar are on the way of effects that pass through two series within a bar.
        around = jnp.concatenate([past.reshape(rows, -1), extreme[self.lags :]], axis=1)

        def into(target):
            own = [past[:, :, target], *([own_volatility(rank[:, target], lags=self.lags)] if conditioned else [])]
            columns = jnp.concatenate([shared, *own], axis=1)
            hit = extreme[self.lags :, target]
            fit = fit_null(hit, columns)
            scores = without(around, columns, fit.weight)

            def out_of(source):
                third = (of_column != source) & (of_column != target)
                nuisance = scores * third[None].astype(scores.dtype)
                if conditioned:
                    # Neighbouring bars tie: rounded, so that the order of summing does not break ties.
                    apart = jnp.round(jnp.sum(nearby, axis=1) - nearby[:, source] - nearby[:, target], 9)
                    nuisance = jnp.concatenate(
                        [without(strata(apart[self.lags :]), columns, fit.weight), nuisance], axis=1
                    )
                tested = scores[:, : self.lags * nodes].reshape(past.shape)[:, :, source]
                return conditional_test(fit, hit, past[:, :, source], tested, nuisance, block_bars=self.block_bars)

            return jax.vmap(out_of)(jnp.arange(nodes)), fit.gradient

        deviations, gradient = lax.map(into, jnp.arange(nodes))
        return jnp.swapaxes(deviations, 0, 1), gradient


def _outcomes(of_series: Int[Array, " nodes"], gradient: Float[Array, " nodes"]) -> Int[Array, "sources targets"]:
    source, target = jnp.meshgrid(of_series, of_series, indexing="ij")
    fitted = jnp.where(gradient < _GRADIENT_TOLERANCE, int(Outcome.OK), int(Outcome.NOT_CONVERGED))
    outcome = jnp.where(target != Outcome.OK, target, jnp.where(source != Outcome.OK, source, fitted[None]))
    return jnp.where(jnp.eye(of_series.size, dtype=bool), int(Outcome.REFUSED), outcome)


def _nothing(shape: tuple[int, int, int], outcome: Outcome) -> TailGraph:
    nan, one = jnp.full(shape, jnp.nan), jnp.ones(shape)
    codes = jnp.where(jnp.eye(shape[0], dtype=bool)[:, :, None], int(Outcome.REFUSED), int(outcome))
    return TailGraph(jnp.zeros(shape, bool), nan, nan, nan, one, one, codes * jnp.ones(shape, int))
