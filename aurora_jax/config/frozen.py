"""The base of every configuration record: immutable, strict, and known by its digest."""

import difflib
import hashlib
import json
from pathlib import Path
from typing import TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Config = TypeVar("Config", bound="Frozen")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the place, the value and the remedy."""


class Frozen(BaseModel):
    """A configuration record: immutable, no unknown fields, known by its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the record's canonical JSON."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def updated(self: Config, **changes: object) -> Config:
        """Return a copy with `changes` applied and everything validated again."""
        return type(self).model_validate({**self.model_dump(), **changes})


def load_config(model: type[Config], path: Path | str) -> Config:
    """Read `path` (YAML) into a `model`.

    Raises:
        ConfigError: if the file is missing, is not a YAML mapping, or holds an unknown key or a value out of range.
    """
    path = Path(path)
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; the shipped configurations are in configs/.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = str(error).replace("\n", " ")
        raise ConfigError(f"{path}: not valid YAML: {where}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold a mapping of keys to values, found {type(content).__name__}.")
    return parse_config(model, content, source=str(path))


def parse_config(model: type[Config], content: dict, *, source: str) -> Config:
    """Validate `content` as a `model`; `source` is named in the error.

    Raises:
        ConfigError: on the first offending key, with the nearest valid name for an unknown one.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = [_describe(model, problem) for problem in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(problems)) from None


def _describe(model: type[BaseModel], problem) -> str:
    path = problem["loc"]
    name = ".".join(str(part) for part in path)
    if problem["type"] != "extra_forbidden":
        found = problem.get("input")
        value = "" if problem["type"] == "missing" else f", was {found!r:.80}"
        return f"{name}: {problem['msg']}{value}"
    valid = list(_fields_at(model, path[:-1]))
    nearest = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.0)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{name}: unknown key; {hint}Valid keys: {', '.join(sorted(valid))}"


def _fields_at(model: type[BaseModel], path: tuple) -> dict:
    """Walk from `model` along `path` (field names, list indices, mapping keys) to the fields valid there."""
    current: object = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = field.annotation if field else None
        else:
            current = _element(current)
        current = _unwrapped(current)
    return current.model_fields if isinstance(current, type) and issubclass(current, BaseModel) else {}


def _element(annotation: object) -> object:
    arguments = get_args(annotation)
    return arguments[-1] if arguments and arguments[-1] is not Ellipsis else (arguments[0] if arguments else None)


def _unwrapped(annotation: object) -> object:
    """Return the record inside `Record | None`, else the annotation itself."""
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel) and type(None) in get_args(annotation):
            return argument
    return annotation
