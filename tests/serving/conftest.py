"""One artifact and one set of compiled transitions for all tests of the service."""

import shutil
from pathlib import Path

import pytest

from aurora_jax.engine import Artifact, build, load_state
from aurora_jax.serving import Location, Session
from tests.artifact import released_artifact


@pytest.fixture(scope="session")
def released(tmp_path_factory) -> Path:
    """Return a folder with a signed artifact and the keys; not to be changed."""
    return released_artifact(tmp_path_factory)


@pytest.fixture
def location(released, tmp_path) -> Location:
    """Return where a fresh service finds the artifact; its journal does not exist yet."""
    return Location(released / "artifact", released / "keys" / "trusted_key.pem", tmp_path / "state")


@pytest.fixture
def copied(location, tmp_path) -> Location:
    """Return the same with a copy of the artifact, to be harmed."""
    return location._replace(artifact=shutil.copytree(location.artifact, tmp_path / "artifact"))


@pytest.fixture(scope="session")
def artifact(released) -> Artifact:
    """Return the artifact, verified and read."""
    return Location(released / "artifact", released / "keys" / "trusted_key.pem", released).load()


@pytest.fixture(scope="session")
def parts(artifact):
    """Return the engine of the stream INDEX and the state that history left it in."""
    engine = build(artifact.config, artifact, symbol="INDEX")
    return engine, load_state(engine, artifact, "INDEX")


@pytest.fixture
def session(artifact, parts) -> Session:
    """Return a session before its first live bar."""
    return Session("INDEX", artifact.config.streams["INDEX"], *parts, artifact=artifact.digest)
