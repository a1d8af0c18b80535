import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import Trajectories
from aurora_jax.scenarios import from_table, to_table


def paths(count, steps, assets, factors, seed=0):
    random = np.random.default_rng(seed)
    return Trajectories(
        times=jnp.tile(0.5 * jnp.arange(steps + 1.0), (count, 1)),
        log_price=jnp.asarray(random.normal(size=(count, steps + 1, assets)).astype(np.float32)),
        log_volatility=jnp.asarray(random.normal(size=(count, steps + 1, factors)).astype(np.float32)),
        regime=jnp.asarray(random.integers(0, 3, (count, steps))),
        jumps=jnp.asarray(random.integers(0, 4, (count, steps))),
    )


def test_rows_by_hand():
    one = Trajectories(
        times=jnp.array([[0.0, 1.0, 2.0]]),
        log_price=jnp.array([[[0.0, 1.0], [0.5, 1.5], [0.25, 2.0]]]),
        log_volatility=jnp.array([[[-1.0], [-2.0], [-3.0]]]),
        regime=jnp.array([[2, 0]]),
        jumps=jnp.array([[1, 3]]),
    )
    table = to_table(one, first_path=7)
    assert table.to_pydict() == {
        "path": [7, 7, 7],
        "step": [0, 1, 2],
        "log_price_0": [0.0, 0.5, 0.25],
        "log_price_1": [1.0, 1.5, 2.0],
        "log_volatility_0": [-1.0, -2.0, -3.0],
        "regime": [2, 2, 0],
        "jumps": [0, 1, 3],
    }
    assert [str(field.type) for field in table.schema] == ["int32", "int32", *["float"] * 3, "int8", "int16"]


@pytest.mark.parametrize(("count", "steps", "assets", "factors"), [(3, 4, 11, 2), (1, 1, 1, 0)])
def test_a_table_reads_back_as_it_was(count, steps, assets, factors):
    before = paths(count, steps, assets, factors)
    after = from_table(to_table(before, first_path=0), paths=count, steps=steps, step_size=0.5)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, before, after)))


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected 3 paths of 5 points, found 10 rows"):
        from_table(to_table(paths(2, 4, 1, 1), first_path=0), paths=3, steps=4, step_size=1.0)


def test_more_jumps_than_the_column_can_count_are_refused():
    before = paths(1, 2, 1, 0)._replace(jumps=jnp.array([[0, 40_000]]))
    with pytest.raises(ValueError, match="40000 jumps"):
        to_table(before, first_path=0)
