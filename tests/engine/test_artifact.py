import errno
import json
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import equinox as eqx
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from aurora_jax.engine import PUBLIC_KEY, ArtifactError, build, load_artifact, load_state, named_arrays, save_artifact
from aurora_jax.engine.arrays import read_arrays
from aurora_jax.engine.artifact import put_in_place
from tests.small_engine import assert_bitwise, small, walk
from tests.unprivileged import unprivileged

AT = 120


def save(folder, keys):
    trio = small("TRIO")
    return save_artifact(
        folder,
        config=trio.config,
        trees={**trio.trees, "state-TRIO": walk("TRIO").states[AT]},
        metrics={"coverage": 0.9},
        data={"TRIO": trio.data.digest},
        seed=7,
        keys=keys,
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("artifact")
    return save(root / "original", root / "keys"), root / "keys"


@pytest.fixture
def copy(original, tmp_path):
    folder, keys = original
    return shutil.copytree(folder, tmp_path / "copy"), keys / PUBLIC_KEY


@pytest.mark.bits
def test_the_rebuilt_engine_goes_on_to_the_bit(original):
    folder, keys = original
    artifact = load_artifact(folder, trusted=keys / PUBLIC_KEY)
    engine, trio = build(artifact.config, artifact, symbol="TRIO"), small("TRIO")
    state = load_state(engine, artifact, "TRIO")
    assert_bitwise(state, walk("TRIO").states[AT])
    assert artifact.config == trio.config
    assert artifact.metrics == {"coverage": 0.9}
    assert artifact.manifest["data"] == {"TRIO": trio.data.digest}
    after, info = eqx.filter_jit(engine.step)(state, trio.data.bar(AT))
    assert_bitwise(after, walk("TRIO").states[AT + 1])
    assert_bitwise(info, walk("TRIO").infos[AT])


def test_the_first_stream_is_built_unless_another_is_named(original):
    artifact = load_artifact(original[0])
    assert_bitwise(named_arrays(build(artifact.config, artifact)), named_arrays(small("TRIO").engine))
    with pytest.raises(ArtifactError, match=r"no stream 'DUO' in .*; it has: TRIO"):
        build(artifact.config, artifact, symbol="DUO")
    with pytest.raises(ArtifactError, match="holds no state of stream 'DUO'"):
        load_state(small("TRIO").engine, artifact, "DUO")


def test_saving_twice_gives_the_same_bytes(original, tmp_path):
    folder, keys = original
    again = save(tmp_path / "again", keys)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    assert "manifest.sig" in names
    for name in names:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name
    assert load_artifact(folder).digest == load_artifact(again).digest


def test_saving_replaces_what_lay_there(copy):
    folder, trusted = copy
    (folder / "stray.safetensors").write_bytes(b"old")
    save(folder, trusted.parent)
    assert not (folder / "stray.safetensors").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["copy"]


def test_all_may_read_an_artifact_and_only_the_owner_the_signing_key(original):
    folder, keys = original
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (*folder.iterdir(), *keys.iterdir())}
    assert modes.pop("signing_key.pem") == 0o600
    assert set(modes.values()) == {0o644}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_what_may_not_be_read_is_named(original):
    """Also where the service runs as another user than the one who made the artifact."""
    folder, keys = original
    open_to_all = Path(tempfile.mkdtemp(prefix="artifact-", dir="/tmp"))
    open_to_all.chmod(0o755)
    try:
        place = shutil.copytree(folder, open_to_all / "artifact")
        trusted = Path(shutil.copy(keys / PUBLIC_KEY, open_to_all / PUBLIC_KEY))
        with unprivileged():
            assert load_artifact(place, trusted=trusted).manifest["seed"] == 7
        for path in (*place.iterdir(), trusted, place):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(0)
            with unprivileged(), pytest.raises(ArtifactError, match=r"cannot be read \(Permission denied\)") as caught:
                load_artifact(place, trusted=trusted)
            assert str(path) in str(caught.value)
            path.chmod(mode)
    finally:
        shutil.rmtree(open_to_all)


def test_a_replacement_that_fails_leaves_the_previous_artifact(copy, monkeypatch):
    folder, trusted = copy
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    replace = os.replace

    def fail_to_arrive(source, target):
        if str(target) == str(folder) and ".previous" not in str(source):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_to_arrive)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        save(folder, trusted.parent)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["copy"]


@pytest.mark.filterwarnings("ignore:.*fork")  # the child touches files and nothing else
@pytest.mark.parametrize("moves", [0, 1])
def test_a_killed_replacement_leaves_one_of_the_two(copy, tmp_path, moves):
    folder, trusted = copy
    new = shutil.copytree(folder, tmp_path / ".artifact-new")
    child = os.fork()
    if child == 0:
        replace, left = os.replace, [True] * moves

        def killed(source, target):
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left.pop()
            replace(source, target)

        os.replace = killed
        put_in_place(new, folder)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    if moves == 0:
        assert load_artifact(folder, trusted=trusted).manifest["seed"] == 7
        return
    with pytest.raises(ArtifactError, match=r"was interrupted; move .*\.copy\.previous there"):
        load_artifact(folder)
    assert load_artifact(tmp_path / ".copy.previous", trusted=trusted).manifest["seed"] == 7
    save(folder, trusted.parent)
    assert load_artifact(folder, trusted=trusted).manifest["seed"] == 7
    assert not (tmp_path / ".copy.previous").exists()


