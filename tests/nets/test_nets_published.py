"""The papers' networks: parameter totals, what they give out, where a heatmap looks, and their preprocessing."""

import pytest
import torch

from busi_viewer.core.errors import ModelError
from busi_viewer.nets import preprocess
from busi_viewer.nets.attention import CBAM, AttentionGate, NonLocal, SelfAttention, SpatialChannelAttention
from busi_viewer.nets.card import Architecture, InputSpec
from busi_viewer.nets.pipeline import overlaid
from busi_viewer.nets.published import PublishedNet
from busi_viewer.nets.registry import build
from busi_viewer.nets.targets import heatmap_layers
from busi_viewer.nets.weights import load_tensors, save_tensors

TINY = {"widths": (4, 8, 16), "residual": True, "gates": True, "sharp": True}


def total(module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "arguments", "paper", "within"),
    [
        ("attention-linknet", {}, 57_881_011, 0.02),
        ("dcnnimaf", {}, 52_427_081, 0.02),
        ("cnn-3m", {}, 3_097_283, 0.0),
        ("triencoder-unet", {"attention": "plain"}, 23_794_557, 0.0),
        ("triencoder-unet", {"attention": "cbam"}, 23_881_989, 0.0),
        ("triencoder-unet", {"attention": "nonlocal"}, 24_493_277, 0.0),
        ("triencoder-unet", {"encoders": ("resnet18", "densenet121")}, 19_117_569, 0.0),
        ("triencoder-unet", {"encoders": ("resnet18", "efficientnet_b0")}, 16_305_149, 0.0),
        ("triencoder-unet", {"encoders": ("densenet121", "efficientnet_b0")}, 12_350_269, 0.0),
    ],
)
def test_parameter_totals_are_the_papers(name, arguments, paper, within):
    with torch.device("meta"):
        ours = total(build(Architecture(name=name, arguments=arguments)))
    assert abs(ours - paper) <= within * paper


def test_attention_blocks_keep_the_shape_and_let_gradients_through():
    x = torch.rand(2, 16, 8, 8, requires_grad=True)
    for block in (SpatialChannelAttention(16, 4), CBAM(16), NonLocal(16), SelfAttention(16)):
        y = block(x)
        assert y.shape == x.shape
        (gradient,) = torch.autograd.grad(y.square().sum(), x)
        assert gradient.abs().sum() > 0
    assert AttentionGate(16, 4)(x, torch.rand(2, 4, 8, 8)).shape == x.shape


def test_non_local_mixes_far_places():
    torch.manual_seed(0)
    block, x = NonLocal(8).eval(), torch.rand(1, 8, 6, 6, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(x)[0, :, 0, 0].sum(), x)
    assert gradient[0, :, 5, 5].abs().sum() > 0


def test_a_network_that_does_one_thing_says_so_and_leaves_the_rest_constant():
    outlines = build(Architecture(name="conv-unet", arguments=TINY)).eval()
    classes = build(Architecture(name="cnn-3m")).eval()
    x = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        a, b = outlines(x), classes(x)
    assert outlines.tasks == ("segmentation",)
    assert a.mask_logits.shape == (2, 1, 64, 64)
    assert a.class_logits.abs().sum() == 0
    assert a.embedding.shape == (2, 16)
    assert classes.tasks == ("classification",)
    assert b.class_logits.shape == (2, 3)
    assert torch.sigmoid(b.mask_logits).max() < 1e-6
    assert heatmap_layers(outlines).classification is None
    assert isinstance(heatmap_layers(outlines).segmentation, AttentionGate)
    assert heatmap_layers(classes).segmentation is None


def test_weights_round_trip(tmp_path):
    architecture = Architecture(name="conv-unet", arguments=TINY)
    network = build(architecture).eval()
    digest = save_tensors(tmp_path / "model.safetensors", dict(network.state_dict()), half=False)
    again = build(architecture).eval()
    again.load_state_dict(load_tensors(tmp_path / "model.safetensors", digest))
    x = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(network(x).mask_logits, again(x).mask_logits)


