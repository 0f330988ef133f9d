"""A device of PyTorch's in another process: tensors on ``gone`` live there and are computed there, until it is killed.

So a device that disappears can be had on a machine without one. What runs here sees what it sees of a lost GPU: tensors
that cannot be read, and ``torch.AcceleratorError`` from every operation. Run as a program it analyses frames while the device
is killed, and prints what was said, by whom each frame was computed, and how far it lies from the CPU.
"""

import json
import multiprocessing
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils import _pytree
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.phantom import phantom
from busi_viewer.inference import engine as engines
from busi_viewer.inference.engine import ModelEngine

NAME = "gone"
COMPOSITE = [  # what PyTorch would take apart into views, or leaves to each device
    "_to_copy", "_copy_from", "copy_", "empty.memory_format", "empty_strided", "eye", "eye.m", "view", "_unsafe_view",
    "as_strided", "linear", "matmul", "flatten.using_ints", "reshape", "contiguous", "convolution_overrideable", "max_pool2d",
    "adaptive_avg_pool2d", "upsample_bilinear2d.vec", "upsample_nearest2d.vec",
]  # fmt: skip


class Handle:
    """A tensor over there, in a message."""

    def __init__(self, name):
        self.name = name


def serve(pipe):
    """The other process: holds tensors by name and computes with them."""
    torch.set_num_threads(1)
    held = {}
    while True:
        verb, name, *rest = pipe.recv()
        try:
            if verb == "put":
                held[name] = torch.from_numpy(rest[0])
                pipe.send(None)
            elif verb == "get":
                pipe.send(held[name].contiguous().numpy())
            else:
                pipe.send(compute(held, name, *rest))
        except Exception as error:  # noqa: BLE001 - told to the one who asked
            pipe.send(RuntimeError(f"{name}: {error}"))


def compute(held, operation, args, kwargs, names):
    """Run an operation; shapes and types of its results, and whether there were several."""
    args, kwargs = _pytree.tree_map(lambda v: held[v.name] if isinstance(v, Handle) else v, (args, kwargs))
    name, _, overload = operation.partition(".")
    packet = getattr(torch.ops.aten, name)
    with torch.no_grad():
        found = (getattr(packet, overload) if overload else packet)(*args, **kwargs)
    several = found if isinstance(found, tuple | list) else [found]
    held.update(zip(names, several, strict=False))
    return [(tuple(one.shape), one.dtype) for one in several], several is found


class Device:
    """This process's end."""

    def __init__(self):
        self.pipe, far = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=serve, args=(far,), daemon=True)
        self.process.start()
        far.close()
        self.operations = self.names = self.last = 0

    def name(self):
        self.names += 1
        return self.names

    def ask(self, *message):
        try:
            self.pipe.send(message)
            answer = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise torch.AcceleratorError("the device is lost") from error
        if isinstance(answer, Exception):
            raise answer
        return answer


DEVICE = None
BY_STORAGE = {}  # a parameter made of a tensor is another object with the same storage


class There(torch.Tensor):
    """A tensor without data of its own: its storage stands for a name over there."""

    @staticmethod
    def __new__(cls, shape, dtype, name):
        made = torch._C._acc.create_empty_tensor(shape, dtype)
        made.__class__ = cls
        return made

    def __init__(self, shape, dtype, name):
        self.storage_kept = self.untyped_storage()
        BY_STORAGE[self.storage_kept._cdata] = (name, self.storage_kept)


def handle(tensor):
    return Handle(BY_STORAGE[tensor.untyped_storage()._cdata][0])


def up(tensor):
    name = DEVICE.name()
    DEVICE.ask("put", name, tensor.detach().contiguous().numpy().copy())
    return There(tuple(tensor.shape), tensor.dtype, name)


def down(tensor):
    return torch.from_numpy(np.array(DEVICE.ask("get", handle(tensor).name)))


def copied(source, target):
    """A copy in either direction, or over there."""
    if isinstance(source, There) and not isinstance(target, There):
        return torch.Tensor.copy_(target, down(source))
    there = source if isinstance(source, There) else up(source)
    DEVICE.ask("op", "copy_", (handle(target), handle(there)), {}, [DEVICE.name()])
    return target


def dispatch(operation, *args, **kwargs):
    """Whatever PyTorch asks of the device."""
    name, overload = operation._schema.name.split("::")[1], operation._overloadname
    if name == "_to_copy":
        there, dtype = isinstance(args[0], There), kwargs.get("dtype") or args[0].dtype
        if not there:
            return up(args[0].to(dtype))
        if torch.device(kwargs.get("device") or NAME).type == "cpu":
            return down(args[0]).to(dtype)
        kwargs = {"dtype": dtype}
    if name in ("_copy_from", "copy_"):
        return copied(*(args[:2] if name == "_copy_from" else args[1::-1]))
    if name in ("empty", "empty_strided"):
        return up(torch.empty(args[0], dtype=kwargs.get("dtype")))
    if name == "eye":
        return up(torch.eye(*args))
    name = name.removesuffix("_overrideable")
    kwargs = {key: value for key, value in kwargs.items() if key not in ("device", "layout", "pin_memory")}
    out = kwargs.pop("out", None)
    first = args[0]
    args, kwargs = _pytree.tree_map(lambda v: handle(v) if isinstance(v, There) else v, (args, kwargs))
    names = [DEVICE.name() for _ in range(4)] if out is None else [handle(out).name]
    DEVICE.operations += 1
    if DEVICE.operations == DEVICE.last:
        DEVICE.process.kill()
    wanted = name if out is not None or not overload else f"{name}.{overload}"
    made, several = DEVICE.ask("op", wanted, args, kwargs, names)
    if out is not None:
        return out
    if name.endswith("_"):
        return first
    results = tuple(There(*meta, name) for meta, name in zip(made, names, strict=False))
    return results if several else results[0]


def plug():
    """Make the device known to PyTorch: once in a process."""
    global DEVICE

    class Module(_DummyBackendModule):
        def get_amp_supported_dtype(self):
            return [torch.float16]

    _setup_privateuseone_for_python_backend(NAME, backend_module=Module())
    DEVICE = Device()
    libraries = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    libraries[0].fallback(dispatch, "PrivateUse1")
    for known in COMPOSITE:
        name, _, overload = known.partition(".")
        operation = getattr(getattr(torch.ops.aten, name), overload or "default")
        libraries[1].impl(known, partial(dispatch, operation), "PrivateUse1")
    return libraries


def main():
    """Analyse four frames on the device, which is killed during the third; MODEL is the only argument."""
    folder = Path(sys.argv[1])
    right = ModelEngine(folder, "cpu")
    libraries = plug()
    engines.choose = lambda _name: f"{NAME}:0"
    stack = tuple(phantom("malignant", seed, (120, 170))[0] for seed in range(4))
    record = ImageRecord(Path("x.png"), "0" * 64, "png", ArrayFrames(stack), (120, 170), spacing_mm=(0.1, 0.1))
    engine = ModelEngine(folder)
    said = []
    for index in range(4):
        if index == 2:
            DEVICE.last = DEVICE.operations + 20
        result = engine.analyse(record, [index])
        wanted = right.analyse(record, [index]).frames[0]
        frame = result.frames[0]
        apart = max(abs(a - b) for a, b in zip(frame.probabilities, wanted.probabilities, strict=True))
        same = bool((frame.mask == wanted.mask).all())
        said.append({"device": result.device, "warnings": result.warnings, "apart": apart, "same_mask": same})
    print(json.dumps({"frames": said, "operations": DEVICE.operations}))  # noqa: T201
    del libraries


if __name__ == "__main__":
    main()
