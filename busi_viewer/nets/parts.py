"""A graph in three parts, so that the middle one can be computed in bfloat16, twice as fast as in float32.

The first layers read the image's grain; what they round away moves outlines and estimates. The decoders and an encoder's deeper
stages bear it. What is made of them (probabilities, their means, the heat) is computed in float32 again. How far the answers
then are from float32 is measured by ``tests/benchmarks/engine_figures.py``; only models that were measured are divided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

MIDDLE = re.compile(r"\.(decoder|mask_head)\b|\.encoder\.(stages\.(0\.2|[12])|context|blocks\.6)\b")
"""The modules of the middle part, in the names that tracing gives to operations."""
BEFORE, IN, AFTER = range(3)
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


class Crossing(NamedTuple):
    """A tensor that one part gives to a later one: the operation that makes it, its output there, and who takes it."""

    maker: str
    output: int
    taker: int

    @property
    def name(self) -> str:
        """What both parts call it."""
        return f"{self.maker}:{self.output}:{self.taker}"


def in_parts(model: Any) -> list[tuple[Any, str]]:
    """(openvino.Model, precision) of the parts in their order, or the model whole where it has no such middle.

    A part's inputs and outputs bear the same tensor names where one gives to another.
    """
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    place = _places(model)
    if place is None:
        return [(model, "f32")]
    crossings = _crossings(model, place)
    return [(_part(model, part, place, crossings), "bf16" if part == IN else "f32") for part in (BEFORE, IN, AFTER)]


def linked(compiled: Sequence[Any]) -> list[Any]:
    """A request of each part, every one reading where the one before writes; to be run in their order."""
    requests: list[Any] = []
    made: dict[str, Any] = {}
    for part in compiled:
        request = part.create_infer_request()
        for port in part.inputs:
            if port.any_name in made:
                request.set_tensor(port, made[port.any_name])
        made |= {port.any_name: request.get_tensor(port) for port in part.outputs if port.names}
        requests.append(request)
    return requests


def _places(model: Any) -> dict[str, int] | None:
    """The part that each operation belongs to, constants aside; None where there is no middle, or it is not in the middle."""
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() != "Constant"]
    place: dict[str, int] = {}
    for node in nodes:
        if MIDDLE.search(node.get_friendly_name()):
            place[node.get_friendly_name()] = IN
        elif any(place.get(name, BEFORE) != BEFORE for name in _makers(node)):
            place[node.get_friendly_name()] = AFTER
        else:
            place[node.get_friendly_name()] = BEFORE
    needed = {name for node in nodes if place[node.get_friendly_name()] == IN for name in _makers(node)}
    for node in reversed(nodes):  # what only the end needs is computed there, so that less is handed over
        name = node.get_friendly_name()
        if place[name] == BEFORE and (name in needed or node.get_type_name() == "Parameter"):
            needed.update(_makers(node))
        elif place[name] == BEFORE:
            place[name] = AFTER
    inside = [name for name, part in place.items() if part == IN]
    return place if inside and not any(place.get(name) == AFTER for name in needed) else None


def _makers(node: Any) -> list[str]:
    return [value.get_node().get_friendly_name() for value in node.input_values()]


def _crossings(model: Any, place: Mapping[str, int]) -> list[Crossing]:
    found: dict[Crossing, None] = {}
    for node in model.get_ordered_ops():
        taker = place.get(node.get_friendly_name())
        for value in node.input_values():
            maker = value.get_node().get_friendly_name()
            if taker is not None and maker in place and place[maker] != taker:
                found[Crossing(maker, value.get_index(), taker)] = None
    return list(found)


def _part(model: Any, part: int, place: Mapping[str, int], crossings: Sequence[Crossing]) -> Any:
    """A copy of one part."""
    import openvino as ov

    copy = model.clone()
    nodes = {node.get_friendly_name(): node for node in copy.get_ordered_ops()}
    results = [_handed(nodes[each.maker].output(each.output), each) for each in crossings if place[each.maker] == part]
    parameters = [
        _taken(nodes[each.maker].output(each.output), each, place, part) for each in crossings if each.taker == part
    ]
    return ov.Model(
        copy.get_results() if part == AFTER else results, copy.get_parameters() if part == BEFORE else parameters
    )


def _handed(output: Any, crossing: Crossing) -> Any:
    """A part's output, as the other takes it: images with their channels last, for the middle in bfloat16."""
    from openvino import opset13

    if len(output.get_shape()) == len(CHANNELS_LAST):
        output = opset13.transpose(output, opset13.constant(np.array(CHANNELS_LAST))).output(0)
    if crossing.taker == IN:
        output = opset13.convert(output, "bf16").output(0)
    result = opset13.result(output)
    result.output(0).get_tensor().set_names({crossing.name})
    return result


def _taken(output: Any, crossing: Crossing, place: Mapping[str, int], part: int) -> Any:
    """The parameter that stands for another part's output wherever this part reads it."""
    import openvino as ov
    from openvino import opset13

    shape = list(output.get_shape())
    last = len(shape) == len(CHANNELS_LAST)
    kind = ov.Type.bf16 if crossing.taker == IN else ov.Type.f32
    parameter = opset13.parameter([shape[axis] for axis in CHANNELS_LAST] if last else shape, kind)
    parameter.output(0).get_tensor().set_names({crossing.name})
    value = parameter
    if crossing.taker == IN:
        value = opset13.convert(value, "f32")
    if last:
        value = opset13.transpose(value, opset13.constant(np.array(CHANNELS_FIRST)))
    for target in output.get_target_inputs():
        if place.get(target.get_node().get_friendly_name()) == part:
            target.replace_source_output(value.output(0))
    return parameter
