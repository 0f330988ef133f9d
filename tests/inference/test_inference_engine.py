"""The engine from record to result."""

import itertools
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from busi_viewer import paths
from busi_viewer.core.errors import Cancelled, ModelError, NotUltrasound, UsageError
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.phantom import phantom
from busi_viewer.core.results import CLASSES, METHODS
from busi_viewer.inference import engine as engines
from busi_viewer.inference.device import choose
from busi_viewer.inference.engine import ModelEngine, halved
from busi_viewer.inference.heatmaps import randomised, through_network
from busi_viewer.nets.card import Architecture
from busi_viewer.nets.explained import TorchForward
from busi_viewer.nets.predictor import Predictor, as_input
from busi_viewer.nets.registry import build, load_model

SHAPE = (120, 170)
PLAIN = Architecture(name="multitask-unet-mobilenetv2")
POOLED = Architecture(name="multitask-unet-mobilenetv2", arguments={"lesion_pooling": True})
ENSEMBLE = Architecture(
    name="ensemble",
    arguments={
        "members": [
            {"name": POOLED.name, "arguments": POOLED.arguments, "size": 96},
            {"name": PLAIN.name, "arguments": {}, "size": 64},
        ]
    },
)


def _record(count=1, spacing=(0.1, 0.2)):
    stack = tuple(phantom("malignant", seed, SHAPE)[0] for seed in range(count))
    return ImageRecord(Path("x.png"), "0" * 64, "png", ArrayFrames(stack), SHAPE, spacing_mm=spacing)


@pytest.fixture(scope="module")
def engine(model_folder):
    return ModelEngine(model_folder, "cpu")


def test_result_is_complete_and_at_native_size(engine):
    result = engine.analyse(_record(), revision=5)
    frame = result.frames[0]
    assert result.revision == 5
    assert result.model.sha256 == engine.card.sha256
    assert frame.mask.shape == frame.heatmap.values.shape == frame.probability.shape == SHAPE
    assert sum(frame.probabilities) == pytest.approx(1)
    assert frame.calibrated
    assert frame.heatmap.values.min() >= 0
    assert frame.heatmap.values.max() <= 1
    assert frame.heatmap.target == frame.prediction
    assert set(frame.timing_ms) == {"decode", "preprocess", "forward", "postprocess", "heatmap", "total"}
    assert frame.above_operating_point == (frame.probabilities[2] >= 0.2)
    assert sum(lesion.area_px for lesion in frame.lesions) == frame.mask.sum()


def test_same_input_same_result(engine):
    a, b = (engine.analyse(_record()).frames[0] for _ in range(2))
    assert a.probabilities == b.probabilities
    assert np.array_equal(a.mask, b.mask)


def test_only_the_frames_asked_for(engine):
    result = engine.analyse(_record(4), [1, 3], heatmap=False)
    assert [f.index for f in result.frames] == [1, 3]
    assert all(f.heatmap is None for f in result.frames)


def test_progress_rises_and_cancel_stops(engine):
    shares = []
    engine.analyse(_record(3), progress=lambda stage, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] < 1
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        engine.analyse(_record(), cancel=stop)


@pytest.mark.parametrize("architecture", [PLAIN, POOLED, ENSEMBLE], ids=["plain", "pooled", "ensemble"])
def test_heatmap_from_one_pass_equals_grad_cam_of_the_whole_network(architecture):
    torch.manual_seed(5)
    network = build(architecture).eval()
    square = phantom("malignant", 1, (96, 96))[0]
    x = as_input(square[None])
    cams = TorchForward(network)(x).cams[0]
    assert cams.any()
    for index, ours in enumerate(cams):
        theirs = through_network(network, x, CLASSES[index])
        large = cv2.resize(ours, (96, 96), interpolation=cv2.INTER_LINEAR)
        assert ours.any() == theirs.any()
        assert not ours.any() or np.corrcoef(large.ravel(), theirs.ravel())[0, 1] > 0.99


def test_random_weights_change_the_heatmap_of_the_bundled_model():
    folder = paths.bundled_models() / "busi-default"
    grey = cv2.imread(str(sorted(paths.resource("sample").glob("*.png"))[0]), cv2.IMREAD_GRAYSCALE)
    network = load_model(folder)[0]
    x = as_input(cv2.resize(grey, (256, 256))[None])
    learned, drawn = TorchForward(network)(x).cams[0], TorchForward(randomised(network))(x).cams[0]
    for a, b in zip(learned, drawn, strict=True):
        if a.any() and b.any():
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.7
    assert learned.any()


def test_every_class_and_method_at_native_size(engine):
    record = _record()
    frame = engine.analyse(record).frames[0]
    again = engine.heatmap(record, 0, frame.prediction, mask=frame.mask)
    assert np.array_equal(again.values, frame.heatmap.values)
    assert again.inside_mask_share == frame.heatmap.inside_mask_share
    for method in METHODS:
        heat = engine.heatmap(record, 0, "benign", method)
        assert (heat.target, heat.method, heat.values.shape) == ("benign", method, SHAPE)
        assert 0 <= heat.values.min() <= heat.values.max() <= 1
    cold = engine.heatmap(_record(spacing=None), 0, "benign")
    assert np.array_equal(cold.values, engine.heatmap(record, 0, "benign").values)


def test_many_frames_together_are_what_they_are_alone(engine):
    record = _record(5)
    together = engine.analyse(record).frames
    alone = [engine.analyse(record, [index]).frames[0] for index in range(5)]
    for a, b in zip(together, alone, strict=True):
        assert a.index == b.index
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        assert np.mean(a.mask != b.mask) < 1e-3


