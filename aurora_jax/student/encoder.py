"""A recurrent encoder whose gates see the input alone: one bar at a time online, all bars at once in training."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

_SHORTEST_BARS, _LONGEST_BARS = 1.5, 64.0  # half-lives of the memory at the start, spread evenly in logarithms


class ParallelEncoder(nnx.Module):
    r"""Gated linear recurrence: a memory that can be trained without a loop over bars.

    $$h_t = (1 - g_t) \odot h_{t-1} + g_t \odot c_t, \qquad
      g_t = \sigma(W_g u_t + b_g), \quad c_t = \tanh(W_c u_t + b_c)$$

    Neither gate nor candidate sees $h_{t-1}$, so that a window is a composition of affine maps, which is associative.
    This is minGRU but for the tanh: it keeps the memory in (-1, 1) whatever the features are.

    Args:
        inputs: width of u.
        hidden: width of h.
        rngs: of the starting weights.

    References:
        Feng et al. (2024), Were RNNs all we needed?, arXiv:2410.01201, section 3.1 (minGRU); Blelloch (1990), Prefix
        sums and their applications, section 1.4.
    """

    def __init__(self, inputs: int, hidden: int, *, rngs: nnx.Rngs):
        dtype = jnp.float32
        self.gate = nnx.Linear(inputs, hidden, bias_init=_forgetting, param_dtype=dtype, rngs=rngs)
        self.candidate = nnx.Linear(inputs, hidden, param_dtype=dtype, rngs=rngs)

    def __call__(
        self, hidden: Float[Array, "*batch hidden"], inputs: Float[Array, "*batch inputs"]
    ) -> tuple[Float[Array, "*batch hidden"], Float[Array, "*batch hidden"]]:
        """Advance one bar; returns the memory twice, as flax's cells do."""
        kept, added = self._map(inputs)
        hidden = kept * hidden + added
        return hidden, hidden

    def over_bars(
        self, inputs: Float[Array, "bars assets inputs"], observed: Bool[Array, "bars assets"] | None = None
    ) -> Float[Array, "bars assets hidden"]:
        """Return the memory after each bar, from an empty one; a bar that was not observed leaves it as it is."""
        kept, added = self._map(inputs)
        if observed is not None:
            kept = jnp.where(observed[..., None], kept, 1.0)
            added = jnp.where(observed[..., None], added, 0.0)
        return jax.lax.associative_scan(_then, (kept, added))[1]

    def _map(self, inputs):
        share = nnx.sigmoid(self.gate(inputs))
        return 1.0 - share, share * nnx.tanh(self.candidate(inputs))


def _forgetting(key, shape, dtype=jnp.float32, out_sharding=None):
    """Return the biases at which, without input, memories fall to half in half-lives spread over the range."""
    share = 1.0 - 2.0 ** (-1.0 / np.geomspace(_SHORTEST_BARS, _LONGEST_BARS, *shape))
    return jnp.asarray(np.log(share / (1.0 - share)), dtype)


def _then(first, second):
    """Compose two maps h -> kept h + added, the first one applied first."""
    return first[0] * second[0], second[0] * first[1] + second[1]


def _recurrent_unit(inputs: int, hidden: int, *, rngs: nnx.Rngs) -> nnx.GRUCell:
    return nnx.GRUCell(inputs, hidden, param_dtype=jnp.float32, dtype=jnp.float32, rngs=rngs)


ENCODERS = {"gru": _recurrent_unit, "parallel": ParallelEncoder}
"""Encoders by their kind: flax's gated recurrent unit, and the one that needs no loop over bars."""


def encoder_of(kind: str, inputs: int, hidden: int, *, rngs: nnx.Rngs) -> nnx.GRUCell | ParallelEncoder:
    """Return an encoder by its kind.

    Raises:
        ValueError: if the kind is unknown; names those that there are.
    """
    if kind not in ENCODERS:
        raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, was {kind!r}.")
    return ENCODERS[kind](inputs, hidden, rngs=rngs)
