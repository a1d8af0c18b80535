"""What was there before stays until all of the new is on disk."""

import os

import pytest

from aurora_jax.data import replacing, write_bytes_whole
from aurora_jax.engine.arrays import write_whole


def test_a_file_is_written_and_nothing_else_left(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text("before")
    assert write_bytes_whole(b"after", path) == path
    assert path.read_bytes() == b"after"
    assert [one.name for one in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("moment", ["writing", "fsync", "replace"])
def test_what_was_there_stays_whenever_the_writer_is_killed(tmp_path, monkeypatch, moment):
    path = tmp_path / "summary.json"
    path.write_text("before")

    def killed(*_):
        raise KeyboardInterrupt

    if moment != "writing":
        monkeypatch.setattr(os, moment, killed)

    def write():
        with replacing(path) as unfinished:
            unfinished.write_text("af")
            if moment == "writing":
                killed()
            unfinished.write_text("after")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["summary.json"]


def test_bytes_are_on_disk_before_they_take_the_place(tmp_path, monkeypatch):
    """A power cut after the move must not find an empty file: content first, then the move, then the folder."""
    order, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), sync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("replace"), replace(*paths)))
    write_bytes_whole(b"after", tmp_path / "summary.json")
    write_whole({"a": 1.0}, tmp_path / "teacher.safetensors")
    assert order == ["fsync", "replace", "fsync"] * 2
