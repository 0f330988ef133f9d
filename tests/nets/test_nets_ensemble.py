"""Ensembles answer with averaged probabilities, and OpenVINO answers as PyTorch does."""

import numpy as np
import pytest
import torch

from busi_viewer.core.errors import ModelError
from busi_viewer.nets.card import WEIGHTS, Architecture, Card, InputSpec
from busi_viewer.nets.ensemble import Ensemble
from busi_viewer.nets.postprocess import MaskRule, outline, threshold_mask
from busi_viewer.nets.registry import build
from busi_viewer.nets.weights import load_tensors, save_tensors

SMALL = {"name": "multitask-unet-mobilenetv2", "arguments": {}, "size": 64}
LARGE = {**SMALL, "arguments": {"lesion_pooling": True}, "size": 96}
ENSEMBLE = Architecture(name="ensemble", arguments={"members": [LARGE, SMALL]})


@pytest.fixture(scope="module")
def ensemble():
    torch.manual_seed(1)
    return build(ENSEMBLE).eval()


@pytest.fixture
def card(ensemble, tmp_path):
    digest = save_tensors(tmp_path / WEIGHTS, dict(ensemble.state_dict()), half=False)
    return Card(
        name="e", version="0", architecture=ENSEMBLE, input=InputSpec(size=96, flip=False),
        classes=("normal", "benign", "malignant"), sha256=digest,
    )  # fmt: skip


def test_probabilities_are_the_members_mean(ensemble):
    x = torch.rand(2, 1, 96, 96)
    with torch.inference_mode():
        out = ensemble(x)
        whole = ensemble.members[0](x)
        part = ensemble.members[1](torch.nn.functional.interpolate(x, (64, 64), mode="bilinear", antialias=True))
    mean = (torch.softmax(whole.class_logits, 1) + torch.softmax(part.class_logits, 1)) / 2
    assert torch.allclose(torch.softmax(out.class_logits, 1), mean, atol=1e-5)
    stretched = torch.nn.functional.interpolate(part.mask_logits, (96, 96), mode="bilinear")
    masks = (torch.sigmoid(whole.mask_logits) + torch.sigmoid(stretched)) / 2
    assert torch.allclose(torch.sigmoid(out.mask_logits), masks, atol=1e-5)


def test_class_head_alone_gives_the_class_of_the_ensemble(ensemble):
    with torch.inference_mode():
        out = ensemble(torch.rand(1, 1, 96, 96))
        logits, embedding = ensemble.classify(out.bottleneck, out.attended, out.focus)
    assert torch.allclose(logits, out.class_logits, atol=1e-6)
    assert torch.equal(embedding, out.embedding)


def test_weights_round_trip(ensemble, card, tmp_path):
    again = build(card.architecture)
    assert isinstance(again, Ensemble)
    again.load_state_dict(load_tensors(tmp_path / WEIGHTS, card.sha256))
    x = torch.rand(1, 1, 96, 96)
    with torch.inference_mode():
        assert torch.equal(again.eval()(x).class_logits, ensemble(x).class_logits)


@pytest.mark.parametrize(
    "members", [[SMALL], [SMALL, {"name": "ensemble", "arguments": {"members": [SMALL, SMALL]}, "size": 64}]]
)
def test_an_ensemble_needs_two_plain_members(members):
    with pytest.raises(ModelError, match="ensemble"):
        build(Architecture(name="ensemble", arguments={"members": members}))


def test_less_sure_lesions_are_dropped():
    probability = np.zeros((60, 60), np.float32)
    probability[5:25, 5:25] = 0.95
    probability[40:50, 40:50] = 0.7
    assert threshold_mask(probability, MaskRule()).sum() == 500
    assert threshold_mask(probability, MaskRule(min_relative=0.7)).sum() == 500
    surest = threshold_mask(probability, MaskRule(min_relative=0.9))
    assert surest.sum() == 400
    assert surest[10, 10]
    assert not surest[45, 45]


def test_an_unlikely_outline_is_drawn_only_where_a_pixel_of_it_is_sure():
    probability = np.zeros((60, 60), np.float32)
    probability[10:30, 10:30] = 0.6
    probability[15:20, 15:20] = 0.1
    rule = MaskRule(no_outline_above=0.7, sure_from=0.9)
    assert outline(probability, 0.69, rule).sum() == 400
    assert not outline(probability, 0.7, rule).any()
    probability[12, 12] = 0.91
    assert outline(probability, 0.7, rule).sum() == 400
    assert not outline(probability, 0.7, MaskRule(no_outline_above=0.7)).any()
    assert outline(probability, 1.0, MaskRule()).sum() == 400
