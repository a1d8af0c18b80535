import pytest

from aurora_jax.config import ConfigError, Frozen, load_config, parse_config


class Inner(Frozen):
    window_bars: int = 5


class Outer(Frozen):
    seed: int
    inner: Inner = Inner()
    optional: Inner | None = None
    many: dict[str, Inner] = {}
    row: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"seed": 1, "inner": {"window_bar": 3}}, "inner.window_bar"),
        ({"seed": 1, "optional": {"window_bar": 3}}, "optional.window_bar"),
        ({"seed": 1, "many": {"a": {"window_bar": 3}}}, "many.a.window_bar"),
        ({"seed": 1, "row": [{"window_bar": 3}]}, "row.0.window_bar"),
    ],
)
def test_unknown_key_names_the_nearest_valid_one(content, path):
    with pytest.raises(ConfigError, match=rf"{path}: unknown key; did you mean 'window_bars'"):
        parse_config(Outer, content, source="x.yaml")


def test_a_missing_decision_and_a_bad_value_are_both_named():
    with pytest.raises(ConfigError, match=r"(?s)seed.*required.*window_bars.*'six'"):
        parse_config(Outer, {"inner": {"window_bars": "six"}}, source="x.yaml")


def test_frozen_and_digest_follow_content():
    a = Outer(seed=1)
    assert a.digest() == Outer(seed=1, inner=Inner(window_bars=5)).digest()
    assert a.digest() != a.updated(seed=2).digest()
    with pytest.raises(ValueError, match="frozen"):
        a.seed = 3


@pytest.mark.parametrize(
    ("text", "message"), [("[1, 2]", "mapping"), ("a: [", "not valid YAML"), ("seed: .nan", "finite|integer")]
)
def test_bad_files_are_explained(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(Outer, path)


def test_missing_file_points_to_the_shipped_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file.*configs/"):
        load_config(Outer, tmp_path / "none.yaml")
