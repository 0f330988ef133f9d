"""The multi-task network and its losses."""

import pytest
import torch

from busi_viewer.nets.encoders import MobileNetV2Encoder, count_parameters
from busi_viewer.nets.losses import class_loss, focal_class_loss, focal_mask_loss, sum_of_mask_losses
from busi_viewer.nets.multitask import MultiTaskUNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MultiTaskUNet().eval()


def test_shapes(network):
    with torch.inference_mode():
        out = network(torch.rand(2, 1, 64, 96))
    assert out.mask_logits.shape == (2, 1, 64, 96)
    assert out.class_logits.shape == (2, 3)
    assert out.attended.shape[2:] == (4, 6)


def test_class_head_alone_gives_the_same_logits(network):
    with torch.inference_mode():
        out = network(torch.rand(1, 1, 64, 64))
        logits, _ = network.classify(out.bottleneck, out.attended, out.focus)
    assert torch.equal(logits, out.class_logits)


def test_odd_sizes_are_refused_with_the_remedy(network):
    with pytest.raises(ValueError, match="multiples of 32"):
        network(torch.rand(1, 1, 70, 64))


def test_encoder_strides():
    features = MobileNetV2Encoder()(torch.rand(1, 3, 64, 64))
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, 2]
    assert tuple(f.shape[1] for f in features) == MobileNetV2Encoder.channels


def test_parameter_counts_tell_frozen_from_trainable(network):
    encoder = MobileNetV2Encoder()
    for parameter in encoder.conv_stem.parameters():
        parameter.requires_grad_(False)
    counts = count_parameters(encoder)
    assert counts["frozen"] == 3 * 32 * 9
    assert counts["total"] == counts["trainable"] + counts["frozen"]


def mask_loss(logits, mask, known, names=("bce", "dice")):
    return sum_of_mask_losses(names, logits, mask, known, 0.5, 2.0)


def test_mask_loss_ignores_unknown_truth_and_prefers_the_right_mask():
    mask = torch.zeros(2, 1, 8, 8)
    mask[0, :, 2:6, 2:6] = 1
    good, bad = (mask * 20 - 10), -(mask * 20 - 10)
    known = torch.tensor([1.0, 0.0])
    assert mask_loss(good, mask, known) < 0.01
    assert mask_loss(bad, mask, known) > 5
    changed = good.clone()
    changed[1] = 10
    assert mask_loss(changed, mask, known) == mask_loss(good, mask, known)


def test_class_loss_leaves_out_unknown_labels():
    logits = torch.tensor([[5.0, 0, 0], [0, 0, 5.0]])
    weights = torch.ones(3)
    both = class_loss(logits, torch.tensor([0, -1]), weights, 0.0)
    assert torch.isclose(both, class_loss(logits[:1], torch.tensor([0]), weights, 0.0))
    assert class_loss(logits, torch.tensor([-1, -1]), weights, 0.0) == 0


def test_each_mask_loss_prefers_the_right_mask_and_sums_add_up():
    mask = torch.zeros(2, 1, 8, 8)
    mask[:, :, 2:6, 2:6] = 1
    known = torch.ones(2)
    good, bad = 12 * (2 * mask - 1), 12 * (1 - 2 * mask)
    names = ("bce", "dice", "focal", "jaccard")
    for name in names:
        assert mask_loss(good, mask, known, (name,)) < 0.05 < 0.5 < mask_loss(bad, mask, known, (name,))
    alone = sum(mask_loss(bad, mask, known, (name,)) for name in names)
    assert torch.allclose(mask_loss(bad, mask, known, names), alone)
    empty = torch.zeros_like(mask)
    assert mask_loss(bad, empty, known, ("dice",)) > 0.5  # alone, it minds false alarms


def test_focal_loss_weighs_classes_beside_its_doubt_and_has_a_slope_where_there_is_none():
    logits, label = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 1])
    p = torch.softmax(logits, 1)[[0, 1], label]
    weights = torch.tensor([2.0, 0.5, 1.0])
    expected = (0.25 * weights[label] * (1 - p) ** 3 * -p.log()).mean()
    assert torch.isclose(focal_class_loss(logits, label, weights, 0.25, 3.0), expected)
    sure = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    focal_class_loss(sure, torch.tensor([0]), weights, 0.25, 0.5).backward()
    assert sure.grad is not None
    assert sure.grad.isfinite().all()
    pixels = torch.full((1, 1, 2, 2), 200.0, requires_grad=True)
    focal_mask_loss(pixels, torch.ones(1, 1, 2, 2), 0.25, 0.5).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.isfinite().all()