FILES = ["student.safetensors", "router.safetensors", "stream-TRIO.safetensors", "state-TRIO.safetensors"]
FILES += ["config.json", "metrics.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_refused(copy, name):
    content = bytearray((copy[0] / name).read_bytes())
    content[-2] ^= 1
    (copy[0] / name).write_bytes(content)
    for trusted in (None, copy[1]):
        with pytest.raises(ArtifactError, match=f"{name}: missing or altered"):
            load_artifact(copy[0], trusted=trusted)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(copy, name):
    (copy[0] / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name}: missing or altered"):
        load_artifact(copy[0], trusted=copy[1])


def test_no_artifact_says_how_to_make_one(tmp_path):
    with pytest.raises(ArtifactError, match=r"no artifact here; make one with `python scripts/quickstart\.py`"):
        load_artifact(tmp_path)


def test_a_changed_manifest_fails_its_signature(copy):
    manifest = json.loads((copy[0] / "manifest.json").read_text())
    (copy[0] / "manifest.json").write_text(json.dumps({**manifest, "seed": 8}))
    with pytest.raises(ArtifactError, match=r"manifest\.json: its signature is not by the trusted key"):
        load_artifact(copy[0], trusted=copy[1])


def test_a_signature_by_another_key_is_refused_even_where_unsigned_is_allowed(copy, tmp_path, monkeypatch):
    other = save(tmp_path / "other", tmp_path / "other-keys")
    shutil.copy(other / "manifest.sig", copy[0] / "manifest.sig")
    monkeypatch.setenv("AURORA_ALLOW_UNSIGNED", "1")
    with pytest.raises(ArtifactError, match=r"manifest\.json: its signature is not by the trusted key"):
        load_artifact(copy[0], trusted=copy[1])


def test_an_unsigned_artifact_runs_only_by_permission(copy, monkeypatch):
    (copy[0] / "manifest.sig").unlink()
    monkeypatch.delenv("AURORA_ALLOW_UNSIGNED", raising=False)
    with pytest.raises(ArtifactError, match="is not signed; set AURORA_ALLOW_UNSIGNED=1"):
        load_artifact(copy[0], trusted=copy[1])
    monkeypatch.setenv("AURORA_ALLOW_UNSIGNED", "0")
    with pytest.raises(ArtifactError, match="is not signed"):
        load_artifact(copy[0], trusted=copy[1])
    monkeypatch.setenv("AURORA_ALLOW_UNSIGNED", "1")
    assert load_artifact(copy[0], trusted=copy[1]).manifest["seed"] == 7


def test_a_missing_trusted_key_is_refused(copy, tmp_path, monkeypatch):
    monkeypatch.delenv("AURORA_ALLOW_UNSIGNED", raising=False)
    with pytest.raises(ArtifactError, match=r"no trusted key at .*gone\.pem"):
        load_artifact(copy[0], trusted=tmp_path / "gone.pem")


def test_another_format_is_refused(copy):
    manifest = json.loads((copy[0] / "manifest.json").read_text())
    (copy[0] / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(ArtifactError, match="format 99, this version reads 2"):
        load_artifact(copy[0])


@pytest.mark.parametrize("content", ["[]", "{", '{"format": 2}'])
def test_a_manifest_that_is_none_is_refused(copy, content):
    (copy[0] / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json: "):
        load_artifact(copy[0])


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("student", None),
        ("router", ".temperature"),
        ("stream-TRIO", ".trailing.base_variance"),
        ("state-TRIO", ".time"),
    ],
)
def test_arrays_of_another_shape_are_refused_by_name(original, name, leaf):
    artifact = load_artifact(original[0])
    arrays = dict(artifact.arrays[name])
    leaf = next(iter(arrays)) if leaf is None else leaf
    arrays[leaf] = np.zeros((*arrays[leaf].shape, 2), arrays[leaf].dtype)
    spoilt = artifact._replace(arrays={**artifact.arrays, name: arrays})
    with pytest.raises(ArtifactError, match=f"{name}.*: make the artifact anew") as caught:
        load_state(build(artifact.config, spoilt), spoilt, "TRIO")
    assert leaf in str(caught.value)


def test_a_stream_without_scenarios_is_refused(original):
    artifact = load_artifact(original[0])
    arrays = dict(artifact.arrays["stream-TRIO"])
    del arrays[".scenarios.probabilities"]
    spoilt = artifact._replace(arrays={**artifact.arrays, "stream-TRIO": arrays})
    with pytest.raises(ArtifactError, match=r"stream-TRIO lacks \.scenarios\.probabilities"):
        build(artifact.config, spoilt)


def test_a_damaged_file_is_named(original, tmp_path):
    """Even where the manifest was made for it."""
    path = tmp_path / "x.safetensors"
    save_file({"a": np.zeros(3)}, path)
    assert load_file(path)["a"].shape == (3,)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match=r"x\.safetensors: damaged"):
        read_arrays(path)
    with pytest.raises(ArtifactError, match=r"gone\.safetensors: no such file"):
        read_arrays(tmp_path / "gone.safetensors")
