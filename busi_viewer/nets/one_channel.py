"""Fewer operations for the same numbers where a map has one channel: the grey input, and the outline.

A processor convolves about 16 channels at once, however few there are. So the three equal channels that an encoder made for
colours expects are not laid out, and four by four neighbouring pixels of the outline are computed as 16 channels of one.
Results are equal up to the rounding of float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.nets.doubling import plain

BLOCK = 4
"""Side of the blocks of an outline that are computed at once."""
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def with_grey_input(model: Any) -> int:
    """Rewrite in place each convolution of copies of one channel, scaled and shifted; the number of them.

    What is shifted gives the same at every image, but for the border, beyond which there is nothing: it is worked out once.
    """
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    return sum(_grey(node) for node in model.get_ordered_ops() if node.get_type_name() == "Convolution")


def with_blocks(model: Any) -> int:
    """Rewrite in place each convolution to one channel whose sides are multiples of BLOCK; the number of them."""
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return sum(plain(node) and _blocks(node) for node in convolutions)


def _grey(node: Any) -> bool:
    from openvino import opset13

    source, weights = node.input_value(0).get_node(), node.input_value(1).get_node()
    found = _affine(source)
    if found is None or weights.get_type_name() != "Constant" or list(node.get_attributes()["dilations"]) != [1, 1]:
        return False
    grey, scale, shift = found
    said = node.get_attributes()
    scaled, shifted = (np.einsum("oihw,i->ohw", weights.data, each) for each in (scale, shift))
    one = opset13.constant(np.ascontiguousarray(scaled[:, None], dtype=np.float32))
    moved = opset13.convolution(grey, one, said["strides"], said["pads_begin"], said["pads_end"], [1, 1])
    sides = list(grey.get_shape())[2:]
    rows, columns = (
        _inside(side, kernel, stride, pad, out)
        for side, kernel, stride, pad, out in zip(
            *(sides, scaled.shape[1:], said["strides"], said["pads_begin"], list(moved.output(0).get_shape())[2:]),
            strict=True,
        )
    )
    ground = np.einsum("yi,oij,xj->oyx", rows, shifted, columns, optimize=True)[None]
    out = opset13.add(moved, opset13.constant(np.ascontiguousarray(ground, dtype=np.float32)))
    node.output(0).replace(out.output(0))
    return True


def _inside(side: int, kernel: int, stride: int, pad: int, count: int) -> Doubles:
    """(count, kernel): 1 where a weight of a window lies inside the image, else 0."""
    at = np.arange(count)[:, None] * stride - pad + np.arange(kernel)
    return np.asarray((at >= 0) & (at < side), dtype=np.float64)


def _affine(node: Any) -> tuple[Any, Doubles, Doubles] | None:
    """The one channel that a node's channels are made of, and by what each multiplies it and then adds; None for others."""
    kind = node.get_type_name()
    if kind == "Broadcast":
        before, after = list(node.input_value(0).get_shape()), list(node.output(0).get_shape())
        if len(after) != 4 or before != [1, 1, *after[2:]]:
            return None
        return node.input_value(0), np.ones(after[1]), np.zeros(after[1])
    if kind not in ("Subtract", "Divide", "BatchNormInference"):
        return None
    found = _affine(node.input_value(0).get_node())
    constants = (_by_channel(node.input_value(i)) for i in range(1, node.get_input_size()))
    values = [each for each in constants if each is not None]
    if found is None or len(values) < node.get_input_size() - 1:
        return None
    grey, scale, shift = found
    if kind == "Subtract":
        return grey, scale, shift - values[0]
    if kind == "Divide":
        return grey, scale / values[0], shift / values[0]
    gamma, beta, mean, variance = values
    by = gamma / np.sqrt(variance + node.get_attributes()["epsilon"])
    return grey, scale * by, (shift - mean) * by + beta


def _by_channel(output: Any) -> Doubles | None:
    """A constant with one value for each channel, (C,) float64; None for anything else."""
    node = output.get_node()
    if node.get_type_name() != "Constant" or list(output.get_shape()) not in (
        [node.data.size],
        [1, node.data.size, 1, 1],
    ):
        return None
    return np.asarray(node.data, dtype=np.float64).ravel()


def _blocks(node: Any) -> bool:
    from openvino import opset13

    weights = node.input_value(1).get_node().data
    if len(weights) != 1 or any(side % BLOCK for side in list(node.output(0).get_shape())[2:]):
        return False
    ones = [1, 1]
    blocks = opset13.convolution(
        node.input_value(0), opset13.constant(blocked(weights)), [BLOCK, BLOCK], ones, ones, ones
    )
    node.output(0).replace(opset13.depth_to_space(blocks, "blocks_first", BLOCK).output(0))
    return True


def blocked(weights: Floats) -> Floats:
    """(1, I, 3, 3) of a convolution → (BLOCK², I, BLOCK + 2, BLOCK + 2) of stride BLOCK: a channel for each pixel of a block."""
    out = np.zeros((BLOCK * BLOCK, weights.shape[1], BLOCK + 2, BLOCK + 2), dtype=np.float32)
    for y in range(BLOCK):
        for x in range(BLOCK):
            out[BLOCK * y + x, :, y : y + 3, x : x + 3] = weights[0]
    return out
