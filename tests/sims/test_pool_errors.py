"""What goes wrong in a worker is told in one sentence that names the place and the remedy."""

import pytest
from ray.exceptions import ObjectLostError, RayTaskError, RuntimeEnvSetupError

from aurora_jax.farm import FarmError, plan
from sims import pool
from tests.farm.conftest import catalogue


class Broken:
    """A crew whose first report is an error."""

    receipts_due = 1
    dismissed = False
    error: Exception = RuntimeError()

    def __init__(self, *args, **kwargs):
        """Start nothing."""

    def wait(self):
        raise self.error

    def dismiss(self):
        Broken.dismissed = True


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RuntimeEnvSetupError("Traceback ...\nOSError: the package was deleted.\n\n"),
            r"^a worker's environment could not be set up: OSError: the package was deleted\.$",
        ),
        (ObjectLostError("ab", None, ""), r"^Ray failed \(.*\); run the same command again, finished chunks are kept"),
    ],
)
def test_what_ray_says_is_told_in_its_last_words(monkeypatch, tmp_path, error, message):
    monkeypatch.setattr(pool, "_Crew", Broken)
    monkeypatch.setattr(Broken, "error", error)
    with pytest.raises(FarmError, match=message) as caught:
        list(pool.run_chunks([], None, tmp_path, workers=1, threads=1))
    assert "\n" not in str(caught.value)
    assert Broken.dismissed


class Worker:
    """Stands for an actor: its one call has failed with what Ray would raise."""


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (
            RuntimeError("INTERNAL: something in XLA\nwith a long tail"),
            r"^cell 'fgn', chunk 1: RuntimeError INTERNAL: something in XLA; run the same command again, or without "
            r"this cell \(--cells\), finished chunks are kept\.$",
        ),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), "lower shard_paths or --workers"),
        (MemoryError(), r"^cell 'fgn', chunk 1: MemoryError; lower shard_paths or --workers and run the same command"),
        (FarmError("/x: disk full; free space."), r"^/x: disk full; free space\.$"),
    ],
)
def test_what_a_worker_raised_names_its_chunk_and_a_remedy(monkeypatch, tmp_path, cause, message):
    worker, spec = Worker(), plan(catalogue())[1]
    crew = object.__new__(pool._Crew)  # without a cluster: one report is due, and it is a failure
    crew._pending = {"report": (worker, spec)}
    monkeypatch.setattr(pool.ray, "wait", lambda pending, num_returns: (pending, []))

    def get(_):
        raise RayTaskError("run", "Traceback ...\nthe worker's", cause).as_instanceof_cause()

    monkeypatch.setattr(pool.ray, "get", get)
    with pytest.raises(FarmError, match=message) as caught:
        crew.wait()
    assert "the worker's" in str(caught.value.__cause__)  # kept for whoever looks for it


@pytest.mark.parametrize(
    ("nodes", "threads", "gpus", "fit"),
    [
        ([{"CPU": 4.0}, {"CPU": 3.0}], 2, 0.0, 3),
        ([{"CPU": 2.0}, {"CPU": 2.0}], 3, 0.0, None),  # four cores, of which no machine has three
        ([{"CPU": 8.0, "GPU": 1.0}, {"CPU": 8.0}], 1, 0.5, 2),
        ([{"CPU": 1.0, "GPU": 1.0}], 1, 0.25, 1),
        ([{"CPU": 8.0}], 1, 1.0, None),
    ],
)
def test_workers_fit_on_machines_not_on_their_sum(monkeypatch, nodes, threads, gpus, fit):
    monkeypatch.setattr(pool.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(pool.ray, "nodes", lambda: [{"Alive": True, "Resources": has} for has in nodes])
    if fit is None:
        with (
            pytest.raises(FarmError, match=f"no machine of this Ray cluster has {threads} free cores"),
            pool.connected("auto", workers=None, threads=threads, gpus=gpus),
        ):
            pass
        return
    with pool.connected("auto", workers=None, threads=threads, gpus=gpus) as found:
        assert found == fit
