"""OpenVINO answers as PyTorch does, from a graph that holds no weights."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from busi_viewer import paths
from busi_viewer.core.errors import ModelError
from busi_viewer.nets import accelerated
from busi_viewer.nets.card import WEIGHTS, Architecture, Card, InputSpec, read_card
from busi_viewer.nets.doubling import without_doubling
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.graph import GRAPH, Graph
from busi_viewer.nets.one_channel import with_blocks, with_grey_input
from busi_viewer.nets.parts import in_parts, linked
from busi_viewer.nets.registry import build
from busi_viewer.nets.weights import load_arrays, load_tensors, save_tensors

SMALL = {"name": "multitask-unet-mobilenetv2", "arguments": {}, "size": 64}
LARGE = {**SMALL, "arguments": {"lesion_pooling": True}, "size": 96}
ENSEMBLE = Architecture(name="ensemble", arguments={"members": [LARGE, SMALL]})
DEFAULT = paths.bundled_models() / "busi-default"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, card, network) of a small untrained ensemble."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(1)
    network = build(ENSEMBLE).eval()
    digest = save_tensors(folder / WEIGHTS, dict(network.state_dict()))
    network.load_state_dict({k: v.float() for k, v in load_tensors(folder / WEIGHTS).items()})
    card = Card(
        name="e", version="0", architecture=ENSEMBLE, input=InputSpec(size=96, flip=False),
        classes=("normal", "benign", "malignant"), sha256=digest,
    )  # fmt: skip
    return folder, card, network


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _kept(home):
    return list(home.rglob("*.graph"))


def test_it_answers_as_pytorch_and_keeps_a_small_graph(made, home):
    folder, card, network = made
    x = np.random.default_rng(0).random((3, 1, 96, 96), dtype=np.float32)
    expected = TorchForward(network)(x)
    forward = accelerated.compiled(folder, card, network=network, threads=1)
    (kept,) = _kept(home)
    assert kept.stat().st_size < 200_000
    stamp = kept.stat().st_mtime_ns
    again = accelerated.compiled(folder, card, threads=2, together=True)
    assert kept.stat().st_mtime_ns == stamp
    for found in (forward(x), again(x)):
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.shape == theirs.shape
            assert np.allclose(ours, theirs, atol=1e-3, rtol=1e-3)


def test_it_works_without_a_cache_folder(made, home):
    folder, card, network = made
    home.write_text("no folder")
    assert accelerated.compiled(folder, card, network=network, threads=1) is not None


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b no gzip", b"[]"])
def test_a_damaged_graph_is_made_anew(made, home, content):
    folder, card, network = made
    accelerated.graph_of(folder, card, network=network)
    (kept,) = _kept(home)
    kept.write_bytes(content)
    accelerated.graph_of(folder, card, network=network)
    found = Graph.unpacked(kept.read_bytes())
    assert (found.weights, found.side) == (card.sha256, card.input.size)


def test_altered_weights_are_refused(made, tmp_path):
    folder, card, _ = made
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        accelerated.compiled(tmp_path, card)


def test_the_bundled_graph_is_the_one_its_card_names():
    card = read_card(DEFAULT)
    content = (DEFAULT / GRAPH).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.graph_sha256
    graph = Graph.unpacked(content)
    assert (graph.weights, graph.side) == (card.sha256, card.input.size)


def test_the_bundled_model_needs_no_torch():
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from busi_viewer.core.image import ArrayFrames, ImageRecord\n"
        "from busi_viewer.inference.engine import ModelEngine\n"
        f"engine = ModelEngine(Path({str(DEFAULT)!r}), 'cpu')\n"
        "grey = np.random.default_rng(0).integers(0, 255, (90, 120)).astype(np.uint8)\n"
        "record = ImageRecord(Path('x.png'), '0' * 64, 'png', ArrayFrames((grey,)), (90, 120))\n"
        "assert engine.analyse(record).frames[0].heatmap is not None\n"
        "assert not {'torch', 'timm', 'pytorch_grad_cam'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_openvino_reports_its_use_to_nobody(tmp_path):
    """Its telemetry would leave an identifier in the home and send figures to its maker."""
    code = "import busi_viewer, openvino.tools.ovc.convert; from busi_viewer.nets import accelerated"
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **home}, check=True, timeout=120)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("beside", [0, 3])
def test_a_convolution_of_a_doubled_map_becomes_a_transposed_one_with_the_same_numbers(beside):
    import openvino as ov
    from openvino import opset13

    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 5 + beside, 3, 3)).astype(np.float32)
    small, skip = (rng.normal(size=s).astype(np.float32) for s in ((1, 5, 6, 8), (1, beside, 12, 16)))

    def model():
        inputs = [opset13.parameter(list(a.shape), np.float32) for a in (small, skip)[: 1 + bool(beside)]]
        size, axes = (opset13.constant(np.array(v, np.int64)) for v in ([12, 16], [2, 3]))
        x = opset13.interpolate(
            inputs[0], size, "nearest", "sizes", axes=axes, coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )  # fmt: skip
        x = opset13.concat([x, inputs[1]], 1) if beside else x
        ones = [1, 1]
        return ov.Model([opset13.convolution(x, opset13.constant(weights), ones, ones, ones, ones)], inputs)

    plain, rewritten = model(), model()
    assert without_doubling(rewritten) == 1
    assert "Interpolate" not in {node.get_type_name() for node in rewritten.get_ordered_ops()}
    found = [
        ov.Core().compile_model(m, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([small, skip][: 1 + bool(beside)])[0]
        for m in (plain, rewritten)
    ]
    assert np.allclose(*found, atol=1e-4)


def test_a_models_decoder_is_rewritten_whole(made):
    model = _graph(made)
    members = len(ENSEMBLE.arguments["members"])
    assert without_doubling(model) == 5 * members
    assert with_grey_input(model) == members
    assert with_blocks(model) == members


def _graph(made):
    import openvino as ov

    folder, card, network = made
    return accelerated.graph_of(folder, card, network=network).model(
        ov.Core(), load_arrays(folder / WEIGHTS, card.sha256)
    )


def test_the_parts_of_a_divided_graph_answer_as_the_whole(made):
    """In float32 here, whatever the processor can: what is left is the rounding of what is handed over."""
    import openvino as ov

    x = np.random.default_rng(0).random((1, 1, 96, 96), dtype=np.float32)
    core, exact = ov.Core(), {"INFERENCE_PRECISION_HINT": "f32"}
    whole = core.compile_model(_graph(made), "CPU", exact)(x)
    divided = in_parts(_graph(made))
    assert [precision for _, precision in divided] == ["f32", "bf16", "f32"]
    kinds = [{node.get_type_name() for node in part.get_ordered_ops()} for part, _ in divided]
    assert "Interpolate" in kinds[1], "the decoders"
    assert "Interpolate" not in kinds[0] | kinds[2]
    assert "Softmax" in kinds[2]
    requests = linked([core.compile_model(part, "CPU", exact) for part, _ in divided])
    requests[0].infer([x])
    for request in requests[1:]:
        request.infer()
    for i, expected in enumerate(whole.values()):
        found = requests[-1].get_output_tensor(i).data
        assert found.shape == expected.shape
        assert np.allclose(found, expected, atol=0.02 * max(float(np.abs(expected).max()), 1.0))
        assert expected.std() == 0 or np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999


def test_a_graph_without_a_middle_stays_whole():
    import openvino as ov
    from openvino import opset13

    x = opset13.parameter([1, 1, 8, 8], np.float32)
    model = ov.Model([opset13.relu(x)], [x])
    assert in_parts(model) == [(model, "f32")]


def test_only_a_card_that_says_so_lets_the_graph_be_divided(made):
    import openvino as ov

    folder, card, network = made
    x = np.random.default_rng(0).random((2, 1, 96, 96), dtype=np.float32)
    assert not accelerated.compiled(folder, card, network=network, threads=1).divided
    card = card.model_copy(update={"bfloat16": True})
    forward = accelerated.compiled(folder, card, network=network, threads=2, together=True)
    assert forward.divided == ("BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    alone = [forward(x[i : i + 1]) for i in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            for one, two in zip(alone, pool.map(forward, (x[:1], x[1:])), strict=True):
                assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True)), "threads do not mix"


def test_a_graph_that_cannot_be_divided_is_computed_whole(made, monkeypatch):
    folder, card, network = made

    def broken(_model):
        raise RuntimeError("of OpenVINO")

    monkeypatch.setattr(accelerated, "in_parts", broken)
    forward = accelerated.compiled(folder, card.model_copy(update={"bfloat16": True}), network=network, threads=1)
    assert forward is not None
    assert not forward.divided


def _answers(model, x):
    import openvino as ov

    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([x])[0]


@pytest.mark.parametrize(("stride", "kernel"), [(2, 7), (2, 3), (1, 5)])
def test_a_convolution_of_grey_laid_out_as_colours_reads_one_channel_with_the_same_numbers(stride, kernel):
    import openvino as ov
    from openvino import opset13

    rng = np.random.default_rng(0)
    grey = rng.random((1, 1, 24, 32), dtype=np.float32)
    weights = rng.normal(size=(6, 3, kernel, kernel)).astype(np.float32)
    by_channel = [rng.uniform(0.2, 1, 3).astype(np.float32) for _ in range(6)]

    def model():
        x = opset13.parameter(list(grey.shape), np.float32)
        mean, std, *normal = (opset13.constant(each) for each in by_channel)
        four = opset13.constant(np.array([1, 3, 1, 1], np.int64))
        y = opset13.broadcast(x, opset13.constant(np.array([1, 3, 24, 32], np.int64)))
        y = opset13.subtract(y, opset13.reshape(mean, four, False))
        y = opset13.divide(y, opset13.reshape(std, four, False))
        y = opset13.batch_norm_inference(y, *normal, 1e-3)
        pads = [kernel // 2] * 2
        return ov.Model([opset13.convolution(y, opset13.constant(weights), [stride] * 2, pads, pads, [1, 1])], [x])

    rewritten = model()
    assert with_grey_input(rewritten) == 1
    assert "Broadcast" not in {node.get_type_name() for node in rewritten.get_ordered_ops()}
    assert np.allclose(_answers(model(), grey), _answers(rewritten, grey), atol=1e-4)


@pytest.mark.parametrize("sides", [(12, 16), (10, 16)])
def test_a_convolution_to_one_channel_is_computed_in_blocks_with_the_same_numbers(sides):
    import openvino as ov
    from openvino import opset13

    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 5, *sides)).astype(np.float32)
    weights = rng.normal(size=(1, 5, 3, 3)).astype(np.float32)

    def model():
        x = opset13.parameter(list(values.shape), np.float32)
        ones = [1, 1]
        return ov.Model([opset13.convolution(x, opset13.constant(weights), ones, ones, ones, ones)], [x])

    rewritten = model()
    assert with_blocks(rewritten) == int(sides[0] % 4 == 0)
    assert np.allclose(_answers(model(), values), _answers(rewritten, values), atol=1e-4)
