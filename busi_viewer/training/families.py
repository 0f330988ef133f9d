"""Every system of the five papers as a recipe, made from a few families. What differs within one is named in the recipe.

A: multi-attention LinkNet and DCNNIMAF. B: explainable attention U-Net. C: multi-task residual U-Net. D: custom CNN, U-Net and
enhancement. E: transfer learning with Optuna. Inputs are letterboxed where the papers stretch them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from busi_viewer.nets.card import Architecture, InputSpec
from busi_viewer.nets.preprocess import Brightness, FuzzyContrast, Gamma, Gaussian, MinMax, Sharpness, Step
from busi_viewer.training.schema import PaperProtocol, Recipe, Source, Stages
from busi_viewer.training.search import Choice, Range, Search

PAPERS = {
    "own": "This project",
    "A": "Multi-attention LinkNet and DCNNIMAF",
    "B": "Explainable attention U-Net",
    "C": "Multi-task residual U-Net",
    "D": "Custom CNN, U-Net and enhancement",
    "E": "Transfer learning with Optuna",
}
NORMALISED: tuple[Step, ...] = (Gamma(gamma=0.8), Gaussian(sigma=0.7), MinMax())
"""Paper A §3.3; it states neither gamma nor sigma. Its blur precedes the resizing, here it follows."""
ENHANCED: tuple[Step, ...] = (FuzzyContrast(), Sharpness(factor=2.0), Brightness(factor=1.2), MinMax())
"""Paper D §3.2; it states no factors."""
_PLAIN: dict[str, Any] = {
    "optimiser": "adam",
    "weight_decay": 0.0,
    "schedule": "constant",
    "encoder_rate_share": 1.0,
    "class_weights": (1.0, 1.0, 1.0),
    "label_smoothing": 0.0,
    "augmentation": "basic",
    "ema_decay": 0.0,
}
_FROM_SCRATCH = {**_PLAIN, "imagenet": "no"}
_KERAS = "Keras counts running statistics of batch norms; PyTorch keeps them as buffers"
_GRID_B = Search(
    parameters={
        "learning_rate": Choice(values=(1e-4, 1e-3, 1e-2)),
        "batch": Choice(values=(8, 16, 32)),
        "architecture.arguments.dropout": Choice(values=(0.2, 0.3, 0.4, 0.5)),
    }
)
"""Paper B §3.5, for --grid; its "10 e-5 … 10 e-3" read as the recipe's "10 e-4" is, as 1e-3."""
MODELS_B = (
    *(("cbam", False, "bce"), ("cbam", False, "dice"), ("nonlocal", False, "bce"), ("nonlocal", False, "dice")),
    *(("plain", True, "dice"), ("plain", True, "bce"), ("plain", False, "bce"), ("plain", False, "dice")),
    *(("nonlocal", True, "dice"), ("cbam", True, "dice"), ("nonlocal", True, "bce"), ("cbam", True, "bce")),
    *(("pair-dense-eff", True, "dice"), ("pair-dense-eff", True, "bce")),
    *(("pair-res-eff", True, "bce"), ("pair-res-eff", True, "dice")),
    *(("pair-res-dense", True, "bce"), ("pair-res-dense", True, "dice")),
    *(("pair-dense-eff", False, "bce"), ("pair-dense-eff", False, "dice")),
)
"""Paper B's models 1 to 20 as its Table 1 numbers them: attention or pair, frozen, loss."""
_SEGMENTERS_E = Search(
    parameters={
        "learning_rate": Range(low=1e-5, high=1e-3, log=True),
        "weight_decay": Range(low=1e-5, high=1e-3, log=True),
        "optimiser": Choice(values=("adam", "adamw", "rmsprop", "sgd", "adagrad")),
        "batch": Choice(values=(4, 8, 16)),
        "input.size": Choice(values=(256, 288, 320)),
        "epochs": Range(low=10, high=100, whole=True),
    }
)
"""Paper E §2.2. It varies the encoder too, which here is part of the recipe's name."""
_CLASSIFIERS_E = Search(
    parameters={
        "learning_rate": Range(low=1e-5, high=1e-1, log=True),
        "weight_decay": Range(low=1e-5, high=1e-1, log=True),
        "batch": Choice(values=(8, 16, 32)),
        "focal_alpha": Range(low=0.3, high=0.75),
        "focal_gamma": Range(low=3, high=5),
        "optimiser": Choice(values=("sgd", "adam", "rmsprop", "adamw")),
    },
    settings={"patience": 10},
)
"""Paper E §2.3."""
_DISTINCT = "Written anew: the paper gives no widths"


