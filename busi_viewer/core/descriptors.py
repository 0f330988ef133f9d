"""Proposes BI-RADS descriptors for outlined lesions from image and outline, by a linear model without torch.

Orientation is geometry (:attr:`busi_viewer.core.measure.Lesion.orientation`). Shape, margin, echo pattern and posterior
features come from multinomial logistic regressions on :mod:`busi_viewer.core.lesion_features`, read from a JSON file that
``busi-viewer train --recipe descriptors`` writes. A descriptor that was no better than chance in cross-validation is
never proposed, none is where the picture does not allow it (:func:`obstacles`), and none that is a toss-up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.errors import ModelError
from busi_viewer.core.image import Mask, Pixels, to_grey
from busi_viewer.core.lesion_features import Patch, cut, features, posterior_box, reach
from busi_viewer.core.lexicon import ECHO, MARGIN, ORIENTATION, POSTERIOR, SHAPE, VALUES, Basis, Proposal
from busi_viewer.core.masks import fill_polygon
from busi_viewer.core.measure import Lesion

SCHEMA = 1
FAMILIES: Mapping[str, tuple[str, ...]] = {
    SHAPE: ("shape", "margin"),
    MARGIN: ("shape", "margin"),
    ECHO: ("echo",),
    POSTERIOR: ("posterior",),
}
"""The families of features from which each descriptor is judged."""
MOST = 6
"""Of a frame's lesions only so many, the largest, are judged by more than their orientation."""
SMALLEST = 20.0
"""Equivalent diameter in pixels below which nothing but orientation is proposed."""
CUT_SHARE = 0.06
"""Share of the outline on the image's edge from which a lesion counts as cut."""
COLOURED = 0.02
"""Share of coloured pixels (Doppler) around a lesion from which nothing but orientation is proposed."""
LIMIT = 4.0
"""Standardised features are cut off at so many standard deviations."""
LEAD = 0.1
"""A value is proposed only if its probability lies so far above that of the next: a toss-up is no proposal."""
RIM = 0.4
"""Width of the band looked at along the outline, in equivalent diameters."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Classifier:
    """One descriptor's model: softmax(coefficients · (x − mean) / sd + intercepts); rows follow ``values``."""

    name: str
    values: tuple[str, ...]
    features: tuple[str, ...]
    mean: Floats
    sd: Floats
    coefficients: Floats
    intercepts: Floats
    basis: Basis
    proposed: bool

    def standardised(self, found: Mapping[str, float]) -> Floats:
        """The features (F,) in standard deviations from the mean of the lesions learned from."""
        x = np.array([found[name] for name in self.features])
        return np.asarray(np.clip((x - self.mean) / self.sd, -LIMIT, LIMIT))

    def probabilities(self, z: Floats) -> Floats:
        """Probabilities (k,) of the values, were they equally frequent."""
        scores = self.coefficients @ z + self.intercepts
        shares = np.exp(scores - scores.max())
        return np.asarray(shares / shares.sum())

    def reasons(self, z: Floats, chosen: int) -> tuple[str, ...]:
        """What spoke most for the chosen value, at most three, strongest first."""
        others = np.delete(self.coefficients, chosen, axis=0).mean(axis=0)
        pull = (self.coefficients[chosen] - others) * z
        said: list[str] = []
        for i in np.argsort(-pull):
            if pull[i] < 0.05 or len(said) == 3:
                break
            words = WORDS[self.features[i]][0 if z[i] > 0 else 1]
            if words not in said:
                said.append(words)
        return tuple(said)


@dataclass(frozen=True)
class DescriptorModel:
    """The stored model: a classifier for each descriptor that is judged from the image."""

    name: str
    version: str
    sha256: str
    classifiers: tuple[Classifier, ...]


def read_model(path: Path) -> DescriptorModel:
    """The model in a JSON file. Raises ModelError if it cannot be read or does not fit this version's features."""
    remedy = "Install the application again, or fit the model anew with: busi-viewer train --recipe descriptors"
    try:
        data = path.read_bytes()
        content = json.loads(data)
        if content["schema"] != SCHEMA or content["kind"] != "descriptors":
            raise ValueError("another schema")
        classifiers = tuple(_classifier(name, part, content) for name, part in content["descriptors"].items())
    except OSError as error:
        raise ModelError(f"the descriptor model cannot be read ({error.strerror})", path=path, remedy=remedy) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("the descriptor model is damaged or of another version", path=path, remedy=remedy) from error
    digest = hashlib.sha256(data).hexdigest()
    return DescriptorModel(str(content["name"]), str(content["version"]), digest, classifiers)


