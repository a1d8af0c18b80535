import pytest

from aurora_jax.config import ConfigError, Frozen, load_config, parse_config
from aurora_jax.core import Regime


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2\n", r"line 2: key 'seed' stands in line 1 already; keep one"),
        ("seed: 1\ninner: {window_bars: 3, window_bars: 4}\n", "line 2: key 'window_bars' stands in line 2 already"),
        ("seed: 1\nrow:\n  - {window_bars: 3}\n  - window_bars: 4\n    window_bars: 4\n", "line 5: key 'window_bars'"),
        ('seed: 1\n"seed": 2\n', "line 2: key 'seed' stands in line 1"),
        ("seed: 1\nno: 2\n", "line 2: key no is not a text; put it in quotes"),
        ("seed: 1\nmany: {1: {}}\n", "line 2: key 1 is not a text; put it in quotes"),
        ("seed: 1\n? [a]\n: 2\n", "line 2: key that is no word is not a text"),
        ("", "must hold a mapping of keys to values, found nothing"),
        ("seed: 1\nmany: &all\n  a: *all\n", "neither text, number, list nor mapping"),
    ],
)
def test_what_yaml_lets_pass_is_refused_with_its_line(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(Outer, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_merged_mapping_may_be_overridden(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("seed: 1\nmany:\n  a: &a {window_bars: 3}\n  b: {<<: *a, window_bars: 4}\n  c: *a\n")
    assert [inner.window_bars for inner in load_config(Outer, path).many.values()] == [3, 4, 3]


class Kinds(Frozen):
    whole: int = 1
    real: float = 1.0
    flag: bool = True
    text: str = ""
    names: tuple[str, ...] = ()
    by_name: dict[str, int | float] = {}
    law: Regime | None = None


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("real: 2", "real", 2.0),
        ("real: 1e-3", "real", 0.001),
        ("real: -2E+1", "real", -20.0),
        ("real: 1.5e-3", "real", 0.0015),
        ("text: 2010-01-01", "text", "2010-01-01"),
        ("text: 2010-13-45", "text", "2010-13-45"),  # as a YAML date it would stop the reader
        ("text: 1e-3x", "text", "1e-3x"),
        ("names: [a, b]", "names", ("a", "b")),
        ("by_name: {a: 1, b: 1.5}", "by_name", {"a": 1, "b": 1.5}),
        ("flag: false", "flag", False),
        ("law: 1", "law", Regime.ARMA),
    ],
)
def test_yaml_values_keep_their_kind(tmp_path, text, key, value):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    found = getattr(load_config(Kinds, path), key)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "whole: true",
        "whole: '120'",
        "whole: 3.0",
        "real: '1'",
        "real: true",
        "flag: 1",
        "flag: 'no'",
        "text: 3",
        "names: a",
        "by_name: {a: true}",
        "by_name: {a: '1'}",
        "names: [1]",
    ],
)
def test_one_kind_of_value_does_not_stand_for_another(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"{text.partition(':')[0]}.*: Input should be a valid .*, was "):
        load_config(Kinds, path)


def test_an_update_out_of_range_is_one_line_without_a_link():
    with pytest.raises(ConfigError) as caught:
        Outer(seed=1).updated(seed="x", inner={"window_bar": 1})
    assert "\n" not in str(caught.value)
    assert "http" not in str(caught.value)
    assert "seed: Input should be a valid integer" in str(caught.value)
    assert "inner.window_bar: unknown key; did you mean 'window_bars'" in str(caught.value)
