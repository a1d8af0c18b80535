"""The base of every configuration record: immutable, strict, and known by its digest."""

import difflib
import hashlib
import json
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from .errors import ConfigError
from .yaml_file import read_yaml

Config = TypeVar("Config", bound="Frozen")


class Frozen(BaseModel):
    """A configuration record: immutable, no unknown fields, known by its digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the record's canonical JSON."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def updated(self: Config, **changes: object) -> Config:
        """Return a copy with `changes` applied and everything validated again.

        Raises:
            ConfigError: on a value out of range or an unknown field.
        """
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            raise ConfigError(_explain(type(self), error)) from None


def load_config(model: type[Config], path: Path | str) -> Config:
    """Read `path` (YAML) into a `model`.

    Raises:
        ConfigError: if the file is missing, is not a YAML mapping, has a key twice, or holds an unknown key, a value of
            another type or one out of range.
    """
    path = Path(path)
    return parse_config(model, read_yaml(path), source=str(path))


def parse_config(model: type[Config], content: dict, *, source: str) -> Config:
    """Validate `content`, which somebody wrote, as a `model`; `source` is named in the error.

    Numbers, texts and truth values are not converted into each other, but that a whole number may stand for a real one.
    A record's validators find `source` in their context: some keys may be set by a program, not by a file.

    Raises:
        ConfigError: on the offending keys, with the nearest valid name for an unknown one.
    """
    try:
        # By way of JSON: strict Python would refuse a list for a tuple and a text for an enum.
        text = to_json(content, inf_nan_mode="constants")
    except PydanticSerializationError as error:
        raise ConfigError(f"{source}: holds what is neither text, number, list nor mapping ({error}).") from None
    try:
        return model.model_validate_json(text, strict=True, context={"source": source})
    except ValidationError as error:
        raise ConfigError(f"{source}: {_explain(model, error)}") from None


def _explain(model: type[BaseModel], error: ValidationError) -> str:
    return "; ".join(_describe(model, problem) for problem in error.errors())


def _describe(model: type[BaseModel], problem) -> str:
    path = problem["loc"]
    name = ".".join(str(part) for part in path)
    if problem["type"] == "value_error":  # the sentence of one of our own validators, which shows the value
        sentence = problem["msg"].removeprefix("Value error, ")
        return f"{name}: {sentence}" if name else sentence
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