def _classifier(name: str, part: Mapping[str, Any], content: Mapping[str, Any]) -> Classifier:
    """One entry of the file, checked. Raises ValueError, KeyError or TypeError."""
    figure = part["figures"]["redrawn_outlines"]["balanced_accuracy"]
    low, high = (float(v) for v in figure["ci95"])
    mean, sd, coefficients, intercepts = (
        np.array(part[key], dtype=np.float64) for key in ("mean", "sd", "coefficients", "intercepts")
    )
    basis = Basis(int(part["n"]), str(content["data"]["names"]), float(figure["value"]), (low, high))
    values, names = tuple(part["values"]), tuple(part["features"])
    found = Classifier(name, values, names, mean, sd, coefficients, intercepts, basis, part["proposed"] is True)
    k, f = len(VALUES[name]), len(found.features)
    shapes = (found.mean.shape, found.sd.shape, found.coefficients.shape, found.intercepts.shape)
    numbers = np.concatenate([found.mean, found.sd, found.coefficients.ravel(), found.intercepts])
    if found.values != VALUES[name] or shapes != ((f,), (f,), (k, f), (k,)) or not set(found.features) <= set(WORDS):
        raise ValueError("other values or features")
    if not np.isfinite(numbers).all() or not (found.sd > 0).all():
        raise ValueError("not a finite number")
    return found


def propose(
    lesions: Sequence[Lesion], index: int, frame: Pixels, window: tuple[float, float], model: DescriptorModel | None
) -> tuple[Proposal, ...]:
    """The proposals for one of a frame's lesions, in the order of the lexicon; silent descriptors are left out."""
    lesion = lesions[index]
    found = [orientation(lesion)]
    if model is None or equivalent_diameter(lesion) < SMALLEST:
        return tuple(found)
    part, patch = look(lesions, index, frame, window)
    silent = obstacles(part, patch)
    try:
        values = features(patch)
    except ValueError:
        return tuple(found)
    for classifier in model.classifiers:
        z = classifier.standardised(values)
        if classifier.proposed and classifier.name not in silent and leads(classifier.probabilities(z)):
            found.append(_proposal(classifier, z, patch, part, lesion))
    order = list(VALUES)
    return tuple(sorted(found, key=lambda proposal: order.index(proposal.name)))


def orientation(lesion: Lesion) -> Proposal:
    """Orientation by geometry: parallel if wider than tall. See :attr:`Lesion.orientation` for rule and source."""
    angle = f"{lesion.angle_deg:.0f}°".replace("-0°", "0°").replace("-", "−")
    ratio = (lesion.width_mm or lesion.width_px) / max(lesion.ap_mm or lesion.ap_px, 1e-9)
    squares = "" if lesion.ap_mm is not None else ", pixels taken as square"
    return Proposal(
        ORIENTATION,
        lesion.orientation,
        evidence=(f"width / AP {ratio:.2f}{squares}", f"long axis at {angle} to the image's top edge"),
    )


def equivalent_diameter(lesion: Lesion) -> float:
    """Diameter in pixels of a circle of the lesion's area."""
    return float(np.sqrt(4.0 * lesion.area_px / np.pi))


def pixel_aspect(lesion: Lesion) -> float:
    """Height of a pixel divided by its width; 1 where the image is not calibrated."""
    if lesion.ap_mm is None or lesion.width_mm is None:
        return 1.0
    return (lesion.ap_mm / lesion.ap_px) / (lesion.width_mm / lesion.width_px)


@dataclass(frozen=True)
class Part:
    """The part of the image around a lesion: its corner, grey values, the lesion, the other lesions.

    ``edge_share`` is the share of the outline that lies on the image's edge, ``coloured`` that of coloured pixels.
    """

    corner: tuple[int, int]
    grey: NDArray[np.uint8]
    mask: Mask
    others: Mask
    edge_share: float
    coloured: float


def look(lesions: Sequence[Lesion], index: int, frame: Pixels, window: tuple[float, float]) -> tuple[Part, Patch]:
    """What is seen of one of a frame's lesions: its part of the image, and that at the size features are measured at."""
    part = _part(lesions, index, frame, window)
    return part, cut(part.grey, part.mask, part.others, pixel_aspect(lesions[index]))


