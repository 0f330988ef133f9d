"""Descriptors on phantoms whose truth is known: scale, speckle, image edges, tiny and neighbouring lesions, broken models."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from busi_viewer import paths
from busi_viewer.core.descriptors import SMALLEST, look, propose, read_model
from busi_viewer.core.errors import ModelError
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lesion_features import features
from busi_viewer.core.lexicon import VALUES, Proposal
from busi_viewer.core.measure import measure_all
from busi_viewer.workflow.descriptors import PLACE, proposals

WINDOW = (0.0, 255.0)
SHAPE = (480, 640)
BUNDLED = paths.bundled_models() / PLACE


@pytest.fixture(scope="module")
def model():
    return read_model(BUNDLED)


def blob(shape=SHAPE, centre=(300, 180), radii=(90, 55), waves=0.0, count=7):
    """A filled ellipse (x, y radii) whose outline swings ``count`` times by a share ``waves``."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    x, y = (xx - centre[0]) / radii[0], (yy - centre[1]) / radii[1]
    return np.hypot(x, y) < 1.0 + waves * np.sin(count * np.arctan2(y, x))


def scan(mask, inside=45, around=120, behind=None, speckle=2.0, edge=1.0, seed=0):
    """Speckled tissue with a lesion; ``behind`` is the grey level below it, ``edge`` how far its margin is blurred."""
    level = np.where(mask, float(inside), float(around)).astype(np.float32)
    if behind is not None:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        level[rows[-1] + 1 :, columns[0] : columns[-1] + 1] = behind
    level = cv2.GaussianBlur(level, (0, 0), edge)
    noise = np.random.default_rng(seed).standard_normal(mask.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), speckle)
    return np.clip(level * (1 + 0.25 * noise / noise.std()), 0, 255).astype(np.uint8)


def record_of(image, spacing=None):
    shape = image.shape[:2]
    return ImageRecord("phantom.png", "ab" * 32, "png", ArrayFrames((image,)), shape, spacing)


def lesions_of(mask, image, spacing=None):
    return measure_all(mask, record_of(image, spacing))


def found(mask, image, spacing=None, index=0):
    """{descriptor: proposal} of the bundled model."""
    lesions = lesions_of(mask, image, spacing)
    return {p.name: p for p in propose(lesions, index, image, WINDOW, read_model(BUNDLED))}


def measured(mask, image, spacing=None):
    return features(look(lesions_of(mask, image, spacing), 0, image, WINDOW)[1])


def test_a_smooth_dark_oval_and_a_dented_blurred_mass_are_told_apart():
    smooth, dented = blob(), blob(waves=0.25)
    oval, mass = found(smooth, scan(smooth)), found(dented, scan(dented, around=90, edge=9.0))
    assert (oval["shape"].value, oval["margin"].value) == ("not irregular", "circumscribed")
    assert (mass["shape"].value, mass["margin"].value) == ("irregular", "not circumscribed")
    assert oval["orientation"].value == "parallel"


@pytest.mark.parametrize(("behind", "value"), [(35, "shadowing"), (190, "enhancement")])
def test_shadow_and_enhancement_behind_a_lesion(behind, value):
    mask = blob()
    proposal = found(mask, scan(mask, behind=behind))["posterior_features"]
    assert proposal.value == value
    x, y, w, h = proposal.box
    left, top, width, height = 210, 125, 180, 110
    assert left < x < x + w < left + width
    assert y > top + height
    assert y + h <= SHAPE[0]


def test_every_proposal_says_how_far_it_holds_and_why(model):
    mask = blob(waves=0.2)
    given = found(mask, scan(mask))
    assert list(given) == [name for name in VALUES if name in given], "in the order of the lexicon"
    for name, proposal in given.items():
        assert isinstance(proposal, Proposal)
        assert proposal.value in VALUES[name]
        assert proposal.evidence
        if name != "orientation":
            assert 1 / len(VALUES[name]) <= proposal.probability <= 1
            assert 1 / len(VALUES[name]) < proposal.basis.ci95[0] < proposal.basis.balanced_accuracy < 1
    assert given["margin"].rim_px > 0
    assert "pixels taken as square" in given["orientation"].evidence[0]


