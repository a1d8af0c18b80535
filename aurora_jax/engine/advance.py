"""The stages of one bar: settle, forecast, decide. Each takes the engine's parts and returns new state."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..certification import Certificate, KappaParts, kappa, kappa_plus
from ..core import Bar, Forecast, Outcome, Regime
from ..crossbar import TwoLengthsState, trend
from ..governance import Decision, GuardSignals
from .certify_assets import certify_assets
from .history import remember
from .over_assets import chosen, in_worst_share, weighted_mean, worst
from .simple_forecast import or_simple
from .state import Climate, EngineInfo, EngineState, Pending, Settlement

if TYPE_CHECKING:
    from .engine import Engine


class View(NamedTuple):
    """What the models say after this bar."""

    forecast: Forecast
    certificate: Certificate
    families: Float[Array, "assets families"]
    transition_started: Bool[Array, ""]
    in_transition: Bool[Array, ""]
    parts: KappaParts
    relative_width_p95: Float[Array, ""]


def settle(engine: "Engine", state: EngineState, bar: Bar) -> tuple[EngineState, Settlement]:
    """Hold the previous forecast against this bar."""
    first = state.bars_seen == 0
    returns = jnp.where(first, 0.0, jnp.log(bar.close / state.close))
    pending = state.pending
    observed = ~bar.imputed & ~first & pending.live
    residual = returns - pending.forecast.mean
    score = jnp.abs(residual) / pending.forecast.scale
    nu = pending.forecast.degrees_of_freedom

    def conform(conformal, score, crossbar):
        return engine.conformal.step(
            conformal, score, in_transition=pending.widened, crossbar=crossbar, degrees_of_freedom=nu
        )

    conformal, info = jax.vmap(conform)(state.conformal, score, pending.crossbar)
    coverage, record = jax.vmap(engine.coverage.step)(state.coverage, ~info.missed)
    surprisal, surprise = jax.vmap(lambda s, r, sigma, seen: engine.surprisal.step(s, r, sigma, observed=seen))(
        state.surprisal, residual, pending.forecast.scale, observed
    )
    history = chosen(first, state.history, remember(state.history, returns))
    state = state._replace(
        bars_seen=state.bars_seen + 1,
        time=bar.time,
        close=bar.close,
        conformal=chosen(observed, conformal, state.conformal),
        coverage=chosen(observed, coverage, state.coverage),
        surprisal=surprisal,
        history=history,
        drawdown=jnp.asarray(bar.drawdown, float),
        bars_since_rebalance=state.bars_since_rebalance + 1,
    )
    return state, Settlement(
        returns=returns,
        observed=observed,
        missed=info.missed & observed,
        coverage_ema=state.conformal.coverage_ema,
        coverage=jnp.where(record.bars > 0, record.coverage, 1.0),
        bcc=jnp.where(observed, record.bcc, 0.0),
        streak=state.conformal.streak,
        surprisal=surprise.surprisal,
        surprisal_p95=surprise.p95,
    )


def forecast(engine: "Engine", state: EngineState, bar: Bar, settlement: Settlement) -> tuple[EngineState, View]:
    """Run features, student, router, crossbar, transition and interval."""
    features, values = engine.features.step(state.features, bar)
    values = engine.standardiser.apply(values)
    # Prices near the ends of double precision overflow in some feature: such an asset has no bar.
    usable = jnp.all(jnp.isfinite(values), axis=-1)
    values = jnp.where(usable[:, None], values, 0.0)
    student, belief = engine.student.step(state.student, values, settlement.returns, usable & ~bar.imputed)
    student = chosen(state.bars_seen > 1, student, state.student)  # the first bar has no return to learn from
    prediction = or_simple(belief.forecast, student.trailing.variance, simple=state.fallbacks.simple_model)

    crossbar, bars = jax.vmap(engine.crossbar.step)(state.crossbar, settlement.returns)
    crossbar = chosen(state.bars_seen > 1, crossbar, state.crossbar)
    families = _families(engine, crossbar, belief.posterior.mean, values)
    mean_families = weighted_mean(families, state.weights)
    mean_crossbar = weighted_mean(bars.smoothed, state.weights)
    transition, change = engine.transition.step(
        state.transition,
        crossbar=mean_crossbar,
        momentum=trend(weighted_mean(_window(engine, crossbar), state.weights)),
        volatility=weighted_mean(prediction.scale, state.weights),
    )
    climate = Climate(
        regime=jnp.where(change.in_transition, int(Regime.TRANS), jnp.argmax(mean_families)),
        probabilities=mean_families,
        crossbar=mean_crossbar,
    )
    widened = change.in_transition | state.fallbacks.widen_intervals | engine.meta.conservative
    certificate, widths, relative = certify_assets(
        engine, state, prediction, belief, widened=widened, crossbar=bars.smoothed, families=families
    )
    live = state.bars_seen > engine.meta.warm_up_bars
    relative_width, relative_p95 = jax.vmap(lambda s, x: engine.relative_width.step(s, x, observed=live))(
        state.relative_width, relative
    )
    width_p95 = worst(relative_p95, share=engine.meta.worst_share, high_is_bad=True)
    parts = KappaParts(*(weighted_mean(jnp.asarray(part), state.weights) for part in certificate.kappa_parts))
    state = state._replace(
        features=features,
        student=student,
        crossbar=crossbar,
        transition=transition,
        widths=chosen(live, widths, state.widths),
        relative_width=relative_width,
        climate=climate,
        pending=Pending(prediction, certificate.interval, widened, bars.smoothed, live),
    )
    return state, View(prediction, certificate, families, change.started, change.in_transition, parts, width_p95)


def _families(
    engine: "Engine",
    crossbar: TwoLengthsState,
    latent: Float[Array, "assets latent"],
    values: Float[Array, "assets features"],
) -> Float[Array, "assets families"]:
    """Return what the router says of each asset; until its window is full, the same of all families."""
    said = engine.router.judge(latent, values, _window(engine, crossbar)).probabilities
    full = crossbar.bars >= engine.router.window_bars
    return jnp.where(full[:, None], said, 1.0 / said.shape[-1])


def _window(engine: "Engine", crossbar: TwoLengthsState) -> Float[Array, "assets window"]:
    """Return the trailing returns of each asset that the router and momentum read."""
    return crossbar.returns[:, -engine.router.window_bars :]


def decide(
    engine: "Engine", state: EngineState, bar: Bar, settlement: Settlement, view: View
) -> tuple[EngineState, EngineInfo]:
    """Turn the evidence into a decision; while warming up governance stands still and nothing is traded."""
    live, share = state.pending.live, engine.meta.worst_share
    uncertainty = kappa(view.parts, engine.meta.kappa_weights)
    bcc = weighted_mean(view.certificate.bcc, state.weights)
    combined = kappa_plus(uncertainty, bcc, gamma=engine.meta.gamma)
    latency, latency_p95 = engine.latency.step(state.latency, bar.latency_ms)
    coverage_ema = worst(settlement.coverage_ema, share=share, high_is_bad=False)
    flags = engine.guards.evaluate(
        GuardSignals(
            coverage_ema=coverage_ema,
            miss_streak=worst(settlement.streak, share=share, high_is_bad=True),
            latency_p95_ms=latency_p95,
            surprisal_p95=worst(settlement.surprisal_p95, share=share, high_is_bad=True),
            relative_width_p95=view.relative_width_p95,
            kappa_score=1.0 - combined,
            saturated=in_worst_share(view.certificate.interval.saturated, share=share),
            infinite=in_worst_share(view.certificate.outcome == int(Outcome.REFUSED), share=share),
            data_age_s=bar.data_age_s,
            error_rate=bar.error_rate,
            drawdown=bar.drawdown,
        )
    )
    kill_switch, switch = engine.kill_switch.step(
        state.kill_switch,
        latency_ms=bar.latency_ms,
        kappa_plus=combined,
        coverage_ema=coverage_ema,
        drawdown=bar.drawdown,
        flags=flags,
    )
    acceptance, verdict = engine.acceptance.step(
        state.acceptance,
        kappa_plus=combined,
        flags=flags,
        kill=switch.killed | switch.fallbacks.block,
        release=state.acceptance.killed & ~(switch.killed | switch.fallbacks.block),
    )
    gate = engine.gating.risk_scale(verdict.decision, flags)
    reduced = jnp.where(switch.fallbacks.reduce_size, 0.5, 1.0)
    due = engine.needs_weights(state, transition_started=view.transition_started) & live
    info = EngineInfo(
        outcome=jnp.where(live, int(Outcome.OK), int(Outcome.WARMING_UP)),
        settlement=settlement,
        forecast=view.forecast,
        certificate=view.certificate,
        families=view.families,
        climate=state.climate,
        in_transition=view.in_transition,
        kappa_parts=view.parts,
        kappa=uncertainty,
        bcc=bcc,
        kappa_plus=combined,
        score=verdict.score,
        penalties=verdict.penalties,
        decision=jnp.where(live, verdict.decision, int(Decision.BLOCK)),
        soft=flags.soft,
        hard=flags.hard,
        trigger=verdict.trigger,
        refused=verdict.refused,
        switched=verdict.switched & live,
        fallbacks=switch.fallbacks,
        killed=switch.killed,
        risk_scale=jnp.where(live, gate.risk_scale * reduced, 0.0),
        block_reason=gate.block_reason,
        rebalance=due,
        relative_width_p95=view.relative_width_p95,
        latency_p95_ms=latency_p95,
    )
    state = state._replace(
        latency=latency,
        kill_switch=chosen(live, kill_switch, state.kill_switch),
        acceptance=chosen(live, acceptance, state.acceptance),
        fallbacks=chosen(live, switch.fallbacks, state.fallbacks),
    )
    return state, info
