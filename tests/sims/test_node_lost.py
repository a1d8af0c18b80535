"""Two nodes in one machine, of which one is lost in the middle and none replaces it."""

import subprocess
import sys

import pytest

from tests.sims.conftest import REPOSITORY
from tests.sims.test_survival import CHUNKS, data_of
from tests.sims.test_survival import farm as farm
from tests.sims.test_survival import undisturbed as undisturbed

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TWO_NODES = """
import sys, time
from ray.cluster_utils import Cluster
import ray
from aurora_jax.config import load_config
from aurora_jax.config.seb_plus import SebPlusConfig
from sims.seb_plus import generate

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False,
                                                        "object_store_memory": 100 * 2**20})
nodes = [cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20) for _ in range(2)]
ray.init(address=cluster.address, log_to_driver=False)
cluster.wait_for_nodes()
killed = []

def on_progress(state):
    if not killed and 4 * state.paths_done >= state.paths:
        cluster.remove_node(nodes[1], allow_graceful=False)
        killed.append(state.paths_done / state.paths)

try:
    summary = generate(load_config(SebPlusConfig, sys.argv[1]), sys.argv[2], workers=2, progress=on_progress)
    print("\\nmade", summary.made, "killed at", killed, flush=True)
finally:
    ray.shutdown()
    cluster.shutdown()
"""


def test_a_node_lost_in_the_middle_changes_nothing_though_none_replaces_it(farm, undisturbed, tmp_path):
    out = tmp_path / "seb"
    done = subprocess.run(
        [sys.executable, "-c", TWO_NODES, str(farm.config), str(out)],
        cwd=REPOSITORY,
        env=farm.environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"made {CHUNKS} killed at [0." in done.stdout, done.stdout
    assert data_of(out) == undisturbed
