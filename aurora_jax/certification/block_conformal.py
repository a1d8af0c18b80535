"""Split conformal prediction by blocks, for scores that come in clusters."""

import equinox as eqx
import jax.numpy as jnp

from .split_conformal import AbstractSplitConformal, conformal_rank


class BlockConformal(AbstractSplitConformal):
    r"""The bound that the worst score of a whole block respects.

    With block maxima of score ranks $M_j = \max_{i \in B_j} \mathrm{rank}(s_i)$ over m consecutive blocks,

    $$\hat q = s_{(r)}, \qquad r = M_{(\lceil (m + 1)(1 - \alpha) \rceil)}$$

    A rank is a monotone reading of its score, so this is the same order statistic of the maxima of the scores. If
    blocks are exchangeable, whatever happens inside them, all scores of the next block are below it together with
    probability at least $1 - \alpha$; each alone more often. Blocks end at the newest score; what is left at the old
    end is not used. A block of one is the plain rule.

    Attributes:
        block_bars: scores in a block.

    References:
        Chernozhukov, Wüthrich and Zhu (2018), COLT, sect. 2.2 for blocks as what is exchanged.
    """

    block_bars: int = eqx.field(static=True, default=5)

    def __check_init__(self):
        if self.block_bars < 1:
            raise ValueError(f"block_bars must be at least 1, was {self.block_bars}.")

    def quantile(self, scores, *, miscoverage, held=None):
        """Return the bound of a whole block."""
        blocks = scores.shape[0] // self.block_bars
        known = jnp.asarray(scores.shape[0] if held is None else held) // self.block_bars
        worst = jnp.max(scores[scores.shape[0] - blocks * self.block_bars :].reshape(blocks, self.block_bars), axis=1)
        worst = jnp.where(jnp.arange(blocks) >= blocks - known, worst, jnp.inf)
        ascending = jnp.append(jnp.sort(worst), jnp.inf)
        return ascending[jnp.clip(conformal_rank(known, miscoverage), 1, blocks + 1) - 1]
