"""The last lines that the command prints, by hand."""

from sims.display import verdict_line


def dataset(**cells):
    return {
        "cells": {name: {"invariants": {k: {"passed": v} for k, v in found.items()}} for name, found in cells.items()}
    }


def test_misses_are_named_and_what_nobody_asked_for_does_not_count():
    found = dataset(
        a={"hurst": True, "tail_index": False}, b={"hurst": None, "extremal_index": False}, c={"hurst": False}
    )
    assert verdict_line(found, ["a", "b"]) == "1 of 3 invariants asked for pass; missed: a tail_index, b extremal_index"
    assert verdict_line(dataset(a={"hurst": True}), ["a"]) == "1 of 1 invariants asked for pass"
