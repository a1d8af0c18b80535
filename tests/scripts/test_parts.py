"""A part of a study is made once for the same settings."""

import json

from scripts.parts import kept


def maker():
    made = []

    def make():
        made.append(1)
        return {"count": len(made)}

    return make


def test_a_part_is_made_once_for_the_same_settings(tmp_path):
    make, path = maker(), tmp_path / "parts" / "one.json"
    assert kept(path, {"seed": 1}, make) == {"count": 1}
    assert kept(path, {"seed": 1}, make) == {"count": 1}
    assert kept(path, {"seed": 2}, make) == {"count": 2}
    assert json.loads(path.read_text()) == {"content": {"count": 2}, "settings": {"seed": 2}}


def test_settings_are_compared_as_json_says_them(tmp_path):
    """A tuple is a list when it is read again."""
    make, path = maker(), tmp_path / "one.json"
    assert kept(path, {"bars": (1, 2)}, make) == kept(path, {"bars": (1, 2)}, make) == {"count": 1}


def test_a_part_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "one.json"

    def fails():
        raise ArithmeticError("no")

    try:
        kept(path, {}, fails)
    except ArithmeticError:
        assert not path.exists()
    else:
        raise AssertionError("an error of the part must be seen")
