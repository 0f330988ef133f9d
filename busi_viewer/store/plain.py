"""Core's frozen dataclasses as JSON values and back, by their annotations.

Reading is tolerant in one direction only: a field unknown here is left out, a missing one gets its default. So a
result that a newer or an older release wrote can be read, as far as both know it.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np


def to_plain(value: Any) -> Any:
    """A dataclass, tuple, mapping, array or number as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: Any, value: Any) -> Any:
    """The value of type ``kind`` that :func:`to_plain` described. Raises ValueError, TypeError or KeyError if it is not one."""
    if kind is Any or value is None:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return from_plain(next(one for one in arguments if one is not type(None)), value)
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(from_plain(one, item) for one, item in zip(kinds, value, strict=True))
    if origin is dict:
        return {key: from_plain(arguments[1], item) for key, item in value.items()}
    if origin is np.ndarray:
        return _array(arguments, value)
    if is_dataclass(kind):
        return _dataclass(kind, value)
    return kind(value) if kind in (int, float, bool, str) else value


def _array(arguments: tuple[Any, ...], value: Any) -> Any:
    """A list of numbers as an array of the annotated type; an empty one is a list of points (0, 2)."""
    kind = typing.get_args(arguments[1])[0]
    array = np.asarray(value, dtype=kind)
    return array if array.size else np.zeros((0, 2), dtype=kind)


@functools.lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _dataclass(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    known = {item.name: from_plain(hints[item.name], value[item.name]) for item in fields(kind) if item.name in value}
    for item in fields(kind):
        if item.name not in known and item.default is MISSING and item.default_factory is MISSING:
            raise KeyError(item.name)
    return kind(**known)
