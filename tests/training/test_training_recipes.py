"""Every recipe: it is there by name, counts what its paper counts, learns, and does what its fields say."""

import itertools
import os
from functools import lru_cache

import numpy as np
import pytest
import torch
from recipe_kit import MASK, OPEN, step

from busi_viewer import paths
from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.errors import UsageError
from busi_viewer.core.results import CLASSES, LESION
from busi_viewer.core.sanity import LIMIT
from busi_viewer.gui import language
from busi_viewer.inference.heatmaps import randomised, through_network
from busi_viewer.inference.sanity import correlation
from busi_viewer.nets.card import Architecture
from busi_viewer.nets.published import PublishedNet
from busi_viewer.nets.registry import build
from busi_viewer.nets.targets import heatmap_layers
from busi_viewer.training.data import TrainingSet, read_items
from busi_viewer.training.listing import listed
from busi_viewer.training.module import OPTIMISERS
from busi_viewer.training.recipe import RECIPES, make_job, recipe_named
from busi_viewer.workflow.recipes import lines, markdown

TRIENCODERS = {
    *(f"{a}-{f}" for a in ("cbam", "nonlocal", "plain") for f in ("trainable", "frozen")),
    *(f"pair-{p}-frozen" for p in ("dense-eff", "res-eff", "res-dense")),
    "pair-dense-eff-trainable",
}
SYSTEMS = {
    "linknet-sca-inceptionresnetv2",
    *(f"triencoder-unet-{name}-{loss}" for name in TRIENCODERS for loss in ("bce", "dice")),
    "multitask-resunet",
    "unet-224",
    *(
        f"{d}-{e}"
        for d in ("unet", "unetplusplus", "deeplabv3")
        for e in ("resnet18", "efficientnet-b0", "mobilenetv2", "vgg16")
    ),
    *("unet", "res-unet", "unet-densenet121", "attention-unet", "sharp-unet", "sharp-attention-unet", "unet3plus"),
    *("swin-unet", "dcnnimaf", "cnn-3m", "pipeline"),
    *(
        f"transfer-{b}"
        for b in (
            "vgg16",
            "vgg19",
            "densenet121",
            "efficientnet-b0",
            "mobilenet",
            "inceptionv3",
            "xception",
            "resnet50",
        )
    ),
    *(f"focal-{b}" for b in ("resnet18", "densenet121", "inceptionv3", "mobilenetv3", "googlenet")),
    *(f"baseline-{b}" for b in ("efficientnetv2", "mobilenetv2", "densenet121", "nasnetmobile", "xception")),
    *(f"baseline-{b}" for b in ("inceptionv3", "inceptionresnetv2", "mobilenet", "vgg16", "resnet50")),
}
NETWORKS = sorted(
    (name for name, recipe in RECIPES.items() if recipe.architecture.name not in ("ensemble", "pipeline")),
    key=lambda name: RECIPES[name].architecture.model_dump_json(),
)
"""The recipes of one network each; those that share a network follow one another."""
FAMILIES = (
    "triencoder-unet-pair-res-eff-frozen-dice",
    "multitask-resunet",
    "unet-224",
    "unet-resnet18",
    "cnn-3m",
    "focal-resnet18",
    "transfer-mobilenet",
    "baseline-mobilenetv2",
    "linknet-sca-inceptionresnetv2",
    "dcnnimaf",
)
LIGHT = {
    "unet-resnet18": {"input.size": 32},
    "linknet-sca-inceptionresnetv2": {"architecture.arguments": {"encoder": "resnet18", "width": 32}},
    "dcnnimaf": {"architecture.arguments": {"pooled": 8}},
}
"""The same blocks in a network, or at a size, that is small enough to learn by heart in seconds."""
FASTER = {"triencoder-unet-pair-res-eff-frozen-dice": 3e-3}
"""Learning rates of networks that take many steps at 0.001."""


def _smallest(name: str) -> int:
    """The smallest input, px, that the layers of a recipe's network leave something of."""
    return 96 if "inception" in name and "sca" not in name else 64 if name == "cnn-3m" else 32


@lru_cache(maxsize=1)
def _network(architecture: str):
    torch.manual_seed(0)
    return build(Architecture.model_validate_json(architecture))


def _built(name: str, size: int, **settings):
    """The recipe and its network; that of the recipe before, if it is the same, with nothing frozen and no gradients."""
    job = make_job({"recipe": name, "data": (), "out": "x", "settings": {"input.size": size, **settings}})
    recipe = job.recipe
    network = _network(recipe.architecture.model_dump_json())
    network.requires_grad_(True).zero_grad()
    return recipe, network


