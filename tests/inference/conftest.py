"""A small untrained model in a folder, as the engine loads it."""

import pytest
import torch

from busi_viewer.nets.card import WEIGHTS, Architecture, Calibration, Card, InputSpec, write_card
from busi_viewer.nets.registry import build
from busi_viewer.nets.weights import save_tensors


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(3)
    architecture = Architecture(name="multitask-unet-mobilenetv2")
    digest = save_tensors(folder / WEIGHTS, dict(build(architecture).state_dict()))
    card = Card(
        name="untrained", version="0", architecture=architecture, input=InputSpec(size=64, flip=True),
        classes=("normal", "benign", "malignant"), sha256=digest, operating_point=0.2,
        calibration=Calibration(temperature=1.5, bias=(0.1, 0.0, -0.1), data="nothing", n=0, prevalence={"malignant": 0.3}),
    )  # fmt: skip
    write_card(folder, card)
    return folder
