import hashlib
import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_jax.observability import GENESIS, canonical_bytes, link, verify

payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def chain(contents):
    rows, previous = [], GENESIS
    for payload in contents:
        previous = link(previous, payload)
        rows.append((payload, previous))
    return rows


def test_canonical_bytes_by_hand():
    assert canonical_bytes({"b": [1, 1.0, True, None], "a": "é"}) == b'{"a":"\\u00e9","b":[1,1.0,true,null]}'
    assert canonical_bytes({"x": (math.inf, -math.inf, math.nan)}) == (
        b'{"x":[{"$float":"inf"},{"$float":"-inf"},{"$float":"nan"}]}'
    )
    assert canonical_bytes([0.1, np.float64(0.1), np.int32(3), np.bool_(True)]) == b"[0.1,0.1,3,true]"
    # A float32 is written as the exact value it holds.
    assert canonical_bytes(np.float32(0.1)) == b"0.10000000149011612"


def test_link_is_the_sha256_of_the_previous_hash_and_the_text():
    expected = hashlib.sha256(bytes(32) + b'{"a":1}').hexdigest()
    assert link(GENESIS, {"a": 1}) == expected
    assert link(expected, {"a": 1}) == hashlib.sha256(bytes.fromhex(expected) + b'{"a":1}').hexdigest()


@settings(max_examples=60, deadline=None)
@given(payloads)
def test_finite_payloads_read_back_to_the_bit(payload):
    text = canonical_bytes(payload)
    assert json.loads(text) == payload
    assert canonical_bytes(json.loads(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_floats_have_equal_bytes_only_if_they_have_equal_bits(x, y):
    assert (canonical_bytes(x) == canonical_bytes(y)) == (struct.pack("d", x) == struct.pack("d", y))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(), min_size=2, max_size=6, unique=True), st.data())
def test_any_change_is_found_where_it_begins(contents, data):
    rows = chain(contents)
    assert verify(rows) is None
    place = data.draw(st.integers(0, len(rows) - 1))
    changed = [*rows[:place], (max(contents) + 1, rows[place][1]), *rows[place + 1 :]]
    assert verify(changed) == place
    dropped = rows[:place] + rows[place + 1 :]
    assert verify(dropped) == (place if place < len(dropped) else None)  # a cut end is not seen: see the docstring
    swapped = [*rows[:place], *rows[place:][::-1]]
    assert verify(swapped) == (place if place < len(rows) - 1 else None)
    inserted = [*rows[:place], rows[-1], *rows[place:]]
    assert verify(inserted) == (place if place < len(rows) - 1 else place + 1)


def test_a_part_continues_the_chain():
    rows = chain([1, 2, 3])
    assert verify(rows[1:], previous_hash=rows[0][1]) is None
    assert verify(rows[1:]) == 0
    assert verify([]) is None
    assert verify([({1, 2}, GENESIS)]) == 0
    assert verify([(1, "not a hash"), (2, GENESIS)]) == 0


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (np.zeros(2), "ndarray has no exact JSON.*tolist"),
        ({1: 2}, "keys must be strings .*was 1"),
        ({"$float": "inf"}, "keys must be strings other than '\\$float'"),
        (b"x", "bytes has no exact JSON"),
    ],
)
def test_payloads_without_an_exact_form_are_refused(payload, message):
    with pytest.raises(ValueError, match=message):
        canonical_bytes(payload)


@pytest.mark.parametrize("bad", ["", "0" * 63, "G" * 64, "A" * 64])
def test_a_malformed_previous_hash_is_refused(bad):
    with pytest.raises(ValueError, match="64 lower-case hex digits"):
        link(bad, 1)
