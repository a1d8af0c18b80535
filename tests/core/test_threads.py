import os
import subprocess
import sys

PROGRAM = """
import aurora_jax, jax, jax.numpy as jnp
x = jnp.broadcast_to(2 * jnp.eye(20) + 1, (2048, 20, 20))
two = jax.jit(lambda a: jnp.linalg.cholesky(a).sum() + jnp.linalg.cholesky(2 * a).sum())
for _ in range(10):
    two(x).block_until_ready()
"""


def test_two_batched_factorisations_in_one_graph_do_not_wait_for_each_other():
    """With XLA's default pool on two cores this hangs in most runs."""
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, timeout=60, check=True)
