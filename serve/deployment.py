"""The one stateful deployment: the whole HTTP interface and the engine in a single replica."""

import os

# Under `uv run` Ray would rebuild an environment for every worker; this one is already installed.
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
# Ray's announced future behaviour: an actor without GPUs leaves the accelerator variables alone.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

from fastapi import FastAPI
from ray import serve

from aurora_jax import enable_x64
from aurora_jax.serving import Application, Location, make_api

# More than `aurora_jax.serving.api.MAX_WAITING`, so that the service itself answers 503 with Retry-After first.
_MAX_ONGOING, _MAX_QUEUED = 96, 256
_PASSED_ON = ("AURORA_ALLOW_UNSIGNED", "JAX_PLATFORMS")


def deploy(location: Location) -> serve.Application:
    """Return the Ray Serve application of the artifact at `location`."""

    def api() -> FastAPI:
        # Runs in the replica, so metrics, threads and compiled code are born where they are used.
        enable_x64()
        return make_api(Application(location))

    # One thread for XLA, as a bar is many small operations: handing them to other threads takes longer than they do.
    # How many there are changes no bit of an answer (tests/serving/test_threads.py).
    environment = {"NPROC": "1"} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    deployment = serve.deployment(
        serve.ingress(api)(),
        name="Aurora",
        # A stream has a single writer: never more than one replica.
        num_replicas=1,
        max_ongoing_requests=_MAX_ONGOING,
        max_queued_requests=_MAX_QUEUED,
        ray_actor_options={"num_cpus": 1, "runtime_env": {"env_vars": environment}},
        graceful_shutdown_timeout_s=10.0,
    )
    return deployment.bind()
