"""Where to look in each network for a heatmap."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from busi_viewer.nets.ensemble import Ensemble, Network
from busi_viewer.nets.multitask import MultiTaskUNet
from busi_viewer.nets.pipeline import Pipeline


@dataclass(frozen=True)
class HeatmapLayers:
    """Modules whose output (N, C, h, w) Grad-CAM weighs.

    ``segmentation`` is the decoder's topmost attention block, or its topmost block where it has no attention;
    ``classification`` the last convolution, or the last features, that the class depends on. None for what a network does
    not do. An attention gate's output counts as that of its block.
    """

    segmentation: nn.Module | None
    classification: nn.Module | None


def heatmap_layers(network: Network) -> HeatmapLayers:
    """The layers of any network of the registry; of an ensemble those of its first member."""
    if isinstance(network, Ensemble):
        network = network.main
    if isinstance(network, MultiTaskUNet):
        return HeatmapLayers(network.decoder.blocks[-1], network.heatmap_layer)
    if isinstance(network, Pipeline):
        return HeatmapLayers(
            heatmap_layers(network.segmenter).segmentation, heatmap_layers(network.classifier).classification
        )
    return HeatmapLayers(network.layer("decoder_layer"), network.layer("class_layer"))
