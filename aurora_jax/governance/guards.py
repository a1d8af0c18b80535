"""Guards: signals held against limits, each raising a soft flag, a hard flag, or both."""

import enum
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from aurora_jax.core import Number

from .settings import count, require_order, require_within, threshold


class Guard(enum.IntEnum):
    """What is watched; the order of flags and penalties."""

    COVERAGE = 0
    COVERAGE_STREAK = 1
    LATENCY = 2
    SURPRISAL = 3
    WIDTH = 4
    KAPPA = 5
    SATURATION = 6
    DATA_AGE = 7
    ERROR_RATE = 8
    DRAWDOWN = 9


class GuardSignals(NamedTuple):
    """What the guards look at on one bar. Latency, data age, error rate and drawdown are inputs, so replay is exact.

    Attributes:
        coverage_ema: exponential mean of "the interval covered", in [0, 1].
        miss_streak: consecutive bars not covered, up to now.
        latency_p95_ms: trailing p95 of the decision latency.
        surprisal_p95: trailing p95 of the surprisal.
        relative_width_p95: trailing p95 of interval width over its trailing median.
        kappa_score: 1 - kappa_plus, before penalties, in [0, 1].
        saturated: the conformal state asks for more than is emitted.
        infinite: it asks for an infinite interval.
        data_age_s: age of the bar when it arrived.
        error_rate: share of failed requests, in [0, 1].
        drawdown: of the account, in [0, 1].
    """

    coverage_ema: Number
    miss_streak: int | Int[Array, ""]
    latency_p95_ms: Number
    surprisal_p95: Number
    relative_width_p95: Number
    kappa_score: Number
    saturated: bool | Bool[Array, ""]
    infinite: bool | Bool[Array, ""]
    data_age_s: Number
    error_rate: Number
    drawdown: Number


class GuardFlags(NamedTuple):
    """Which guards are raised, by `Guard`."""

    soft: Bool[Array, " guards"]
    hard: Bool[Array, " guards"]

    @property
    def any(self) -> Bool[Array, " guards"]:
        """Return which guards are raised, softly or hard."""
        return self.soft | self.hard


def no_guards() -> GuardFlags:
    """Return flags with none raised."""
    none = jnp.zeros(len(Guard), bool)
    return GuardFlags(none, none)


def _every_guard(watched: Bool[Array, " guards"] | tuple[Guard, ...] | None) -> Bool[Array, " guards"]:
    if watched is None:
        return jnp.ones(len(Guard), bool)
    if isinstance(watched, tuple):
        return jnp.zeros(len(Guard), bool).at[jnp.array(watched, int)].set(True)
    return jnp.asarray(watched)


