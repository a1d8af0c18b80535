"""Isolated functions: same values, same bits wherever they are called from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aurora_jax.core import isolated


def polynomial(state, row):
    """Many products and sums that a compiler may fuse with whatever is next to them."""
    window = jnp.concatenate([state[1:], row[None]])
    centred = window - jnp.mean(window)
    moments = jnp.stack([jnp.sum(centred**power) for power in (2, 3, 4)])
    shares = jnp.exp(-jnp.square(centred)) / (1.0 + jnp.sum(jnp.abs(centred)))
    return window, jnp.sum(shares * window) + moments[1] / (1e-3 + moments[0] ** 1.5) * jnp.tanh(moments[2])


@pytest.fixture
def rows():
    return jnp.asarray(np.random.default_rng(0).normal(size=500))


def one_by_one(step, state, rows):
    compiled, found = jax.jit(step), []
    for row in rows:
        state, value = compiled(state, row)
        found.append(value)
    return np.asarray(state), np.asarray(found)


@pytest.mark.bits
def test_a_scan_that_goes_on_computing_has_the_bits_of_single_calls(rows):
    step = isolated(polynomial)

    def busy(state, row):
        state, value = step(state * 1.0, row)
        return state, (value, jnp.cos(value) * state[0] + value)

    state, (values, _) = jax.jit(lambda s, r: jax.lax.scan(busy, s, r))(jnp.zeros(37), rows)
    alone_state, alone = one_by_one(step, jnp.zeros(37), rows)
    assert np.asarray(state).tobytes() == alone_state.tobytes()
    assert np.asarray(values).tobytes() == alone.tobytes()


@pytest.mark.bits
def test_the_compiler_leaves_the_computation_alone(rows):
    """The body must still be a loop after optimisation, with the arithmetic inside it and not before it."""
    compiled = jax.jit(isolated(polynomial)).lower(jnp.zeros(37), rows[0]).compile().as_text()
    entry = compiled[compiled.index("ENTRY") :]
    assert "while" in entry
    assert "exponential" not in entry
    assert "exponential" in compiled


def test_values_and_keywords_pass_through(rows):
    def scaled(x, *, by):
        return {"product": x * by, "count": jnp.asarray(3)}

    found = isolated(scaled)(rows, by=2.0)
    np.testing.assert_array_equal(found["product"], np.asarray(rows) * 2.0)
    assert found["count"] == 3
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(isolated(lambda: (1.0, 2))()))


def test_it_can_be_mapped(rows):
    table = rows.reshape(50, 10)
    found = jax.vmap(isolated(lambda row: jnp.sum(row**2)))(table)
    np.testing.assert_allclose(found, np.sum(np.asarray(table) ** 2, axis=1), rtol=1e-14)
