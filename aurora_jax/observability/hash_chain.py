"""A hash chain: each row's hash covers the row and the hash before it, so no row can change unseen."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping

import numpy as np

GENESIS = "0" * 64
"""The hash before the first row."""

_RESERVED = "$float"


def canonical_bytes(payload: object) -> bytes:
    """Return the one JSON text of `payload`, as ASCII bytes: sorted keys, no spaces, floats exact.

    A finite float is written as Python's shortest repr, which reads back to the same bits; one that is not is
    written as {"$float": "inf"}, "-inf" or "nan". So 1 and 1.0 differ, and so do 0.0 and -0.0. A tuple equals the
    list of its items; a NumPy scalar equals the Python number of the same value.

    Args:
        payload: None, bool, int, float, str, and sequences and string-keyed mappings of these.

    Raises:
        ValueError: naming a type that has no exact JSON, a key that is not a string, or the reserved key "$float".
    """
    plain = _plain(payload)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def link(previous_hash: str, payload: object) -> str:
    """Return the SHA-256, in hex, of the previous hash's 32 bytes followed by the canonical payload.

    Raises:
        ValueError: if `previous_hash` is not 64 lower-case hex digits, or the payload has no canonical form.
    """
    if not isinstance(previous_hash, str) or len(previous_hash) != 64 or set(previous_hash) - set("0123456789abcdef"):
        raise ValueError(f"previous_hash must be 64 lower-case hex digits, was {previous_hash!r:.80}.")
    return hashlib.sha256(bytes.fromhex(previous_hash) + canonical_bytes(payload)).hexdigest()


def verify(rows: Iterable[tuple[object, str]], *, previous_hash: str = GENESIS) -> int | None:
    """Return the index of the first row whose hash does not follow, or None if all do.

    Changing, inserting, dropping or swapping rows is seen at the first row concerned; cutting rows off the end is
    not, so keep the last hash elsewhere and compare.

    Args:
        rows: (payload, hash) in order.
        previous_hash: the hash before the first of them, e.g. of the last row of an archived part.
    """
    for index, (payload, row_hash) in enumerate(rows):
        try:
            expected = link(previous_hash, payload)
        except ValueError:
            # A row that could never have been written is not whole.
            return index
        if expected != row_hash:
            return index
        previous_hash = row_hash
    return None


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_RESERVED: repr(float(value))}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key == _RESERVED:
                raise ValueError(f"keys must be strings other than {_RESERVED!r}, was {key!r:.80}.")
        return {key: _plain(item) for key, item in value.items()}
    raise ValueError(f"{type(value).__name__} has no exact JSON; convert it first, e.g. an array by .tolist().")