def _two(size: int):
    """Two images that differ, with a lesion each, and their classes benign and malignant."""
    rng = np.random.default_rng(3)
    x = torch.from_numpy(rng.random((2, 1, size, size), dtype=np.float32)) * 0.3 + 0.4
    mask = torch.zeros(2, 1, size, size)
    mask[0, :, size // 4 : size // 2, size // 4 : size // 2] = 1
    mask[1, :, size // 2 :, size // 3 : size - 8] = 1
    return x - 0.35 * mask, mask, torch.tensor([1, 2])


def test_every_system_of_the_papers_is_a_recipe():
    assert set(RECIPES) >= SYSTEMS
    assert len(SYSTEMS) == 69
    assert {recipe.source.paper for recipe in RECIPES.values()} == {"own", "A", "B", "C", "D", "E"}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_recipe_runs_forward_and_backward(name):
    """As small as the layers allow."""
    recipe, network = _built(name, _smallest(name))
    x, mask, label = _two(recipe.input.size)
    if isinstance(network, PublishedNet):
        network.freeze(recipe.freeze)
    loss = step(network.train(), recipe, x, mask, label)
    assert np.isfinite(loss)
    trained = [p for p in network.parameters() if p.requires_grad]
    learnt = [p.grad is not None and bool(p.grad.isfinite().all()) for p in trained]
    assert sum(learnt) >= 0.9 * len(learnt)
    with torch.no_grad():
        output = network.eval()(x)
    assert output.mask_logits.shape == mask.shape
    assert output.class_logits.shape == (2, 3)
    layers = heatmap_layers(network)
    assert (layers.segmentation is not None) == ("segmentation" in recipe.tasks)
    assert (layers.classification is not None) == ("classification" in recipe.tasks)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_network_of_each_family_learns_two_images_by_heart_and_explains_by_what_it_learned(name):
    recipe, network = _built(name, 64, **LIGHT.get(name, {}))
    x, mask, label = _two(recipe.input.size)
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.p = 0.0
    optimiser = torch.optim.Adam(network.parameters(), FASTER.get(name, 1e-3))
    for _ in range(120):
        step(network, recipe, x, mask, label, optimiser)
        with torch.no_grad():
            output = network(x)
            inside = output.mask_logits > 0
            dice = 2 * (inside & (mask > 0)).sum() / (inside.sum() + mask.sum())
            if ("segmentation" not in recipe.tasks or dice > 0.9) and (
                "classification" not in recipe.tasks or bool((output.class_logits.argmax(1) == label).all())
            ):
                break
    else:
        pytest.fail(f"after 120 steps Dice is {float(dice):.2f}")
    larger = 2 if name == "cnn-3m" else 1  # of 64 px its layers leave one pixel, which has no heat
    _check_heat(network, recipe, torch.nn.functional.interpolate(x, scale_factor=larger).numpy())


def _check_heat(network, recipe, x):
    """Where the network has heat, random weights change it: one draw of them, or another where two maps are alike by chance."""
    network.eval()
    draws = (randomised(network, seed) for seed in (0, 1))
    drawn = [next(draws)]
    targets = [*(CLASSES if "classification" in recipe.tasks else ()), *([LESION] * ("segmentation" in recipe.tasks))]
    hot = 0
    for image, target in itertools.product(x, targets):
        heat = through_network(network, image[None], target)
        if heat.any():
            hot += 1
            while abs(correlation(heat, through_network(drawn[-1], image[None], target))) >= LIMIT:
                assert len(drawn) == 1, f"the heat of {target} does not depend on what was learned"
                drawn.append(next(draws))
    assert hot


def test_totals_are_the_papers_or_the_difference_is_explained():
    rows = {row["name"]: row for row in listed()}
    assert set(rows) == {*RECIPES, "descriptors"}
    loose = {"linknet-sca-inceptionresnetv2", "dcnnimaf"}
    checked = [row for row in rows.values() if row["stated"] is not None]
    assert len(checked) == 1 + 20 + 1 + 1 + 8
    for row in checked:
        ours, theirs = row["stated"]["ours_counted_as_there"], row["stated"]["parameters"]
        assert abs(ours - theirs) <= (0.02 * theirs if row["name"] in loose else 0), row["name"]
        assert row["difference"] or row["parameters"]["total"] == theirs
    frozen = rows["triencoder-unet-plain-frozen-bce"]["parameters"]
    assert frozen["trainable"] == 1_656_641
    table = markdown(list(rows.values()))
    committed = (paths.bundled_models() / "PARAMETERS.md").read_text(encoding="utf-8")
    assert table == committed, "run: busi-viewer recipes --markdown models/PARAMETERS.md"
    listing = lines(list(rows.values()))
    assert all(name in listing for name in RECIPES)


def test_settings_change_any_field_and_are_checked():
    job = make_job(
        {
            "recipe": "transfer-resnet50",
            "data": (),
            "out": "x",
            "settings": {"freeze": "none", "learning_rate": 1e-5, "input.size": 128, "optimiser": "sgd", "batch": 2},
        }
    )
    recipe = job.recipe
    assert (recipe.freeze, recipe.learning_rate, recipe.input.size, recipe.optimiser) == ("none", 1e-5, 128, "sgd")
    assert recipe.input.preprocess == recipe_named("transfer-resnet50").input.preprocess
    assert make_job(job.model_dump(mode="json", by_alias=True)) == job
    for wrong in ({"learning_rate": -1}, {"optimiser": "magic"}, {"no_such_field": 1}, {"input.size": 100}):
        with pytest.raises(UsageError):
            make_job({"recipe": "unet", "data": (), "out": "x", "settings": wrong})
    with pytest.raises(UsageError, match="freeze"):
        make_job({"recipe": "unet", "data": (), "out": "x", "settings": {"freeze": "encoder"}})
    with pytest.raises(UsageError, match="ImageNet"):
        make_job({"recipe": "transfer-vgg16", "data": (), "out": "x", "from_scratch": True})
    swin = make_job({"recipe": "swin-unet", "data": (), "out": "x", "settings": {"input.size": 256}}).recipe
    assert swin.architecture.arguments["size"] == 256


def test_a_frozen_recipe_trains_its_decoder_alone():
    recipe = recipe_named("triencoder-unet-plain-frozen-bce")
    network = build(Architecture(name=recipe.architecture.name, arguments=recipe.architecture.arguments))
    assert isinstance(network, PublishedNet)
    network.freeze(recipe.freeze)
    x, mask, label = _two(64)
    step(network.train(), recipe, x, mask, label)
    assert all(p.grad is None for p in network.encoder.parameters())
    assert all(p.grad is not None for p in network.parameters() if p.requires_grad)


@pytest.mark.real
@pytest.mark.parametrize("name", NETWORKS)
def test_eight_steps_of_every_recipe_on_real_data(name):
    """On images of the three classes at a small size, by the recipe's losses; the loss stays finite and weights move."""
    root = paths.real_data()
    if not (root / "Dataset_BUSI_with_GT").is_dir():
        pytest.skip("no real data: set BUSI_VIEWER_DATA")
    if os.environ.get("BUSI_VIEWER_TEST_ALL") != "1":
        pytest.skip("only in make test-all")
    recipe, network = _built(name, 96)
    samples = load_datasets([root / "Dataset_BUSI_with_GT"])
    chosen = [s for label in ("normal", "benign", "malignant") for s in [s for s in samples if s.label == label][:6]]
    items = read_items(chosen, 96, OPEN, MASK, keep_native=False)
    data = TrainingSet(items, 0, 0.0, recipe.augmentation)
    if isinstance(network, PublishedNet):
        network.freeze(recipe.freeze)
    optimiser = OPTIMISERS[recipe.optimiser]([p for p in network.parameters() if p.requires_grad], lr=1e-4)
    before = [p.detach().clone() for p in network.parameters()]
    for i in range(8):
        batch = [data[(2 * i + k) % len(data)] for k in range(2)]
        x, mask = (torch.stack([b[key] for b in batch]) for key in ("image", "mask"))
        label = torch.stack([b["label"] for b in batch])
        assert np.isfinite(step(network.train(), recipe, x, mask, label, optimiser))
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_the_models_of_paper_b_bear_its_numbers():
    said = {name: recipe.summary.split(":")[0] for name, recipe in RECIPES.items() if name.startswith("triencoder")}
    assert sorted(said.values()) == sorted(f"Model {number}" for number in range(1, 21))
    assert said["triencoder-unet-nonlocal-trainable-bce"] == "Model 3"
    assert said["triencoder-unet-plain-frozen-dice"] == "Model 5"
    assert said["triencoder-unet-cbam-frozen-bce"] == "Model 12"
    assert said["triencoder-unet-pair-dense-eff-frozen-dice"] == "Model 13"
    assert said["triencoder-unet-pair-res-eff-frozen-bce"] == "Model 15"


def test_every_recipe_is_described_in_the_languages_of_the_window():
    german = language.Language("de", language.catalogue("de"))
    assert [name for name, recipe in RECIPES.items() if german.finished(recipe.summary) == recipe.summary] == []
