"""Fewer operations for the same numbers: a 3 × 3 convolution of a doubled map, as one transposed convolution of the map itself.

A U-Net's decoder doubles a map (every value becomes 2 × 2 equal ones), lays the encoder's map beside it, and convolves both with
3 × 3 weights. Of the nine values that such a window reads of a doubled map, at most four differ: a transposed convolution of
stride 2 whose 4 × 4 weights are sums of the 3 × 3 ones gives the same with four products instead of nine, the border included
(both take what lies outside as zero). Results are equal up to the rounding of float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_doubling(model: Any) -> int:
    """Rewrite an openvino.Model in place; the number of convolutions that were replaced."""
    replaced = 0
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convolution" and plain(node) and _rewrite(node):
            replaced += 1
    return replaced


def plain(node: Any) -> bool:
    """Whether a convolution is 3 × 3, keeps the size, and its weights are known."""
    said = node.get_attributes()
    return (
        list(node.input_value(1).get_shape())[2:] == [3, 3]
        and node.input_value(1).get_node().get_type_name() == "Constant"
        and all(said[name] == [1, 1] for name in ("strides", "dilations", "pads_begin", "pads_end"))
        and said["auto_pad"] == "explicit"
    )


def _rewrite(node: Any) -> bool:
    """Replace a convolution of a doubled map, alone or with a map beside it; whether it was one."""
    from openvino import opset13

    source = node.input_value(0)
    beside = None
    if source.get_node().get_type_name() == "Concat" and source.get_node().get_input_size() == 2:
        source, beside = source.get_node().input_value(0), source.get_node().input_value(1)
    small = _before_doubling(source)
    if small is None:
        return False
    weights = node.input_value(1).get_node().data
    own = small.get_shape()[1]
    ones = [1, 1]
    out = opset13.convolution_backprop_data(
        small, opset13.constant(doubled(weights[:, :own])), [2, 2], pads_begin=ones, pads_end=ones
    )
    if beside is not None:
        rest = opset13.constant(np.ascontiguousarray(weights[:, own:]))
        out = opset13.add(opset13.convolution(beside, rest, ones, ones, ones, ones), out)
    node.output(0).replace(out.output(0))
    return True


def _before_doubling(output: Any) -> Any | None:
    """What an output doubles, or None where it is no such map."""
    node = output.get_node()
    if node.get_type_name() != "Interpolate" or node.get_attributes()["mode"] != "nearest":
        return None
    said = node.get_attributes()
    usual = said["coordinate_transformation_mode"] == "asymmetric" and said["nearest_mode"] == "floor"
    small = node.input_value(0)
    before, after = list(small.get_shape()), list(output.get_shape())
    return small if usual and after == [*before[:2], 2 * before[2], 2 * before[3]] else None


def doubled(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O, I, 3, 3) of a convolution after doubling → (I, O, 4, 4) of the transposed convolution of stride 2, padded by 1."""
    out = np.zeros((*weights.shape[:2], 4, 4), dtype=np.float32)
    for y in (0, 1):
        for x in (0, 1):
            out[:, :, y : y + 3, x : x + 3] += weights
    return np.ascontiguousarray(out[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
