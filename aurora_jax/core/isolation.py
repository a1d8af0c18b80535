"""A function compiled as a computation of its own, so that its bits do not depend on what surrounds it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from .numerics import strongly_typed

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def isolated(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return `function` with results that are the same bits in a scan's body, a branch, or a call of its own.

    XLA fuses across everything it finds in one computation, and what it fuses decides which products and sums share a
    rounding: the same lines give other last bits when a scan surrounds them. Here they become the body of a loop that
    runs once. Its trip count is hidden from the compiler, which could otherwise inline the body, and the arguments are
    tied to the loop's counter, as what does not vary would be hoisted out. Results come back strongly typed.

    Holds for one platform and one version of XLA, and unless an outer `vmap` batches the arguments.
    """
    untyped: Callable[..., Result] = function

    @wraps(function)
    def alone(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        def run(operands: Any) -> Result:
            own_args, own_kwargs = operands
            return strongly_typed(untyped(*own_args, **own_kwargs))

        def body(carry):
            count, _ = carry
            count, operands = lax.optimization_barrier((count, (args, kwargs)))
            return count + 1, run(operands)

        once = lax.optimization_barrier(jnp.ones((), jnp.int32))
        empty = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(run, (args, kwargs)))
        return lax.while_loop(lambda carry: carry[0] < once, body, (jnp.zeros((), jnp.int32), empty))[1]

    return alone
