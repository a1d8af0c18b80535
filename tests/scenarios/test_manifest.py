import json

import pytest

from aurora_jax.scenarios import DamagedManifest, MissingManifest, ScenarioError, read_manifest, sealed


def test_sealed_reads_back_and_does_not_depend_on_the_order_of_keys(tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(sealed({"b": [1, 2.5], "a": None}))
    assert read_manifest(path) == {"format": 1, "a": None, "b": [1, 2.5]}
    assert sealed({"a": None, "b": [1, 2.5]}) == path.read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "cut short"),
        (lambda text: b"", "cut short"),
        (lambda text: b"[1]", "cut short"),
        (lambda text: b"{}", "cut short"),
        (lambda text: b"\xff\xfe", "cut short"),
        (lambda text: text.replace(b"17", b"18"), "does not match its checksum"),
    ],
)
def test_a_damaged_manifest_is_noticed(tmp_path, damage, message):
    path = tmp_path / "m.json"
    path.write_bytes(damage(sealed({"rows": 17})))
    with pytest.raises(DamagedManifest, match=message) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_later_format_asks_for_an_upgrade(tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(sealed({"format": 2}))
    with pytest.raises(ScenarioError, match=r"format 2.*upgrade") as caught:
        read_manifest(path)
    assert not isinstance(caught.value, DamagedManifest)  # which may be made anew


def test_none_at_all_is_not_a_damaged_one(tmp_path):
    with pytest.raises(MissingManifest, match="no such manifest"):
        read_manifest(tmp_path / "m.json")


def test_not_a_number_has_no_place_in_a_manifest():
    with pytest.raises(ValueError, match=r"JSON|nan"):
        json.loads(sealed({"x": float("nan")}))
