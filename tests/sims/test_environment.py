"""What a worker's process is told before it imports jax, case by case."""

import pytest

from sims.environment import Share, environment, share


@pytest.mark.parametrize(
    ("cores", "gpus", "expected"),
    [
        (1, 0.0, {"NPROC": "1", "JAX_PLATFORMS": "cpu"}),
        (2, 0.0, {"NPROC": "8", "JAX_PLATFORMS": "cpu"}),  # fewer threads may wait for each other; the cores limit them
        (12, 0.0, {"NPROC": "12", "JAX_PLATFORMS": "cpu"}),
        (1, 1.0, {"NPROC": "1", "JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.900"}),
        (1, 2.0, {"NPROC": "1", "JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.900"}),
        (2, 0.5, {"NPROC": "8", "JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.450"}),
        (1, 0.4, {"NPROC": "1", "JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.450"}),
        (1, 1 / 3, {"NPROC": "1", "JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.300"}),
    ],
)
def test_by_hand(monkeypatch, cores, gpus, expected):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    built = environment(share(cores=cores, gpus=gpus))
    assert built.pop("PYTHONPATH").startswith("/")
    assert built == {"JAX_ENABLE_X64": "1", **expected}


def test_the_memory_of_all_workers_on_a_gpu_is_less_than_it_has():
    for actors in range(1, 12):
        built = environment(Share(1, 1.0 / actors))
        assert actors * float(built["XLA_PYTHON_CLIENT_MEM_FRACTION"]) <= 0.91


def test_a_gpus_chunks_are_another_recipes():
    assert (share(cores=1, gpus=0.0).backend, share(cores=1, gpus=0.5).backend) == ("cpu", "gpu")


def test_a_machine_has_room_for_as_many_as_both_allow():
    assert Share(2).fits({"CPU": 5.0}) == 2
    assert Share(1, 1 / 3).fits({"CPU": 8.0, "GPU": 1.0}) == 3
    assert Share(1, 0.5).fits({"CPU": 1.0, "GPU": 4.0}) == 1
    assert Share(1, 1.0).fits({"CPU": 8.0}) == 0
    assert Share(1).fits({}) == 0


@pytest.mark.parametrize("gpus", [-1.0, 1.5])
def test_what_ray_cannot_hand_out_is_refused(gpus):
    with pytest.raises(ValueError, match=rf"gpus_per_worker must be .*was {gpus}"):
        share(cores=1, gpus=gpus)