class Guards(eqx.Module):
    """Limits on the signals; a signal that is NaN raises its guard hard, for what is unknown is not safe.

    Drawdown is soft here: its hard limit latches and belongs to the kill switch. A hard flag would also hold a
    flattened account in BLOCK for ever, because its drawdown cannot recover.

    Attributes:
        coverage_soft_min: coverage EMA below it raises softly; `coverage_hard_min` likewise hard.
        miss_streak_hard_max: so many consecutive misses or more raise hard.
        latency_soft_max_ms: p95 above it raises softly; `latency_hard_max_ms` hard.
        surprisal_soft_max: p95 above it raises softly; `surprisal_hard_max` hard.
        relative_width_soft_max: p95 above it raises softly.
        kappa_score_soft_min: a score before penalties below it raises softly.
        data_age_hard_max_s: data older than this raises hard.
        error_rate_hard_max: a larger share of failed requests raises hard.
        drawdown_soft_max: a larger drawdown raises softly.
        watched: guards that this stream has signals for, as a tuple of `Guard` or a mask; None is all.
    """

    coverage_soft_min: Float[Array, ""] = eqx.field(converter=threshold)
    coverage_hard_min: Float[Array, ""] = eqx.field(converter=threshold)
    miss_streak_hard_max: Int[Array, ""] = eqx.field(converter=count)
    latency_soft_max_ms: Float[Array, ""] = eqx.field(converter=threshold)
    latency_hard_max_ms: Float[Array, ""] = eqx.field(converter=threshold)
    surprisal_soft_max: Float[Array, ""] = eqx.field(converter=threshold)
    surprisal_hard_max: Float[Array, ""] = eqx.field(converter=threshold)
    relative_width_soft_max: Float[Array, ""] = eqx.field(converter=threshold)
    kappa_score_soft_min: Float[Array, ""] = eqx.field(converter=threshold)
    data_age_hard_max_s: Float[Array, ""] = eqx.field(converter=threshold)
    error_rate_hard_max: Float[Array, ""] = eqx.field(converter=threshold)
    drawdown_soft_max: Float[Array, ""] = eqx.field(converter=threshold)
    watched: Bool[Array, " guards"] = eqx.field(converter=_every_guard, default=None)

    def __check_init__(self):
        if self.watched.shape != (len(Guard),):
            raise ValueError(f"watched must have one entry per guard ({len(Guard)}), had shape {self.watched.shape}.")
        require_order(coverage_hard_min=self.coverage_hard_min, coverage_soft_min=self.coverage_soft_min)
        require_order(latency_soft_max_ms=self.latency_soft_max_ms, latency_hard_max_ms=self.latency_hard_max_ms)
        require_order(surprisal_soft_max=self.surprisal_soft_max, surprisal_hard_max=self.surprisal_hard_max)
        require_within(
            0.0,
            1.0,
            coverage_hard_min=self.coverage_hard_min,
            coverage_soft_min=self.coverage_soft_min,
            kappa_score_soft_min=self.kappa_score_soft_min,
            error_rate_hard_max=self.error_rate_hard_max,
            drawdown_soft_max=self.drawdown_soft_max,
        )
        require_within(1, float("inf"), miss_streak_hard_max=self.miss_streak_hard_max)
        require_within(
            0.0,
            float("inf"),
            latency_soft_max_ms=self.latency_soft_max_ms,
            surprisal_soft_max=self.surprisal_soft_max,
            relative_width_soft_max=self.relative_width_soft_max,
            data_age_hard_max_s=self.data_age_hard_max_s,
        )

    def evaluate(self, signals: GuardSignals) -> GuardFlags:
        """Hold the signals of one bar against the limits."""
        never = jnp.zeros((), bool)
        coverage, latency, surprisal, width, score, age, errors, drawdown = (
            jnp.asarray(value, float)
            for value in (
                signals.coverage_ema,
                signals.latency_p95_ms,
                signals.surprisal_p95,
                signals.relative_width_p95,
                signals.kappa_score,
                signals.data_age_s,
                signals.error_rate,
                signals.drawdown,
            )
        )
        infinite = jnp.asarray(signals.infinite, bool)
        soft = {
            Guard.COVERAGE: coverage < self.coverage_soft_min,
            Guard.COVERAGE_STREAK: never,
            Guard.LATENCY: latency > self.latency_soft_max_ms,
            Guard.SURPRISAL: surprisal > self.surprisal_soft_max,
            Guard.WIDTH: width > self.relative_width_soft_max,
            Guard.KAPPA: score < self.kappa_score_soft_min,
            Guard.SATURATION: jnp.asarray(signals.saturated, bool) | infinite,
            Guard.DATA_AGE: never,
            Guard.ERROR_RATE: never,
            Guard.DRAWDOWN: drawdown > self.drawdown_soft_max,
        }
        hard = {
            Guard.COVERAGE: ~(coverage >= self.coverage_hard_min),
            Guard.COVERAGE_STREAK: jnp.asarray(signals.miss_streak, int) >= self.miss_streak_hard_max,
            Guard.LATENCY: ~(latency <= self.latency_hard_max_ms),
            Guard.SURPRISAL: ~(surprisal <= self.surprisal_hard_max),
            Guard.WIDTH: jnp.isnan(width),
            Guard.KAPPA: jnp.isnan(score),
            Guard.SATURATION: infinite,
            Guard.DATA_AGE: ~(age <= self.data_age_hard_max_s),
            Guard.ERROR_RATE: ~(errors <= self.error_rate_hard_max),
            Guard.DRAWDOWN: jnp.isnan(drawdown),
        }
        return GuardFlags(
            jnp.stack([soft[guard] for guard in Guard]) & self.watched,
            jnp.stack([hard[guard] for guard in Guard]) & self.watched,
        )