def recipes() -> Iterator[Recipe]:
    """All of them."""
    yield from _linknet()
    yield from _triencoders()
    yield from _multitask()
    yield from _pairs()
    yield from _baseline_segmenters()
    yield from _own_classifiers()
    yield from _transfer()
    yield from _focal()
    yield from _baseline_classifiers()
    yield from _pipelines()


def _linknet() -> Iterator[Recipe]:
    yield Recipe(
        name="linknet-sca-inceptionresnetv2",
        summary="LinkNet on InceptionResNetV2 with spatial-channel attention.",
        architecture=Architecture(name="attention-linknet"),
        source=Source(
            paper="A",
            section="§3.4, Table 1",
            parameters=57_881_011,
            difference=f"{_DISTINCT} of bridge and attention; bottleneck decoder as in LinkNet",
        ),
        input=InputSpec(size=256, preprocess=NORMALISED),
        epochs=100,
        mask_losses=("focal", "jaccard"),
        balance=1.0,
        **_PLAIN,
    )


def _triencoder(
    name: str, arguments: dict[str, Any], frozen: bool, loss: Any, parameters: int, difference: str = ""
) -> Recipe:
    missing = "; ".join(
        filter(None, ("The total leaves no room for the skips of the text, so there are none", difference))
    )
    return Recipe(
        name=f"triencoder-unet-{name}-{'frozen' if frozen else 'trainable'}-{loss}",
        summary=f"Model {MODELS_B.index((name, frozen, loss)) + 1}: joined encoders, depthwise-separable decoder, {loss} loss.",
        architecture=Architecture(name="triencoder-unet", arguments=arguments),
        source=Source(paper="B", section="Fig. 2, Table 1", parameters=parameters, difference=missing),
        input=InputSpec(size=224),
        imagenet="needed" if frozen else "yes",
        freeze="encoder" if frozen else "none",
        epochs=50,
        patience=10,
        learning_rate=1e-3,
        mask_losses=(loss,),
        search=_GRID_B,
        **_PLAIN,
    )


def _triencoders() -> Iterator[Recipe]:
    three = (("cbam", 23_881_989), ("nonlocal", 24_493_277), ("plain", 23_794_557))
    for attention, total in three:
        for frozen in (False, True):
            for loss in ("bce", "dice"):
                yield _triencoder(attention, {"attention": attention}, frozen, loss, total)
    dense, eff, res = "densenet121", "efficientnet_b0", "resnet18"
    slip = "The table's 12,350,296 is a slip of the pen"
    pairs = (
        ("dense-eff", (dense, eff), 12_350_269, slip),
        ("res-eff", (res, eff), 16_305_149, ""),
        ("res-dense", (res, dense), 19_117_569, ""),
    )
    for frozen, chosen in ((True, pairs), (False, pairs[:1])):
        for name, encoders, total, difference in chosen:
            for loss in ("bce", "dice"):
                yield _triencoder(f"pair-{name}", {"encoders": encoders}, frozen, loss, total, difference)


def _multitask() -> Iterator[Recipe]:
    yield Recipe(
        name="multitask-resunet",
        summary="Residual U-Net with a mask head and a benign-or-malignant head.",
        architecture=Architecture(name="multitask-resunet"),
        source=Source(
            paper="C",
            section="§III.3",
            difference="States no total; features are pooled to 64 × 64 before the dense layer",
        ),
        protocol=PaperProtocol(train=0.8),
        labels=("benign", "malignant"),
        epochs=15,
        patience=3,
        mask_losses=("bce",),
        **_FROM_SCRATCH,
    )


