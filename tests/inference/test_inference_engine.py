"""The engine from record to result."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from busi_viewer.core.errors import Cancelled, ModelError, NotUltrasound, UsageError
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.phantom import phantom
from busi_viewer.inference.device import choose
from busi_viewer.inference.engine import TorchEngine
from busi_viewer.inference.heatmaps import grad_cam
from busi_viewer.nets.predictor import Predictor
from busi_viewer.nets.registry import load_model

SHAPE = (120, 170)


def _record(count=1, spacing=(0.1, 0.2)):
    stack = tuple(phantom("malignant", seed, SHAPE)[0] for seed in range(count))
    return ImageRecord(Path("x.png"), "0" * 64, "png", ArrayFrames(stack), SHAPE, spacing_mm=spacing)


@pytest.fixture(scope="module")
def engine(model_folder):
    return TorchEngine(model_folder, "cpu")


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


def test_heatmap_of_the_head_equals_grad_cam_of_the_whole_network(model_folder):
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, card = load_model(model_folder)
    grey = phantom("malignant", 1, SHAPE)[0]
    prediction = Predictor(network, card.input).predict([grey])[0]

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network(x).class_logits

    square = torch.from_numpy(prediction.box.forward(grey))[None, None].float() / 255
    with GradCAM(Whole(), [network.heatmap_layer]) as cam:
        theirs = cam(square.requires_grad_(True), [ClassifierOutputTarget(2)])[0]
    ours = grad_cam(network, prediction.bottleneck, prediction.attended, prediction.focus, 2)
    native = prediction.box.back_coarse(ours)
    assert np.corrcoef(native.ravel(), prediction.box.back(theirs).ravel())[0, 1] > 0.99


def test_unknown_devices_say_the_remedy():
    with pytest.raises(UsageError, match="cuda:N"):
        choose("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="--device cpu"):
            choose("cuda:7")
    assert choose("cpu").type == "cpu"


def test_other_modalities_are_refused_by_name(engine):
    with pytest.raises(NotUltrasound, match="modality CT"):
        engine.analyse(replace(_record(), facts={"Modality": "CT"}))
    with pytest.raises(NotUltrasound, match="modality unknown"):
        engine.analyse(replace(_record(), facts={"Modality": "Doe^Jane"}))
    assert engine.analyse(replace(_record(), facts={"Modality": "US"}), heatmap=False).frames


def test_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"card\.json"):
        TorchEngine(tmp_path, "cpu")
