"""Whether a model's heatmaps explain what it learned: with weights drawn anew they must change.

Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018: a map that stays as it was shows the image, not the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import ImageRecord, to_grey
from busi_viewer.core.results import CLASSES, GRAD_CAM, LESION, TASKS
from busi_viewer.core.sanity import SanityCheck
from busi_viewer.inference.heatmaps import native_heatmap, randomised, through_network
from busi_viewer.nets.ensemble import Network
from busi_viewer.nets.predictor import as_input
from busi_viewer.nets.preprocess import Step
from busi_viewer.nets.registry import load_model, tasks_of
from busi_viewer.nets.transform import Letterbox

SEEDS = (0, 1, 2)
"""Random weights are drawn so often; correlations of those with heat are averaged, for two maps may be alike by chance."""


def check(folder: Path, records: Sequence[ImageRecord], method: str = GRAD_CAM) -> list[SanityCheck]:
    """Check the heat of the class, and of the outline, of what the model does, on the first frame of each image.

    Images where the model itself has no heat are left out. Raises ModelError.
    """
    network, card = load_model(folder)
    drawn = [randomised(network, seed) for seed in SEEDS]
    found = []
    for record in records:
        grey = to_grey(record.frames[0], record.window)
        box = Letterbox.fit((grey.shape[0], grey.shape[1]), card.input.size)
        x = as_input(box.forward(grey)[None])
        for target in targets(network, x, card.input.preprocess):
            maps = [through_network(one, x, target, method, card.input.preprocess) for one in (network, *drawn)]
            if maps[0].any():
                hot = [values for values in maps[1:] if values.any()]
                shown = (maps[0], hot[0] if hot else maps[1])
                nothing = np.zeros(record.shape, bool)
                heat = [native_heatmap(values, box, nothing, target, method) for values in shown]
                alike = float(np.mean([correlation(maps[0], other) for other in hot])) if hot else None
                found.append(SanityCheck(record, heat[0], heat[1], alike))
    return found


def targets(network: Network, x: NDArray[np.float32], steps: Sequence[Step]) -> list[str]:
    """What heat a network gives of an image (1, 1, S, S): its class's, and its outline's."""
    import torch

    from busi_viewer.nets.preprocess import prepared

    does = tasks_of(network)
    with torch.no_grad():
        logits = network(prepared(torch.from_numpy(x), steps)).class_logits
    named = [CLASSES[int(logits.argmax())]] if TASKS[1] in does else []
    return [*named, *([LESION] if TASKS[0] in does else [])]


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Pearson's correlation of two maps; 0 where one of them is flat."""
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