def test_features_do_not_depend_on_the_image_size():
    mask = blob(waves=0.1)
    image = scan(mask)
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = cv2.resize(mask.astype(np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) > 0.5
    one, other = measured(mask, image), measured(small, half)
    for name in ("shape.solidity", "shape.ellipse_residual", "shape.tallness", "echo.darkness", "margin.contrast"):
        assert other[name] == pytest.approx(one[name], abs=0.05 if name != "shape.ellipse_residual" else 0.15), name


def test_features_do_not_depend_on_gain():
    mask = blob()
    image = scan(mask, inside=30, around=90)
    brighter = np.clip(image.astype(int) * 3 // 2, 0, 255).astype(np.uint8)
    one, other = measured(mask, image), measured(mask, brighter)
    assert other["echo.darkness"] == pytest.approx(one["echo.darkness"], abs=0.03)
    assert other["margin.contrast"] == pytest.approx(one["margin.contrast"], abs=0.03)


@pytest.mark.parametrize("speckle", [0.7, 1.5, 3.0, 6.0])
def test_coarse_and_fine_speckle_leave_shape_and_margin_as_they_are(speckle):
    mask = blob()
    given = found(mask, scan(mask, speckle=speckle))
    assert (given["shape"].value, given["margin"].value) == ("not irregular", "circumscribed")


def test_anisotropic_pixels_are_measured_in_millimetres():
    square = blob(radii=(80, 80))
    flat = cv2.resize(square.astype(np.uint8), (640, 240), interpolation=cv2.INTER_NEAREST).astype(bool)
    image = scan(square)
    squeezed = cv2.resize(image, (640, 240), interpolation=cv2.INTER_AREA)
    one, other = measured(square, image, (0.1, 0.1)), measured(flat, squeezed, (0.2, 0.1))
    assert other["shape.tallness"] == pytest.approx(one["shape.tallness"], abs=0.03)
    assert other["shape.solidity"] == pytest.approx(one["shape.solidity"], abs=0.02)
    assert "pixels taken as square" not in found(flat, squeezed, (0.2, 0.1))["orientation"].evidence[0]


@pytest.mark.parametrize("centre", [(10, 200), (630, 200), (320, 5)])
def test_a_lesion_cut_by_the_image_edge_has_neither_shape_nor_margin(centre):
    mask = blob(centre=centre)
    assert {"shape", "margin"}.isdisjoint(found(mask, scan(mask)))


def test_nothing_is_said_of_what_lies_behind_where_the_image_ends():
    mask = blob(centre=(300, 415))
    given = found(mask, scan(mask))
    assert "posterior_features" not in given
    assert "shape" in given


@pytest.mark.parametrize("radius", [1, 2, 4, 8])
def test_of_a_tiny_lesion_only_the_orientation_is_said(radius):
    mask = blob(radii=(radius + 0.5, radius))
    assert 2 * radius < SMALLEST
    assert list(found(mask, scan(mask))) == ["orientation"]


@pytest.mark.parametrize("mask", [blob(radii=(200, 1.2)), blob(radii=(1.2, 150)), np.ones(SHAPE, bool)])
def test_lines_and_whole_images_do_not_break_it(mask):
    assert "orientation" in found(mask, scan(mask))


def test_a_blank_image_and_a_coloured_one_are_not_judged():
    mask = blob()
    blank = np.full(SHAPE, 77, np.uint8)
    doppler = cv2.cvtColor(scan(mask), cv2.COLOR_GRAY2RGB)
    doppler[150:220, 260:340] = (220, 30, 20)
    assert list(found(mask, blank)) == ["orientation"]
    assert list(found(mask, doppler)) == ["orientation"]
    assert len(found(mask, cv2.cvtColor(scan(mask), cv2.COLOR_GRAY2RGB))) > 1


def test_a_neighbouring_lesion_is_not_taken_for_tissue():
    mask, near = blob(), blob(centre=(470, 290), radii=(70, 90))
    image = scan(mask)
    image[near] = 5
    alone = measured(mask, scan(mask))
    both = features(look(measure_all(mask | near, record_of(image)), 1, image, WINDOW)[1])
    blind = measured(mask, image)
    for name in ("posterior.darker_whole", "echo.darkness"):
        assert abs(both[name] - alone[name]) <= abs(blind[name] - alone[name]) + 0.02
    assert abs(both["posterior.darker_whole"] - alone["posterior.darker_whole"]) < 0.1


def test_several_lesions_are_each_described_by_what_they_are():
    round_one, dented = blob(centre=(170, 160), radii=(80, 50)), blob(centre=(460, 200), radii=(90, 80), waves=0.25)
    image = scan(round_one | dented)
    lesions = lesions_of(round_one | dented, image)
    model = read_model(BUNDLED)
    said = [{p.name: p.value for p in propose(lesions, i, image, WINDOW, model)} for i in range(2)]
    assert [each["shape"] for each in said] == ["irregular", "not irregular"], "largest first"


def test_the_whole_frame_and_sixteen_bits_give_what_eight_bits_give(model):
    mask = blob(waves=0.2)
    image = scan(mask)
    wide = image.astype(np.uint16) * 16
    lesions = lesions_of(mask, image)
    one = propose(lesions, 0, image, WINDOW, model)
    other = propose(lesions, 0, wide, (0.0, 255.0 * 16), model)
    assert [(p.name, p.value) for p in one] == [(p.name, p.value) for p in other]


def test_another_modality_gets_orientation_alone():
    mask = blob()
    image = scan(mask)
    ct = ImageRecord("ct.dcm", "ab" * 32, "dicom", ArrayFrames((image,)), SHAPE, facts={"Modality": "CT"})
    lesions = measure_all(mask, ct)
    assert [p.name for p in proposals(ct, image, lesions, 0)] == ["orientation"]
    assert len(proposals(record_of(image), image, lesions, 0)) > 1


def test_an_edited_outline_changes_what_is_said(model):
    mask = blob()
    image = scan(mask)
    edited = blob(waves=0.3, count=9)
    before, after = (propose(lesions_of(m, image), 0, image, WINDOW, model) for m in (mask, edited))
    assert {p.name: p.value for p in before}["shape"] != {p.name: p.value for p in after}["shape"]


def test_the_bundled_model_states_its_data_figures_and_gate():
    content = json.loads(BUNDLED.read_text(encoding="utf-8"))
    assert content["data"]["names"] == "BrEaST"
    for name, part in content["descriptors"].items():
        lows = [figure["balanced_accuracy"]["ci95"][0] for figure in part["figures"].values()]
        assert part["proposed"] == (min(lows) > 1 / len(VALUES[name]))
        assert part["n"] == sum(part["counts"].values())
        assert all(set(figure) >= {"balanced_accuracy", "kappa", "recall"} for figure in part["figures"].values())


def test_a_descriptor_no_better_than_chance_is_never_proposed(tmp_path):
    content = json.loads(BUNDLED.read_text(encoding="utf-8"))
    content["descriptors"]["shape"]["proposed"] = False
    path = tmp_path / "descriptors.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    mask = blob()
    image = scan(mask)
    given = {p.name for p in propose(lesions_of(mask, image), 0, image, WINDOW, read_model(path))}
    assert "shape" not in given
    assert "margin" in given


def broken(change):
    content = json.loads(BUNDLED.read_text(encoding="utf-8"))
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        broken(lambda c: c.update(schema=99)),
        broken(lambda c: c["descriptors"]["shape"].update(features=["shape.unheard_of"])),
        broken(lambda c: c["descriptors"]["shape"]["coefficients"].pop()),
        broken(lambda c: c["descriptors"]["margin"].update(sd=[0.0] * len(c["descriptors"]["margin"]["sd"]))),
        broken(lambda c: c["descriptors"]["margin"]["mean"].__setitem__(0, float("nan"))),
        broken(lambda c: c["descriptors"].update(colour=c["descriptors"]["shape"])),
    ],
)
def test_a_damaged_model_is_refused_with_the_remedy(tmp_path, text):
    path = tmp_path / "descriptors.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"(?s)damaged|another version") as error:
        read_model(path)
    assert error.value.remedy


def test_a_missing_model_is_an_error_of_the_user_not_ours(tmp_path):
    with pytest.raises(ModelError):
        read_model(tmp_path / "none.json")


def test_proposing_needs_neither_torch_nor_scikit_learn():
    code = (
        "import sys, busi_viewer.workflow.descriptors as d; d.model();"
        "assert not {'torch', 'sklearn', 'scipy'} & set(sys.modules), 'heavy'"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
