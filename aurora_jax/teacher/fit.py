"""Fitting the teacher by gradient descent on its penalised quasi-likelihood."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from ..core import lenient
from .likelihood import TeacherData, log_likelihood
from .measure_volatility import VolatilityMeasure
from .model import NFSDE
from .objective import separation


class FitResult(NamedTuple):
    """A fitted teacher, the loss before every step, and minus the log-likelihood per bar of unseen blocks."""

    model: NFSDE
    losses: Float[Array, " steps"]
    held_out: Float[Array, ""]
    held_out_before: Float[Array, ""]


def teacher_data(
    returns: Float[Array, "bars assets"],
    measure: VolatilityMeasure,
    regime: Int[Array, " blocks"],
    *,
    block_bars: int,
    smoothing_bars: float = 10.0,
) -> TeacherData:
    """Cut a market into blocks; bars beyond the last whole block are left out.

    Args:
        returns: log returns.
        measure: readings of the volatility factors, one row for each return.
        regime: `Regime` code of each block, oldest first.
        block_bars: bars per block.
        smoothing_bars: centre of mass of the smooth of past readings at which the drift is evaluated; 0 is the last
            reading alone.

    Raises:
        ValueError: if the series is too short for the blocks and the one reading after them.
    """
    blocks = regime.shape[0]
    bars = blocks * block_bars
    if returns.shape[0] < bars + 1:
        raise ValueError(
            f"{blocks} blocks of {block_bars} bars need {bars + 1} returns, found {returns.shape[0]}: drop a block."
        )
    reading = measure.log_volatility
    before = known_before(reading, smoothing_bars=smoothing_bars)
    after = reading[block_bars : bars + 1 : block_bars]
    shape = (blocks, block_bars, -1)
    return TeacherData(
        returns=returns[:bars].reshape(shape),
        log_volatility=jnp.concatenate([reading[:bars].reshape(shape), after[:, None, :]], axis=1),
        smooth_log_volatility=jnp.concatenate(
            [before[:bars].reshape(shape), before[block_bars : bars + 1 : block_bars][:, None, :]], axis=1
        ),
        regime=regime,
        error_variance=jnp.asarray(measure.error_variance, reading.dtype),
    )


def known_before(
    reading: Float[Array, "bars factors"], *, smoothing_bars: float = 10.0
) -> Float[Array, "bars_and_one factors"]:
    r"""Return the exponential smooth of all readings before each bar, and before the bar after the last.

    $$s_{t+1} = s_t + \frac{1}{1 + m} (y_t - s_t), \qquad s_0 = 0$$

    Before the first bar nothing is known but that a reading of 0 is a typical bar's.

    Args:
        reading: of each bar.
        smoothing_bars: m, the weights' centre of mass; 0 is the last reading alone.
    """
    weight = jnp.asarray(1.0 / (1.0 + smoothing_bars), reading.dtype)

    def smooth(before, now):
        after = before + weight * (now - before)
        return after, after

    nothing = jnp.zeros_like(reading[0])
    return jnp.concatenate([nothing[None], jax.lax.scan(smooth, nothing, reading)[1]])


def penalised_loss(model: NFSDE, data: TeacherData, separation_weight: float) -> Float[Array, ""]:
    r"""Return $-\log p(X) + \lambda_{sep} S$ per bar; see `objective.separation`."""
    return -log_likelihood(model, data) + separation_weight * separation(model, data)


def fit(
    model: NFSDE,
    data: TeacherData,
    held_out: TeacherData,
    *,
    steps: int,
    learning_rate: float = 1e-2,
    separation_weight: float = 1e-3,
    gradient_norm_max: float = 1.0,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> FitResult:
    """Fit by Adam with clipped gradients on a cosine schedule.

    Args:
        model: where to start.
        data: training blocks.
        held_out: blocks that are only scored.
        steps: gradient steps, each over all blocks.
        learning_rate: peak, after a warm-up over a tenth of the steps; falls to a tenth by a cosine.
        separation_weight: lambda_sep.
        gradient_norm_max: global norm at which the gradient is clipped.
        on_step: called with the step and its loss, for a progress bar.

    Raises:
        FloatingPointError: if the loss stops being finite; names the step.
    """
    # Adam's first steps are as long as its last: without a warm-up they leave the start, which is a good one.
    warm_up = max(steps // 10, 1)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, learning_rate, warm_up, max(steps, warm_up + 1), learning_rate / 10
    )
    optimiser = optax.chain(optax.clip_by_global_norm(gradient_norm_max), optax.adam(schedule))
    arrays, static = eqx.partition(model, eqx.is_inexact_array)

    @jax.jit
    def advance(arrays, state):
        def objective(leaves):
            return penalised_loss(eqx.combine(leaves, static), data, separation_weight)

        loss, gradient = jax.value_and_grad(objective)(arrays)
        with lenient():
            updates, state = optimiser.update(gradient, state, arrays)
        return optax.apply_updates(arrays, updates), state, loss

    state = optimiser.init(arrays)
    losses = []
    for step in range(steps):
        arrays, state, loss = advance(arrays, state)
        losses.append(float(loss))
        if not jnp.isfinite(loss):
            raise FloatingPointError(f"teacher loss became {losses[-1]} at step {step}: lower the learning rate.")
        on_step(step, losses[-1])
    fitted = eqx.combine(arrays, static)
    score = jax.jit(lambda leaves: -log_likelihood(eqx.combine(leaves, static), held_out))
    before, _ = eqx.partition(model, eqx.is_inexact_array)
    return FitResult(fitted, jnp.asarray(losses), score(arrays), score(before))