def on_device(model_folder, forward, name="cuda:0"):
    """An engine whose forward pass is another one, as of a device of this name."""
    engine = ModelEngine(model_folder, "cpu")
    engine._device, engine._predictor = name, Predictor(forward, engine.card.input)
    return engine


def failing(forward, error, after):
    """A forward pass that fails from its call ``after`` on (counted from 0), as a lost device does."""
    calls = itertools.count()

    def run(x):
        if next(calls) >= after:
            raise error
        return forward(x)

    return run


LOST = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.AcceleratorError("CUDA error: device-side assert triggered"),
    torch.cuda.DeferredCudaCallError("CUDA call failed lazily at initialization"),
]


def same_result(one, other):
    for a, b in zip(one.frames, other.frames, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        assert np.mean(a.mask != b.mask) < 1e-3


@pytest.mark.parametrize(("error", "after"), [(LOST[0], 0), (LOST[1], 2), (LOST[2], 1)], ids=["full", "lost", "driver"])
def test_a_device_that_fails_gives_way_to_the_cpu_and_it_is_said(engine, model_folder, error, after):
    record = _record(3)
    made = on_device(model_folder, failing(TorchForward(load_model(model_folder)[0]), error, after))
    result = made.analyse(record, heatmap=False)
    assert result.warnings == (*record.warnings, "The device cuda:0 failed; the CPU computes from now on.")
    assert result.device == made.device == "cpu"
    same_result(result, engine.analyse(record, heatmap=False))
    assert not made.analyse(_record(), heatmap=False).warnings
    assert made.heatmap(_record(), 0, "benign", "Grad-CAM++").values.max() > 0, "torch's network is on the CPU too"


def test_a_device_that_gives_no_data_or_no_numbers_gives_way_too(engine, model_folder):
    lost = on_device(model_folder, TorchForward(load_model(model_folder)[0], device="meta"), "meta")
    same_result(lost.analyse(_record()), engine.analyse(_record()))
    right = TorchForward(load_model(model_folder)[0])
    garbled = on_device(
        model_folder, lambda x: right(x)._replace(mask_logits=np.full_like(right(x).mask_logits, np.nan))
    )
    result = garbled.analyse(_record())
    assert result.device == "cpu"
    same_result(result, engine.analyse(_record()))


def test_a_device_that_is_gone_when_the_model_is_loaded_gives_way_too(engine, model_folder, monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("needs a PyTorch that cannot use the device")
    monkeypatch.setattr(engines, "choose", lambda _name: "cuda:0")
    made = ModelEngine(model_folder)
    result = made.analyse(_record())
    assert result.device == "cpu"
    assert "The device cuda:0 failed; the CPU computes from now on." in result.warnings
    same_result(result, engine.analyse(_record()))


def test_a_device_that_is_killed_in_the_middle_of_a_frame_gives_way_to_the_cpu(model_folder):
    program = Path(__file__).parents[1] / "vanishing_device.py"
    ran = subprocess.run([sys.executable, program, model_folder], capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout)
    assert [one["device"] for one in said["frames"]] == ["gone:0", "gone:0", "cpu", "cpu"]
    lost = "The device gone:0 failed; the CPU computes from now on."
    assert [lost in one["warnings"] for one in said["frames"]] == [False, False, True, False]
    assert all(one["same_mask"] and one["apart"] < 1e-5 for one in said["frames"])
    assert said["operations"] > 200, "the first two frames were computed there"


def test_what_the_cpu_raises_is_raised(model_folder):
    error = RuntimeError("the CPU's own")
    with pytest.raises(RuntimeError, match="own"):
        on_device(model_folder, failing(None, error, 0), "cpu").analyse(_record())


def test_unknown_devices_say_the_remedy():
    with pytest.raises(UsageError, match="cuda:N"):
        choose("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="--device cpu"):
            choose("cuda:7")
    assert choose("cpu") == "cpu"


def test_other_modalities_are_refused_by_name(engine):
    with pytest.raises(NotUltrasound, match="modality CT"):
        engine.analyse(replace(_record(), facts={"Modality": "CT"}))
    with pytest.raises(NotUltrasound, match="modality unknown"):
        engine.analyse(replace(_record(), facts={"Modality": "Doe^Jane"}))
    assert engine.analyse(replace(_record(), facts={"Modality": "US"}), heatmap=False).frames


def test_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"card\.json"):
        ModelEngine(tmp_path, "cpu")


def test_images_side_by_side_go_through_the_network_once_each(model_folder, monkeypatch):
    made, passes, both = ModelEngine(model_folder, "cpu", threads=2), [], threading.Barrier(2)
    predict = Predictor.predict

    def together(self, images):
        passes.append(len(images))
        found = predict(self, images)
        if len(passes) <= 2:
            both.wait(timeout=60)  # both have their prediction before either makes its heatmap
        return found

    monkeypatch.setattr(Predictor, "predict", together)
    records = [replace(_record(), path=Path(name)) for name in ("a.png", "b.png")]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(made.analyse, records))
    assert all(each.frames[0].heatmap is not None for each in found)
    assert passes == [1, 1]


@pytest.mark.parametrize("factor", [1.0, 0.37, 1e-6, 0.0])
def test_a_map_is_halved_as_numpy_would(factor):
    rng = np.random.default_rng(0)
    values = (factor / (1 + np.exp(rng.normal(6, 5, SHAPE)))).astype(np.float32)
    half = halved(values)
    assert half.dtype == np.float16
    assert np.array_equal(half, values.astype(np.float16))
