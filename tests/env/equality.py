"""Equality of what environments return, bit for bit, types and masks included."""

from __future__ import annotations

from typing import Any

import numpy as np


def assert_identical(one: Any, two: Any, path: str = "result") -> None:
    """Raise AssertionError, with the place, unless both have the same types and values."""
    assert type(one) is type(two), f"{path}: {type(one)} and {type(two)}"
    if isinstance(one, dict):
        assert set(one) == set(two), f"{path}: keys {set(one) ^ set(two)}"
        for key in one:
            assert_identical(one[key], two[key], f"{path}[{key!r}]")
    elif isinstance(one, tuple | list):
        assert len(one) == len(two), f"{path}: {len(one)} and {len(two)}"
        for index, pair in enumerate(zip(one, two, strict=True)):
            assert_identical(*pair, f"{path}[{index}]")
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (two.dtype, two.shape), f"{path}: {one!r} and {two!r}"
        if one.dtype == object:
            assert_identical(one.tolist(), two.tolist(), path)
        else:
            assert one.tobytes() == two.tobytes(), f"{path}: {one!r} and {two!r}"
    else:
        assert one == two, f"{path}: {one!r} and {two!r}"