def _pairs() -> Iterator[Recipe]:
    decoders = {"unet": "Unet", "unetplusplus": "UnetPlusPlus", "deeplabv3": "DeepLabV3"}
    encoders = {
        "resnet18": "resnet18",
        "efficientnet-b0": "efficientnet-b0",
        "mobilenetv2": "mobilenet_v2",
        "vgg16": "vgg16",
    }
    for short, decoder in decoders.items():
        for name, encoder in encoders.items():
            own = (short, name) == ("deeplabv3", "vgg16")
            arguments = {} if own else {"decoder": decoder, "encoder": encoder}
            yield Recipe(
                name=f"{short}-{name}",
                summary=f"{decoder} on {name}" + (" with dilated last stages." if own else "."),
                architecture=Architecture(name="deeplabv3-vgg16" if own else "smp", arguments=arguments),
                source=Source(
                    paper="E", section="§2.2, §3", difference="The paper's run did not fit its memory" if own else ""
                ),
                batch=8,
                epochs=100,
                patience=25,
                learning_rate=3e-4,
                mask_losses=("dice",),
                search=_SEGMENTERS_E,
                **{**_PLAIN, "weight_decay": 1e-4},
            )


def _segmenter(name: str, summary: str, paper: Any, section: str, architecture: Architecture, **changes: Any) -> Recipe:
    values: dict[str, Any] = {"epochs": 50, "patience": 10, "mask_losses": ("bce", "dice"), **_FROM_SCRATCH}
    source = Source(paper=paper, section=section)
    return Recipe(name=name, summary=summary, architecture=architecture, source=source, **{**values, **changes})


def _baseline_segmenters() -> Iterator[Recipe]:
    def unet(**arguments: Any) -> Architecture:
        return Architecture(name="conv-unet", arguments=arguments)

    yield _segmenter(
        "unet-224", "Plain U-Net at 224 px.", "D", "§3.2.1", unet(), input=InputSpec(size=224), mask_losses=("bce",)
    )
    yield _segmenter("unet", "Plain U-Net.", "A", "Table 4", unet())
    yield _segmenter("res-unet", "U-Net with residual blocks.", "A", "Table 4", unet(residual=True))
    yield _segmenter("attention-unet", "U-Net with attention gates.", "C", "Table X", unet(gates=True))
    yield _segmenter("sharp-unet", "U-Net with sharpening filters on the skips.", "C", "Table X", unet(sharp=True))
    both = unet(gates=True, sharp=True)
    yield _segmenter("sharp-attention-unet", "U-Net with gates and sharpening filters.", "C", "Table X", both)
    yield _segmenter("unet3plus", "U-Net 3+, all scales joined.", "B", "Table 5", Architecture(name="unet3plus"))
    swin = Architecture(name="swin-unet", arguments={"size": 224})
    yield _segmenter("swin-unet", "U-shaped Swin transformer.", "B", "Table 5", swin, input=InputSpec(size=224))
    dense = Architecture(name="smp", arguments={"decoder": "Unet", "encoder": "densenet121"})
    yield _segmenter("unet-densenet121", "U-Net on DenseNet-121.", "A", "Table 4", dense, imagenet="yes")


def _own_classifiers() -> Iterator[Recipe]:
    yield Recipe(
        name="dcnnimaf",
        summary="Deep CNN with spatial and self-attention; in a pipeline it also sees the predicted map.",
        architecture=Architecture(name="dcnnimaf"),
        source=Source(
            paper="A",
            section="§3.5, Table 2",
            parameters=52_427_081,
            difference="The paper states no strides: poolings are ours, features are pooled to 77 × 77 before the dense layer",
        ),
        input=InputSpec(size=256, preprocess=NORMALISED),
        epochs=100,
        **_FROM_SCRATCH,
    )
    yield Recipe(
        name="cnn-3m",
        summary="Seven convolutions and three dense layers on enhanced images.",
        architecture=Architecture(name="cnn-3m"),
        source=Source(
            paper="D",
            section="§3.2.2",
            parameters=3_097_283,
            difference="The text lists six convolutions; a second one of 128 filters gives the total",
        ),
        protocol=PaperProtocol(train=0.8, truth_overlay=True),
        input=InputSpec(size=224, preprocess=ENHANCED),
        learning_rate=2e-4,  # at 1e-3 the penalty on the dense layers wins and nothing is learnt
        epochs=60,
        patience=15,
        **_FROM_SCRATCH,
    )