def test_frozen_layers_do_not_learn_and_keep_their_statistics():
    network = PublishedNet("backbone", name="resnet18")
    network.freeze("encoder")
    before = network.encoder[0].bn1.running_mean.clone()
    network.train()(torch.rand(2, 1, 64, 64))
    assert torch.equal(network.encoder[0].bn1.running_mean, before)
    assert {n.split(".")[1] for n, p in network.named_parameters() if p.requires_grad} == {"head"}
    last = PublishedNet("backbone", name="resnet18")
    last.freeze("last4")
    learning = {n.rpartition(".")[0] for n, p in last.encoder.named_parameters() if p.requires_grad}
    assert len(learning) == 4
    assert all(name.startswith("0.layer4") for name in learning)
    with pytest.raises(ModelError, match="freeze"):
        PublishedNet("cnn-3m").freeze("encoder")


def test_encoder_weights_from_a_file(tmp_path):
    source = PublishedNet("backbone", name="resnet18")
    save_tensors(tmp_path / "e.safetensors", dict(source.encoder.state_dict()), half=False)
    target = PublishedNet("backbone", name="resnet18")
    target.load_imagenet(tmp_path / "e.safetensors")
    pairs = zip(source.encoder.parameters(), target.encoder.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    with pytest.raises(ModelError, match="lack"):
        PublishedNet("backbone", name="vgg16").load_imagenet(tmp_path / "e.safetensors")
    stem = dict(source.encoder.state_dict())
    save_tensors(tmp_path / "grey.safetensors", stem | {"0.conv1.weight": torch.zeros(64, 1, 7, 7)}, half=False)
    with pytest.raises(ModelError, match=r"0\.conv1\.weight is \(64, 1, 7, 7\), not \(64, 3, 7, 7\)\. Give weights of"):
        target.load_imagenet(tmp_path / "grey.safetensors")


def test_preprocessing_is_validated_and_does_what_it_says():
    given = [{"kind": "gamma", "gamma": 2.0}, {"kind": "gaussian", "sigma": 1.0}, {"kind": "min-max"}]
    spec = InputSpec.model_validate({"size": 64, "preprocess": given})
    x = torch.linspace(0.2, 0.6, 64).expand(1, 1, 64, 64)
    y = preprocess.prepared(x, spec.preprocess)
    assert y.shape == x.shape
    assert (float(y.min()), float(y.max())) == (0.0, 1.0)
    assert torch.allclose(preprocess.Gamma(gamma=2.0)(x), x**2)
    flat = torch.full((1, 1, 16, 16), 0.5)
    assert torch.allclose(preprocess.Gaussian(sigma=2.0)(flat), flat, atol=1e-6)
    assert torch.equal(preprocess.Sharpness(factor=1.0)(x).round(decimals=5), x.round(decimals=5))
    fuzzy = preprocess.FuzzyContrast()(x)
    middle = fuzzy[..., 24:40]
    assert (middle.max() - middle.min()) > 1.5 * (24 / 63) * 0.6
    assert float(preprocess.Brightness(factor=2.0)(x).max()) == 1.0
    for wrong in ({"kind": "gamma", "gamma": -1}, {"kind": "blur"}, {"kind": "min-max", "extra": 1}):
        with pytest.raises(ValueError, match="preprocess"):
            InputSpec.model_validate({"preprocess": [wrong]})
    with pytest.raises(ValueError, match="multiple"):
        InputSpec(size=100)


def test_an_overlay_marks_the_lesion_in_one_channel():
    grey, lesion = torch.full((1, 1, 4, 4), 0.5), torch.zeros(1, 1, 4, 4)
    lesion[..., :2] = 1
    out = overlaid(grey, lesion, 0.4)
    assert out.shape == (1, 3, 4, 4)
    assert torch.allclose(out[0, 0, :, :2], torch.tensor(0.7))
    assert torch.equal(out[:, 1:], grey.expand(1, 2, 4, 4))
