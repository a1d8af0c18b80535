"""The service gives XLA one thread, a replay eight: both must come to the same bits."""

import os
import subprocess
import sys

import pytest

_BARS = """
import sys
from pathlib import Path
import aurora_jax
aurora_jax.enable_x64()
import hashlib, jax, numpy as np
from aurora_jax.core import pack
from aurora_jax.engine import build, load_state
from aurora_jax.serving import Location
from aurora_jax.serving.transitions import take_in
from tests.serving.conversation import INDEX
folder = Path(sys.argv[1])
artifact = Location(folder / "artifact", folder / "keys" / "trusted_key.pem", folder).load()
engine = build(artifact.config, artifact, symbol="INDEX")
state = pack(load_state(engine, artifact, "INDEX"))
engine, digest, allocated = pack(engine), hashlib.sha256(), 0
for index in range(40):
    state, info, allocation, _ = take_in(engine, state, jax.tree.map(np.asarray, INDEX.bar(index)))
    allocated += allocation is not None
    for leaf in jax.tree.leaves((state.unpack(), info)):
        digest.update(np.asarray(leaf).tobytes())
assert allocated
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_the_number_of_threads_changes_no_bit(released):
    def told(threads: int) -> str:
        environment = os.environ | {"NPROC": str(threads)}
        command = [sys.executable, "-c", _BARS, str(released)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert told(1) == told(8)