def _transfer() -> Iterator[Recipe]:
    bias = "; it gives ResNet-50's convolutions biases (26,560)"
    gamma = "; it leaves out the scales of Inception's batch norms (17,216)"
    layer = "; its input normalisation holds 7 numbers"
    backbones = (
        ("vgg16", "vgg16", 14_879_299, 0, ""),
        ("vgg19", "vgg19", 20_188_995, 0, ""),
        ("densenet121", "densenet121", 7_333_187, 0, ""),
        ("efficientnet-b0", "efficientnet_b0", 4_410_790, 7, layer),
        ("mobilenet", "mobilenetv1_100", 3_524_547, 0, ""),
        ("inceptionv3", "inception_v3", 22_360_611, -17_216, gamma),
        ("xception", "legacy_xception", 21_419_307, 0, ""),
        ("resnet50", "resnet50", 24_145_539, 26_560, bias),
    )
    for name, backbone, total, counted, note in backbones:
        yield Recipe(
            name=f"transfer-{name}",
            summary=f"{backbone}, average pooling, dense 256 and 128; last four layers trained (freeze=none: all).",
            architecture=Architecture(name="backbone", arguments={"name": backbone, "head": (256, 128)}),
            source=Source(
                paper="D",
                section="§3.2.3, Tables 2–5",
                parameters=total,
                counted_too=counted,
                statistics=True,
                difference="" if name.startswith("vgg") else _KERAS + note,
            ),
            protocol=PaperProtocol(train=0.8, truth_overlay=True),
            input=InputSpec(size=224, preprocess=ENHANCED),
            imagenet="needed",
            freeze="last4",
            epochs=50,
            patience=10,
            learning_rate=1e-4,
            **_PLAIN,
        )


def _focal() -> Iterator[Recipe]:
    backbones = {
        "resnet18": "resnet18",
        "densenet121": "densenet121",
        "inceptionv3": "inception_v3",
        "mobilenetv3": "mobilenetv3_large_100",
        "googlenet": "googlenet",
    }
    for name, backbone in backbones.items():
        yield Recipe(
            name=f"focal-{name}",
            summary=f"{backbone} with a new last layer, focal loss and a weighted sampler.",
            architecture=Architecture(name="backbone", arguments={"name": backbone}),
            source=Source(paper="E", section="§2.3, Tables 5–6"),
            input=InputSpec(size=299 if name == "inceptionv3" else 224),
            epochs=100,
            patience=25,
            learning_rate=3e-4,
            class_loss="focal",
            focal_gamma=3.0,
            search=_CLASSIFIERS_E,
            balance=1.0,
            **{**_PLAIN, "schedule": "plateau", "weight_decay": 1e-4},
        )


def _baseline_classifiers() -> Iterator[Recipe]:
    backbones = {
        "efficientnetv2": "tf_efficientnetv2_s",
        "mobilenetv2": "mobilenetv2_100",
        "densenet121": "densenet121",
        "nasnetmobile": "mnasnet_100",
        "xception": "legacy_xception",
        "inceptionv3": "inception_v3",
        "inceptionresnetv2": "inception_resnet_v2",
        "mobilenet": "mobilenetv1_100",
        "vgg16": "vgg16",
        "resnet50": "resnet50",
    }
    for name, backbone in backbones.items():
        far = "timm has no NASNet-Mobile: MnasNet, found by a search for mobile devices too, stands in for it"
        yield Recipe(
            name=f"baseline-{name}",
            summary=f"{backbone} with a new last layer" + (f" ({far})." if name == "nasnetmobile" else "."),
            architecture=Architecture(name="backbone", arguments={"name": backbone}),
            source=Source(paper="A", section="Table 5", difference=far if name == "nasnetmobile" else ""),
            input=InputSpec(size=256, preprocess=NORMALISED),
            epochs=100,
            **_PLAIN,
        )


def _pipelines() -> Iterator[Recipe]:
    yield Recipe(
        name="pipeline",
        summary="Outline, then classify the image with the predicted map; --members takes runs of both, or set stages.",
        architecture=Architecture(name="pipeline"),
        source=Source(paper="A", section="§3.1", difference="The sum of its two networks"),
        protocol=PaperProtocol(train=0.8, truth_overlay=True),
        stages=Stages(segmentation="linknet-sca-inceptionresnetv2", classification="dcnnimaf"),
        search=Search(parameters={"stages.overlay": Range(low=0.1, high=0.8)}),
        imagenet="yes",
    )
