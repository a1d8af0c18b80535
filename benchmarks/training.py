"""The student's training step against the same model in a Python loop over bars, and window by window."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from aurora_jax.core import stream
from aurora_jax.student import (
    DSSM,
    TrainData,
    Trainer,
    TrainSettings,
    Windows,
    filter_window,
    fit_trailing,
    standardise_returns,
)
from aurora_jax.student.loss import evidence_loss, filter_bar_by_bar

from .record import Contest, Timing, timed

WINDOWS, BARS, ASSETS, FEATURES = 12, 128, 20, 15
AGREEMENT = 1e-4  # of the loss, relative: single precision, summed in another order


def contests() -> Iterator[Contest]:
    """Take one gradient step of each encoder's model in several ways; all must find the same loss."""
    yield _against_loops()
    yield _all_bars_at_once()


def _all_bars_at_once() -> Contest:
    """Take the parallel encoder's gradient with its memory for all bars at once, and bar by bar."""
    windows, network = _windows(), DSSM(FEATURES, encoder="parallel", rngs=nnx.Rngs(0))
    windows = jax.tree.map(jnp.asarray, windows)
    noise = jax.random.normal(jax.random.key(2), (WINDOWS, BARS, ASSETS, network.latent), jnp.float32)
    structure, weights = nnx.split(network)

    def loss(cells_of):
        @jax.jit
        @jax.value_and_grad
        def gradient(weights):
            model = nnx.merge(structure, weights)
            cells = jax.vmap(lambda features, eps: cells_of(model, features, eps))(windows.features, noise)
            return evidence_loss(model, cells, windows, jacobian_weight=1e-2, divergence_weight=1.0)[0]

        return _gradient(gradient, weights, repeats=9)

    ours, peer = loss(filter_window), loss(filter_bar_by_bar)
    return _contest(
        what=f"gradient with the parallel encoder, {WINDOWS} windows x {BARS} bars x {ASSETS} assets",
        ours=ours,
        peers={"the same model as a plain scan of its cell": peer},
        note="the answer is the loss",
    )


def _contest(*, what: str, ours: Timing, peers: dict[str, Timing], note: str) -> Contest:
    """Return a contest over the windows' bars, whose contenders must have found the same loss."""
    for name, peer in peers.items():
        if abs(peer.answer - ours.answer) > AGREEMENT * abs(ours.answer):
            raise RuntimeError(f"{name}: loss {peer.answer}, ours {ours.answer}: not the same work.")
    return Contest(what=what, unit="asset-bars", work=float(WINDOWS * BARS * ASSETS), ours=ours, peers=peers, note=note)


def _against_loops() -> Contest:
    """The training step of the recurrent unit, and two ways without it."""
    windows, key = _windows(), jax.random.key(1)
    network = DSSM(FEATURES, rngs=nnx.Rngs(0))
    settings = TrainSettings(100, batch_windows=WINDOWS, teacher_share=0.0)
    trainer = Trainer(network, key, TrainData(windows, windows, windows), settings)
    state = trainer.init()
    batch = jax.tree.map(jnp.asarray, trainer.batch(0).windows)
    noise = jax.random.normal(stream(key, "posterior", 0), (*batch.standard_returns.shape, network.latent), jnp.float32)
    weigh = {"jacobian_weight": settings.jacobian_weight, "divergence_weight": settings.divergence_weight}
    ours = timed(lambda: trainer.step(state)[1].loss, answer=float, repeats=9)
    peers = {
        "a Python loop over bars, the cell compiled": _looped(network, batch, noise, weigh),
        "a scan, one window at a time": _unbatched(network, batch, noise, weigh),
    }
    return _contest(
        what=f"training step, {WINDOWS} windows x {BARS} bars x {ASSETS} assets, {FEATURES} features",
        ours=ours,
        peers=peers,
        note="ours draws the batch and takes the AdamW step as well, the peers stop at the gradient; the answer is the "
        "loss",
    )


def _windows() -> Windows:
    rng = np.random.default_rng(0)
    returns = jnp.asarray(0.01 * rng.standard_t(4, (WINDOWS * BARS, ASSETS)))
    standard, whitening = standardise_returns(fit_trailing(returns), returns)

    def cut(table):
        return np.asarray(table, np.float32).reshape(WINDOWS, BARS, *table.shape[1:])

    features = rng.standard_normal((WINDOWS, BARS, ASSETS, FEATURES)).astype(np.float32)
    return Windows(features, cut(standard), cut(whitening))


def _looped(network: DSSM, windows: Windows, noise, weigh) -> Timing:
    structure, weights = nnx.split(network)

    @jax.jit
    def cell(weights, hidden, latent, features, eps):
        return jax.vmap(nnx.merge(structure, weights).cell)(hidden, latent, features, eps)

    @jax.jit
    def score(weights, cells):
        return evidence_loss(nnx.merge(structure, weights), cells, windows, **weigh)[0]

    def loss(weights):
        hidden = jnp.zeros((WINDOWS, ASSETS, network.hidden), jnp.float32)
        latent, cells = jnp.zeros((WINDOWS, ASSETS, network.latent), jnp.float32), []
        for bar in range(BARS):
            hidden, found = cell(weights, hidden, latent, windows.features[:, bar], noise[:, bar])
            latent = found.latent
            cells.append(found)
        return score(weights, jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=1), *cells))

    return _gradient(jax.value_and_grad(loss), weights, repeats=3)


def _unbatched(network: DSSM, windows: Windows, noise, weigh) -> Timing:
    structure, weights = nnx.split(network)

    @jax.jit
    @jax.value_and_grad
    def one(weights, window, eps):
        model = nnx.merge(structure, weights)
        cells = jax.tree.map(lambda leaf: leaf[None], filter_window(model, window.features[0], eps))
        return evidence_loss(model, cells, window, **weigh)[0]

    def whole(weights):
        parts = [
            one(weights, jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], windows), noise[i]) for i in range(WINDOWS)
        ]
        return jax.tree.map(lambda *leaves: sum(leaves) / WINDOWS, *parts)

    return _gradient(whole, weights, repeats=5)


def _gradient(function: Callable, weights, *, repeats: int) -> Timing:
    return timed(lambda: function(weights), answer=lambda out: float(out[0]), repeats=repeats)
