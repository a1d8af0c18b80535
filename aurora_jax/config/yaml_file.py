"""A mapping from a YAML file, read by stricter rules than YAML's own."""

import re
from pathlib import Path

import yaml

from .errors import ConfigError

_TAG = "tag:yaml.org,2002:"
_EXPONENT_WITHOUT_POINT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as a number and 2010-01-01 as a text, unlike YAML 1.1."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in rules if tag != f"{_TAG}timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    f"{_TAG}float", re.compile(f"^(?:{_EXPONENT_WITHOUT_POINT.pattern})$"), list("-+0123456789")
)


def read_yaml(path: Path) -> dict:
    """Read a mapping whose keys are texts, none of them twice.

    Raises:
        ConfigError: if the file is missing, is not a YAML mapping, or has a key twice or one that is not a text; names
            the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; the shipped configurations are in configs/.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        _check_keys(root, path, seen=set())
        content = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else type(content).__name__
        raise ConfigError(f"{path}: must hold a mapping of keys to values, found {found}.")
    return content


def _check_keys(node: yaml.Node | None, path: Path, *, seen: set[int]) -> None:
    """Walk the nodes, since a mapping that is made has forgotten all but the last of equal keys."""
    if node is None or id(node) in seen:  # an alias may lead back up
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _check_keys(child, path, seen=seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if key.tag not in (f"{_TAG}str", f"{_TAG}merge"):
                shown = key.value if isinstance(key, yaml.ScalarNode) else "that is no word"
                raise ConfigError(f"{path}: line {line}: key {shown} is not a text; put it in quotes.")
            if key.value in lines:
                raise ConfigError(
                    f"{path}: line {line}: key {key.value!r} stands in line {lines[key.value]} already; keep one."
                )
            lines[key.value] = line
            _check_keys(child, path, seen=seen)
