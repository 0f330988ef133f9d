"""A network as an OpenVINO graph without its weights: which operation follows which, and where in the weights each reads.

The graph is small (under 100 kB) and lies beside the weights or in the user's cache folder; the weights stay in their one
safetensors file, whose SHA-256 is checked at every loading. With a graph at hand no torch is imported.

A graph file is gzip-compressed JSON: ``weights`` (SHA-256 of what it belongs to), ``side`` of the input, ``xml`` (OpenVINO's IR)
and ``extra`` (base64). The IR's constants lie in a buffer of the float tensors as float32, in the order of their names, and
``extra`` behind them.
"""

from __future__ import annotations

import base64
import gzip
import json
import tempfile
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from busi_viewer.nets.card import InputSpec
    from busi_viewer.nets.ensemble import Network

GRAPH = "forward.graph"
Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Graph:
    """See the module. ``weights`` is the SHA-256 of the weights file, ``side`` that of the square input."""

    weights: str
    side: int
    xml: str
    extra: bytes

    def packed(self) -> bytes:
        """The content of a graph file."""
        fields = {
            "weights": self.weights,
            "side": self.side,
            "xml": self.xml,
            "extra": base64.b64encode(self.extra).decode(),
        }
        return gzip.compress(json.dumps(fields).encode(), mtime=0)

    @classmethod
    def unpacked(cls, content: bytes) -> Graph:
        """A graph file's graph. Raises ValueError, OSError, EOFError, KeyError, TypeError, zlib.error for others."""
        fields = json.loads(gzip.decompress(content))
        extra = base64.b64decode(fields["extra"], validate=True)
        return cls(str(fields["weights"]), int(fields["side"]), str(fields["xml"]), extra)

    def model(self, core: Any, arrays: Arrays) -> Any:
        """The openvino.Model with its weights. RuntimeError where they do not belong together."""
        import openvino as ov

        flat = [np.ravel(arrays[name]).view(np.uint8) for name in sorted(arrays)]
        buffer = np.concatenate([*flat, np.frombuffer(self.extra, np.uint8)])
        return core.read_model(self.xml.encode(), ov.Tensor(buffer))


def made(network: Network, arrays: Arrays, weights: str, spec: InputSpec) -> Graph:
    """The graph of a network whose float tensors are ``arrays``. Imports torch; takes seconds. RuntimeError from OpenVINO."""
    import openvino as ov
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    from busi_viewer.nets.explained import Explained

    shape = [1, 1, spec.size, spec.size]
    with warnings.catch_warnings(), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # tracing warns of checks of the input's sides
        frontend = FrontEndManager().load_by_framework("pytorch")
        # the front end alone, without the usual clean-up: that would fold batch norms into new weights
        decoder = TorchScriptPythonDecoder(Explained(network, spec.preprocess).eval(), example_input=torch.zeros(shape))
        model = frontend.convert(frontend.load(decoder))
        model.reshape(shape)
        ov.serialize(model, Path(folder, "g.xml"), Path(folder, "g.bin"))
        root = ET.parse(Path(folder, "g.xml")).getroot()
        extra = _point_to(arrays, root, Path(folder, "g.bin").read_bytes())
    return Graph(weights, spec.size, ET.tostring(root, encoding="unicode"), extra)


def _point_to(arrays: Arrays, root: ET.Element, constants: bytes) -> bytes:
    """Let the constants of an IR point into the arrays' buffer; what they lack is returned, to follow them."""
    places: dict[bytes, int] = {}
    end = 0
    for name in sorted(arrays):
        places.setdefault(arrays[name].tobytes(), end)
        end += arrays[name].nbytes
    extra = bytearray()
    for data in root.findall("layers/layer[@type='Const']/data"):
        start, size = int(data.attrib["offset"]), int(data.attrib["size"])
        content = constants[start : start + size]
        if content not in places:
            extra += bytes(-len(extra) % 8)
            places[content] = end + len(extra)
            extra += content
        data.set("offset", str(places[content]))
    return bytes(extra)