def _part(lesions: Sequence[Lesion], index: int, frame: Pixels, window: tuple[float, float]) -> Part:
    lesion = lesions[index]
    height, width = frame.shape[:2]
    x, y, w, h = lesion.bbox
    x0, y0, x1, y1 = reach((x, y, x + w, y + h), lesion.area_px, pixel_aspect(lesion))
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    pixels = frame[y0:y1, x0:x1]
    shape, corner = (y1 - y0, x1 - x0), np.array([x0, y0])
    mask = fill_polygon(shape, lesion.contour - corner)
    others = np.zeros(shape, dtype=bool)
    for i, other in enumerate(lesions):
        if i != index:
            others |= fill_polygon(shape, other.contour - corner)
    others &= ~mask
    edge = sum(int(line.sum()) for line in _edges(mask, (x0, y0, x1, y1), (width, height)))
    coloured = 0.0
    if pixels.ndim == 3:
        coloured = float((np.ptp(pixels[::2, ::2], axis=2) > 40).mean())
    return Part((x0, y0), to_grey(pixels, window), mask, others, edge / (2.0 * (w + h)), coloured)


def _edges(mask: Mask, box: tuple[int, int, int, int], size: tuple[int, int]) -> list[Mask]:
    """The lesion's pixels on those sides of the part that are the image's edge."""
    x0, y0, x1, y1 = box
    sides = ((x0 == 0, mask[:, 0]), (y0 == 0, mask[0]), (x1 == size[0], mask[:, -1]), (y1 == size[1], mask[-1]))
    return [line for at_edge, line in sides if at_edge]


def obstacles(part: Part, patch: Patch) -> dict[str, str]:
    """Descriptors that cannot be judged here, each with the reason in words."""
    found: dict[str, str] = {}
    if part.coloured > COLOURED:
        return dict.fromkeys(FAMILIES, "the image is coloured around the lesion")
    if float(patch.grey.max() - patch.grey.min()) < 12.0:
        return dict.fromkeys(FAMILIES, "the image shows next to no differences in brightness")
    if part.edge_share > CUT_SHARE:
        found |= dict.fromkeys((SHAPE, MARGIN), "the lesion is cut by the image's edge")
    x0, y0, x1, y1 = posterior_box(patch)
    if y1 - y0 < 20 or x1 - x0 < 8 or patch.field[max(y0, 0) : y1, x0:x1].mean() < 0.5:
        found[POSTERIOR] = "the image ends below the lesion"
    return found


def leads(p: Floats) -> NDArray[np.bool_]:
    """Whether the highest of the probabilities (…, k) leads by :data:`LEAD`."""
    ordered = np.sort(p, axis=-1)
    return np.asarray(ordered[..., -1] - ordered[..., -2] >= LEAD)


def _proposal(classifier: Classifier, z: Floats, patch: Patch, part: Part, lesion: Lesion) -> Proposal:
    p = classifier.probabilities(z)
    chosen = int(p.argmax())
    return Proposal(
        classifier.name,
        classifier.values[chosen],
        float(p[chosen]),
        classifier.basis,
        classifier.reasons(z, chosen),
        box=_image_box(patch, part) if classifier.name == POSTERIOR else None,
        rim_px=round(RIM * equivalent_diameter(lesion), 1) if classifier.name == MARGIN else None,
    )


def _image_box(patch: Patch, part: Part) -> tuple[int, int, int, int]:
    """The posterior box as (x, y, w, h) in the image."""
    x0, y0, x1, y1 = posterior_box(patch)
    sx, sy = patch.scale
    left = part.corner[0] + patch.origin[0] + x0 / sx
    top = part.corner[1] + patch.origin[1] + y0 / sy
    return round(left), round(top), round((x1 - x0) / sx), round((y1 - y0) / sy)


