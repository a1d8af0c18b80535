"""May what was learnt on one market be used on another? The transfer gate."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from aurora_jax.core import Estimate, Number, Outcome, require_x64
from aurora_jax.invariants import hurst_truncated, tail_index_clustered

from .causal_tails import CausalTails, TailGraph
from .transfer_nodes import asked_of, tail_nodes
from .transfer_similarity import effect_similarity, replicate
from .transfer_verdict import TransferErrors, TransferVerdict, decide, margins


class TransferGate(eqx.Module):
    r"""Settings of the transfer gate (TVF).

    READY if and only if CTR >= .8, DCTS >= .7, |d xi| < .1, |d H| < .05, all of them known well enough.

    Attributes:
        tail_share: share of bars that are extreme, for edges and tail index alike.
        min_tail_count: extremes per series below which the verdict is UNDECIDED.
        lags: of the edges, bars; `one_asset_lags` where the nodes are one asset's size, loss and volatility.
        one_asset_lags: likewise.
        ctr_min: least share of the source's edges found again.
        dcts_min: least similarity of effects.
        d_tail_index_max: largest difference of tail indices.
        d_hurst_max: largest difference of Hurst exponents.
        replication_level: p-value at which an edge of the source is found again in the target.
        deviations: by how many standard errors a statistic must fail for NOT_READY instead of UNDECIDED.
    """

    tail_share: float = eqx.field(static=True, default=0.05)
    min_tail_count: int = eqx.field(static=True, default=100)
    lags: int = eqx.field(static=True, default=3)
    one_asset_lags: int = eqx.field(static=True, default=5)
    ctr_min: Number = 0.8
    dcts_min: Number = 0.7
    d_tail_index_max: Number = 0.1
    d_hurst_max: Number = 0.05
    replication_level: Number = 0.05
    deviations: Number = 1.0

    def tails(self, assets: int) -> CausalTails:
        """Return the settings of the field of a stream with so many assets."""
        lags = self.lags if assets > 1 else self.one_asset_lags
        # One asset's nodes are functions of the same returns: what they share is what is asked about.
        return CausalTails(tail_share=self.tail_share, lags=lags, common_shocks=assets > 2)

    def field(self, returns: Float[Array, "steps assets"]) -> TailGraph:
        """Return the causal tail field of a stream's nodes."""
        assets = returns.shape[1]
        return self.tails(assets)(tail_nodes(returns), asked=asked_of(assets))


def transfer_gate(
    source: Float[Array | np.ndarray, "steps assets"],
    target: Float[Array | np.ndarray, "bars target_assets"],
    *,
    settings: TransferGate | None = None,
) -> TransferVerdict:
    """Judge whether a model of `source` may be used on `target`.

    Tail index: Hill's over the `tail_share` largest sizes of returns, error by a jackknife over blocks of time. Hurst
    exponent: Whittle's with jumps taken out. Both are means over assets; the error of a mean is the mean of errors, as
    if assets moved together.

    Args:
        source: log returns of the domain that the model was made on.
        target: log returns of the other, same number of assets in the same order; it may be of another length.
        settings: thresholds; the defaults are those of the specification.

    Returns:
        A `TransferVerdict`; data that cannot be judged (too short, constant, NaN, no edge in the source) is UNDECIDED.

    Raises:
        ValueError: if the domains differ in their number of assets.
        RuntimeError: if double precision is off.
    """
    require_x64("transfer_gate")
    settings = TransferGate() if settings is None else settings
    if source.shape[1] != target.shape[1]:
        raise ValueError(f"domains must have the same assets, had {source.shape[1]} and {target.shape[1]}.")
    domains = [jnp.asarray(domain, float) for domain in (source, target)]
    fields = [settings.field(domain) for domain in domains]
    ctr, again = replicate(*fields, level=settings.replication_level)
    dcts = effect_similarity(*fields)
    tail = _difference(*(_tail(domain, settings.tail_share) for domain in domains))
    hurst = _difference(*(_mean(jax.vmap(hurst_truncated, in_axes=1)(domain)) for domain in domains))
    count = min(int(domain.shape[0] * settings.tail_share + 1e-9) for domain in domains)
    thresholds = settings.ctr_min, settings.dcts_min, settings.d_tail_index_max, settings.d_hurst_max
    found = margins(ctr, dcts, tail, hurst, thresholds)
    return TransferVerdict(
        verdict=decide(found, enough=count >= settings.min_tail_count, deviations=settings.deviations),
        ctr=ctr.value,
        dcts=dcts.value,
        d_tail_index=tail.value,
        d_hurst=hurst.value,
        standard_errors=TransferErrors(*(part.standard_error for part in (ctr, dcts, tail, hurst))),
        outcomes=found.outcome,
        drivers=jnp.any(again, axis=1),
        tail_count=jnp.asarray(count),
    )


def _tail(returns: Float[Array, "steps assets"], tail_share: float) -> Estimate:
    count = max(2, int(returns.shape[0] * tail_share + 1e-9))
    return _mean(jax.vmap(lambda x: tail_index_clustered(jnp.abs(x), tail_count=count), in_axes=1)(returns))


def _mean(estimates: Estimate) -> Estimate:
    return Estimate(jnp.mean(estimates.value), jnp.mean(estimates.standard_error), jnp.max(estimates.outcome))


def _difference(source: Estimate, target: Estimate) -> Estimate:
    outcome = jnp.maximum(source.outcome, target.outcome)
    known = outcome == Outcome.OK
    error = jnp.hypot(source.standard_error, target.standard_error)
    return Estimate(jnp.where(known, target.value - source.value, jnp.nan), jnp.where(known, error, jnp.nan), outcome)
