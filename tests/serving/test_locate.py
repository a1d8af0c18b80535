import os
import shutil

import pytest

from aurora_jax.engine import ArtifactError
from aurora_jax.serving import locate


@pytest.fixture
def folder(released, tmp_path):
    """Return a working folder in which a release called `first` was made."""
    shutil.copytree(released / "artifact", tmp_path / "runs" / "first" / "artifact")
    shutil.copytree(released / "keys", tmp_path / "runs" / "keys")
    return tmp_path


def test_the_artifact_is_found_with_its_key_and_its_journal(folder, artifact):
    found = locate({}, folder=folder)
    assert found.artifact == folder / "runs/first/artifact"
    assert found.trusted_key == folder / "runs/keys/trusted_key.pem"
    assert found.journal == folder / f"runs/serve/{artifact.digest}/journal.sqlite"
    assert found.load().digest == artifact.digest


def test_the_newest_artifact_is_taken(folder):
    newer = shutil.copytree(folder / "runs/first", folder / "runs/a_later_one") / "artifact"
    times = (folder / "runs/first/artifact/manifest.json").stat().st_mtime_ns + 1_000
    os.utime(newer / "manifest.json", ns=(times, times))
    assert locate({}, folder=folder).artifact == newer
    assert locate({"AURORA_ARTIFACT": "runs/first/artifact"}, folder=folder).artifact == folder / "runs/first/artifact"


def test_places_may_be_named(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    key = shutil.copy(folder / "runs/keys/trusted_key.pem", elsewhere / "key.pem")
    shutil.rmtree(folder / "runs/keys")
    found = locate({"AURORA_TRUSTED_KEY": str(key), "AURORA_STATE_DIR": str(elsewhere)}, folder=folder)
    assert (found.trusted_key, found.state) == (elsewhere / "key.pem", elsewhere)


def test_paths_are_absolute_whatever_the_working_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert all(path.is_absolute() for path in locate({}, folder=folder.relative_to(folder)))


@pytest.mark.parametrize("environment", [{}, {"AURORA_ARTIFACT": "runs/mine/artifact"}])
def test_without_an_artifact_the_command_is_named(tmp_path, environment):
    with pytest.raises(ArtifactError, match=r"make one with `python scripts/quickstart\.py`") as caught:
        locate(environment, folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_an_altered_artifact_is_refused(folder):
    with (folder / "runs/first/artifact/student.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(ArtifactError, match=r"student.safetensors: missing or altered"):
        locate({}, folder=folder)


def test_an_artifact_of_another_signer_is_refused(folder, tmp_path):
    signature = folder / "runs/first/artifact/manifest.sig"
    signature.write_bytes(signature.read_bytes()[::-1])
    with pytest.raises(ArtifactError, match="its signature is not by the trusted key"):
        locate({}, folder=folder)


def test_an_unsigned_artifact_is_refused_unless_that_is_allowed(folder, monkeypatch):
    (folder / "runs/first/artifact/manifest.sig").unlink()
    with pytest.raises(ArtifactError, match="is not signed; set AURORA_ALLOW_UNSIGNED=1"):
        locate({}, folder=folder)
    monkeypatch.setenv("AURORA_ALLOW_UNSIGNED", "1")
    locate({}, folder=folder)


def test_the_key_beside_an_artifact_is_named_but_not_trusted(folder, tmp_path_factory):
    """Where a run was copied from another machine, or made with --out elsewhere."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    named = {"AURORA_ARTIFACT": str(folder / "runs/first/artifact")}
    with pytest.raises(ArtifactError, match=r"no trusted key at .*AURORA_TRUSTED_KEY=") as caught:
        locate(named, folder=elsewhere)
    remedy = str(caught.value).partition("AURORA_TRUSTED_KEY=")[2].split()[0]
    assert remedy == str(folder / "runs/keys/trusted_key.pem")
    assert locate({**named, "AURORA_TRUSTED_KEY": remedy}, folder=elsewhere).artifact == folder / "runs/first/artifact"

    shutil.rmtree(folder / "runs/keys")
    with pytest.raises(ArtifactError, match="no trusted key at") as caught:
        locate(named, folder=elsewhere)
    assert "AURORA_TRUSTED_KEY=" not in str(caught.value)


def test_a_garbled_key_is_told_in_one_line(folder):
    (folder / "runs/keys/trusted_key.pem").write_text("nonsense")
    with pytest.raises(ArtifactError, match=r"trusted_key\.pem: not an Ed25519 public key") as caught:
        locate({}, folder=folder)
    assert "\n" not in str(caught.value)


def test_an_empty_variable_is_not_set(folder):
    empty = {"AURORA_ARTIFACT": "", "AURORA_TRUSTED_KEY": "", "AURORA_STATE_DIR": ""}
    assert locate(empty, folder=folder) == locate({}, folder=folder)