WORDS: Mapping[str, tuple[str, str]] = {
    "shape.solidity": ("outline without dents", "dented outline"),
    "shape.circularity": ("compact outline", "long outline for its area"),
    "shape.convexity": ("outline without dents", "dented outline"),
    "shape.ellipse_residual": ("far from an ellipse", "close to an ellipse"),
    "shape.roughness": ("outline with fine detail", "outline without fine detail"),
    "shape.detail": ("outline with fine detail", "outline without fine detail"),
    "shape.bending": ("outline bends to and fro", "outline bends evenly"),
    "shape.lobulations": ("several lobulations", "no or few lobulations"),
    "shape.dents": ("several dents", "no or few dents"),
    "shape.deepest_dent": ("a deep dent", "no deep dent"),
    "shape.corner": ("an angular corner", "no angular corner"),
    "shape.tallness": ("tall for its width", "wide for its height"),
    "shape.slenderness": ("elongated", "not elongated"),
    "shape.box_fill": ("outline fills its bounding box", "outline leaves its bounding box open"),
    "margin.contrast": ("clear contrast across the margin", "little contrast across the margin"),
    "margin.contrast_spread": ("contrast varies along the margin", "even contrast along the margin"),
    "margin.contrast_weakest": ("margin clear all round", "part of the margin without contrast"),
    "margin.contrast_strongest": (
        "part of the margin with strong contrast",
        "no part of the margin with strong contrast",
    ),
    "margin.clear_share": ("margin clear all round", "part of the margin without contrast"),
    "margin.steepness": ("sharp change of brightness at the margin", "gradual change of brightness at the margin"),
    "margin.steepness_weakest": ("margin sharp all round", "part of the margin gradual"),
    "margin.sharpness": ("sharp for its contrast", "gradual for its contrast"),
    "margin.wander": ("brightness changes off the outline", "brightness changes on the outline"),
    "margin.jaggedness": ("uneven line of change", "even line of change"),
    "margin.bright_rim": ("bright rim around the lesion", "no bright rim around the lesion"),
    "margin.contrast_below": ("strong contrast at its lower margin", "little contrast at its lower margin"),
    "margin.contrast_above": ("strong contrast at its upper margin", "little contrast at its upper margin"),
    "margin.contrast_beside": ("strong contrast at its sides", "little contrast at its sides"),
    "echo.darkness": ("darker than the tissue around", "not darker than the tissue around"),
    "echo.darkness_beside": ("darker than the tissue beside it", "not darker than the tissue beside it"),
    "echo.darkest": ("very dark parts", "no very dark parts"),
    "echo.brightest": ("bright parts", "no bright parts"),
    "echo.black_share": ("large black parts", "no large black parts"),
    "echo.bright_share": ("parts as bright as the tissue around", "no part as bright as the tissue around"),
    "echo.spread": ("mixed grey levels", "even grey levels"),
    "echo.spread_against_around": ("more mixed than the tissue around", "more even than the tissue around"),
    "echo.range": ("mixed grey levels", "even grey levels"),
    "echo.skew": ("few bright spots on dark ground", "no bright spots on dark ground"),
    "echo.mixed_small": ("patchy inside", "not patchy inside"),
    "echo.mixed_middle": ("patchy inside", "not patchy inside"),
    "echo.mixed_large": ("large parts of different brightness", "large parts of like brightness"),
    "echo.centre_against_rim": ("centre brighter than its rim", "centre not brighter than its rim"),
    "echo.entropy": ("many grey levels", "few grey levels"),
    "echo.homogeneity_across": ("smooth texture", "coarse texture"),
    "echo.correlation_across": ("structures across the beam", "no structures across the beam"),
    "echo.homogeneity_down": ("smooth texture", "coarse texture"),
    "echo.correlation_down": ("structures along the beam", "no structures along the beam"),
    "posterior.darker_near": ("darker just behind it than beside", "not darker just behind it than beside"),
    "posterior.darker_far": ("darker far behind it than beside", "not darker far behind it than beside"),
    "posterior.darker_whole": ("darker behind it than beside", "not darker behind it than beside"),
    "posterior.darker_than_darker_side": (
        "darker behind it than on either side",
        "not darker behind it than on either side",
    ),
    "posterior.brighter_than_brighter_side": (
        "brighter behind it than on either side",
        "not brighter behind it than on either side",
    ),
    "posterior.black_behind": ("black behind it", "not black behind it"),
    "posterior.behind_against_inside": ("brighter behind it than inside", "not brighter behind it than inside"),
    "posterior.edge_shadows": ("shadows below its edges", "no shadows below its edges"),
    "posterior.follows_columns": ("brighter where the lesion is thick", "darker where the lesion is thick"),
}
"""What a feature says when it is high and when it is low, against the lesions learned from."""
