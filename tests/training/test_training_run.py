"""A whole training run in miniature, on phantoms."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.errors import DataSetError, UsageError
from busi_viewer.core.phantom import phantom
from busi_viewer.inference.engine import ModelEngine
from busi_viewer.nets.card import InputSpec, read_card
from busi_viewer.nets.encoders import MobileNetV2Encoder
from busi_viewer.nets.registry import load_model
from busi_viewer.nets.weights import save_tensors
from busi_viewer.raster.source import RasterSource
from busi_viewer.training.augment import augment
from busi_viewer.training.data import make_split
from busi_viewer.training.recipe import Job, make_job, read_job, recipe_named
from busi_viewer.training.run import train
from busi_viewer.workflow.open import load_mask, open_image

SOURCES = (RasterSource(),)
OPEN = partial(open_image, sources=SOURCES)
MASK = partial(load_mask, sources=SOURCES)
KINDS = {"normal": "none", "benign": "benign", "malignant": "malignant"}


def _data(root: Path, per_class: int = 6) -> Path:
    for label, kind in KINDS.items():
        folder = root / label
        folder.mkdir(parents=True)
        for i in range(per_class):
            image, mask = phantom(kind, i, (90, 120))
            cv2.imwrite(str(folder / f"{label} ({i}).png"), image)
            cv2.imwrite(str(folder / f"{label} ({i})_mask.png"), mask.astype(np.uint8) * 255)
    return root


def _split(root: Path, path: Path, test_every: int = 0) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "part"])
        for i, sample in enumerate(load_datasets([root])):
            part = "test" if test_every and i % test_every == 0 else "val" if i % 3 == 1 else "train"
            writer.writerow([sample.id, part])
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    save_tensors(path, dict(MobileNetV2Encoder().state_dict()))
    return path


def _epochs(run: Path) -> list[dict]:
    return [e for e in map(json.loads, (run / "progress.jsonl").open()) if e["event"] == "epoch"]


def _job(root: Path, out: Path, encoder: Path, **changes) -> Job:
    recipe = recipe_named("multitask-unet-mobilenetv2").model_copy(
        update={"input": InputSpec(size=64, flip=True), "batch": 4, "epochs": 1}
    )
    values = {"recipe": recipe, "data": (root,), "out": out, "encoder_weights": encoder, "accelerator": "cpu"}
    return Job(**{**values, **changes})


def test_a_run_gives_a_model_that_the_engine_loads_and_never_reads_the_test_part(tmp_path, encoder):
    root = _data(tmp_path / "phantoms")
    split = _split(root, tmp_path / "split.csv", test_every=6)
    locked = [line.split(",")[0] for line in split.read_text().splitlines() if line.endswith(",test")]
    for identifier in locked:
        (tmp_path / identifier).write_bytes(b"not an image")
    events = []
    summary = train(_job(root, tmp_path / "run", encoder, split=split), OPEN, MASK, events.append)
    card = read_card(Path(summary["model"]))
    assert card.training["train"]["n"] + card.training["validation"]["n"] + len(locked) == 18
    assert card.calibration.n == card.training["validation"]["n"]
    assert 0 < card.operating_point < 1
    assert next(e for e in events if e["event"] == "epoch")["of"] == 1
    lines = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").open()]
    assert [line["event"] for line in lines if line["event"] != "step"] == ["data", "epoch", "calibrating", "done"]
    assert all(line["schema"] == 1 for line in lines)
    record = OPEN(root / "malignant" / "malignant (1).png")
    result = ModelEngine(Path(summary["model"]), "cpu").analyse(record)
    assert result.model.sha256 == card.sha256

    with pytest.raises(UsageError, match="--resume"):
        train(_job(root, tmp_path / "run", encoder, split=split), OPEN, MASK, events.append)
    train(_job(root, tmp_path / "run", encoder, split=split, resume=True, epochs=2), OPEN, MASK, events.append)
    assert [event["epoch"] for event in _epochs(tmp_path / "run")] == [1, 2]


def _manifest(root: Path, per_class: int, more: Sequence[str] = ()) -> None:
    """List the data in a manifest: the first of each class is one patient, all others are a second one."""
    lines = ["image,mask,label,patient"]
    for label in KINDS:
        for i in range(per_class):
            mask = "" if label == "normal" else f"{label}/{label} ({i})_mask.png"
            lines.append(f"{label}/{label} ({i}).png,{mask},{label},{label}{min(i, 1)}")
    (root / "manifest.csv").write_text("\n".join([*lines, *more]) + "\n")


def _spoilt(root):
    """A data set with five faults of as many kinds; the files they are in, with what is said of them."""
    _data(root, 3)
    (root / "benign" / "benign (0).png").write_bytes(b"")
    cv2.imwrite(str(root / "malignant" / "malignant (2)_mask.png"), np.zeros((5, 5), np.uint8))
    (root / "malignant" / "malignant (1)_mask.png").unlink()
    cv2.imwrite(str(root / "benign" / "benign (1)_mask.png"), np.zeros((90, 120), np.uint8))
    cv2.imwrite(str(root / "normal" / "normal (1)_mask.png"), np.full((90, 120), 255, np.uint8))
    return {
        "benign (0).png": "",
        "malignant (2)_mask.png": "5",
        "malignant (1).png": "has no outline",
        "benign (1).png": "outline is empty",
        "normal (1).png": "labelled normal",
    }


@pytest.mark.parametrize("split", ["given", "made"])
def test_every_fault_is_listed_before_training(tmp_path, encoder, split):
    root = tmp_path / "phantoms"
    spoilt = _spoilt(root)
    parts = tmp_path / "s.csv"
    names = [sample.id for sample in load_datasets([root])]
    parts.write_text("id,part\n" + "".join(f"{name},{('train', 'val')[i % 2]}\n" for i, name in enumerate(names)))
    job = _job(root, tmp_path / "run", encoder, split=parts if split == "given" else None)
    if split == "made":  # the few that are left may lie in the part that is never read
        spoilt = {name: fault for name, fault in spoilt.items() if name == "benign (0).png"}
    with pytest.raises(DataSetError) as caught:
        train(job, OPEN, MASK, lambda e: None)
    listed = str(caught.value)
    if split == "given":
        assert listed.startswith("6 faults in the data")
        assert "the val part holds too little" in listed, "of what can be used"
    for name, fault in spoilt.items():
        assert any(name in line and fault in line for line in listed.splitlines()), (name, listed)
    assert not (tmp_path / "run" / "model").exists()
    assert (tmp_path / "run" / "split.csv").exists() == (split == "given"), "no split without the images to be mended"


def test_faults_of_the_manifest_and_of_files_come_together_and_all_of_them(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 3)
    _manifest(root, 3, [f"gone/{i}.png,,benign," for i in range(25)])
    (root / "benign" / "benign (0).png").write_bytes(b"")
    split = tmp_path / "s.csv"
    problems = []
    names = [sample.id for sample in load_datasets([root], problems)]
    split.write_text("id,part\n" + "".join(f"{name},{('train', 'val')[i % 2]}\n" for i, name in enumerate(names)))
    with pytest.raises(DataSetError, match="29 faults") as caught:  # 25 lines, 3 patients in two parts, 1 file
        train(_job(root, tmp_path / "run", encoder, split=split), OPEN, MASK, lambda e: None)
    kept = tmp_path / "run" / "faults.txt"
    assert str(kept) in str(caught.value)
    for words in ("gone/24.png", "one patient in several parts", "benign (0).png"):
        assert words in kept.read_text()


def test_where_no_image_can_be_read_all_are_listed(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 1)
    for label in KINDS:
        (root / label / f"{label} (0).png").write_bytes(b"")
    with pytest.raises(DataSetError, match="3 faults"):
        train(_job(root, tmp_path / "run", encoder), OPEN, MASK, lambda e: None)


def test_a_split_that_tears_a_patient_apart_is_refused(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 3)
    _manifest(root, 3)
    split = tmp_path / "s.csv"
    split.write_text(
        "id,part\n"
        + "".join(f"{s.id},{('val', 'train', 'test')[i % 3]}\n" for i, s in enumerate(load_datasets([root])))
    )
    torn = r"benign \(2\)\.png \(test\), \S+benign \(1\)\.png \(train\): one patient in several parts"
    with pytest.raises(DataSetError, match=torn) as caught:
        train(_job(root, tmp_path / "run", encoder, split=split), OPEN, MASK, lambda e: None)
    assert "benign (0)" not in str(caught.value)
    assert "benign1" not in str(caught.value), "patients are not named"


def test_one_class_is_not_enough(tmp_path, encoder):
    root = tmp_path / "phantoms"
    _data(root, 3)
    for label in ("normal", "malignant"):
        for path in (root / label).iterdir():
            path.unlink()
    with pytest.raises(DataSetError, match="too little"):
        train(_job(root, tmp_path / "run", encoder, split=_split(root, tmp_path / "s.csv")), OPEN, MASK, lambda e: None)


def test_copies_never_cross_parts(tmp_path):
    root = _data(tmp_path / "phantoms", 8)
    for label in KINDS:
        image = cv2.imread(str(root / label / f"{label} (0).png"), cv2.IMREAD_GRAYSCALE)
        brighter = np.clip(image.astype(int) + 9, 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / label / "copy.png"), cv2.resize(brighter, (200, 150)))
    samples = load_datasets([root])
    split = make_split(samples, OPEN, seed=1)
    for label in KINDS:
        assert split[f"phantoms/{label}/copy.png"] == split[f"phantoms/{label}/{label} (0).png"]
    assert set(split) == {s.id for s in samples}


def test_augmentation_burns_in_marks_speckles_shades_and_changes_the_gain():
    """Each on what shows nothing else: marks on black; on even grey what varies by pixel, by column below a depth, as a whole."""
    none, black, grey = (np.full((128, 128), level, np.uint8) for level in (0, 0, 120))
    marked = [augment(black, none, np.random.default_rng(seed))[0] for seed in range(60)]
    assert 0.15 <= np.mean([image.max() >= 140 for image in marked]) <= 0.6, "about a third get callipers or letters"
    plain = [augment(grey, none, np.random.default_rng(seed))[0] for seed in range(60)]
    inside = [image[48:80, 48:80].astype(float) for image in plain]
    means = np.array([np.median(part) for part in inside])
    assert means.min() < 100
    assert means.max() > 140
    grainy = [np.abs(np.diff(part, axis=1)).mean() > 1.5 for part in inside]
    assert 0.1 <= np.mean(grainy) <= 0.6
    columns = [np.median(image[80:112, 30:98], axis=0) for image in plain]
    bent = [np.ptp(np.convolve(line, np.ones(15) / 15, "valid")) / line.mean() > 0.1 for line in columns]
    assert np.mean(bent) >= 0.08, "shadows and enhancement"


def test_augmentation_moves_mask_and_image_together():
    image, mask = phantom("cyst", 2, (256, 256))
    inside = 0
    for seed in range(20):
        out, moved = augment(image, mask.astype(np.uint8), np.random.default_rng(seed))
        assert out.shape == moved.shape == image.shape
        assert set(np.unique(moved)) <= {0, 1}
        if moved.any():
            inside += out[moved > 0].mean() < out[(moved == 0) & (out > 0)].mean()
    assert inside >= 18
    again = augment(image, mask.astype(np.uint8), np.random.default_rng(3))[0]
    assert np.array_equal(again, augment(image, mask.astype(np.uint8), np.random.default_rng(3))[0])


def test_job_files_name_the_wrong_field(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"recipe": "multitask-unet-mobilenetv2", "data": ["a"], "epochs": -3}))
    with pytest.raises(UsageError, match="epochs"):
        read_job(path, {"out": tmp_path})
    assert read_job(path, {"out": tmp_path, "epochs": 4}).epochs == 4
    with pytest.raises(UsageError, match="Known ones"):
        make_job({"recipe": "nonsense", "data": ["a"], "out": tmp_path})
    with pytest.raises(UsageError, match=r"Names like it: .*unet-resnet18"):
        make_job({"recipe": "unet-resnet", "data": ["a"], "out": tmp_path})
    with pytest.raises(UsageError, match=r"not fit: input\.size: must be a multiple of 32"):
        make_job({"recipe": "cnn-3m", "data": ["a"], "out": tmp_path, "settings": {"input.size": 100}})
    with pytest.raises(UsageError, match="joins no models"):
        make_job({"recipe": "cnn-3m", "data": ["a"], "out": tmp_path, "members": ["a", "b"]})
    path.write_text("[")
    with pytest.raises(UsageError, match="not valid JSON"):
        read_job(path, {"out": tmp_path})


def test_a_run_can_start_from_a_model_and_have_a_name(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 3)
    split = _split(root, tmp_path / "split.csv")
    first = train(_job(root, tmp_path / "one", encoder, split=split), OPEN, MASK, lambda event: None)
    start = Path(first["model"])
    frozen = _job(root, tmp_path / "two", encoder).recipe.model_copy(update={"learning_rate": 1e-12})
    changes = {"recipe": frozen, "split": split, "encoder_weights": None, "start_from": start, "name": "own-cases"}
    second = train(_job(root, tmp_path / "two", encoder, **changes), OPEN, MASK, lambda event: None)
    card = read_card(Path(second["model"]))
    assert card.name == "own-cases"
    assert read_card(start).sha256 in card.training["started_with"]
    assert "ImageNet weights of the encoder, encoder.safetensors" in card.training["started_with"], (
        "to the very beginning"
    )
    assert card.training["split"] == "the file split.csv"
    members = _job(root, tmp_path / "both", encoder, members=(start, Path(second["model"])), split=split)
    joined = recipe_named("ensemble")
    both = read_card(Path(train(members.model_copy(update={"recipe": joined}), OPEN, MASK, print)["model"]))
    assert "settings" not in both.training, "an ensemble has none of its own"
    assert [each["settings"]["learning_rate"] for each in both.training["members"]] == [1e-3, 1e-12]
    assert [each["epochs"] for each in both.training["members"]] == [1, 1]
    assert both.training["started_with"].count("ImageNet") == 2
    before, after = (load_model(folder)[0].mask_head.weight for folder in (start, Path(second["model"])))
    assert np.allclose(before.numpy(), after.numpy(), atol=1e-3)


def test_resuming_goes_on_from_the_last_epoch_not_from_the_best(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 3)
    job = _job(root, tmp_path / "run", encoder, split=_split(root, tmp_path / "split.csv"), epochs=4)
    train(job, OPEN, MASK, lambda event: None)
    scores = [e["val_dice"] + (e["val_auc_malignant"] or 0) for e in _epochs(tmp_path / "run")]
    kept = {
        name: torch.load(tmp_path / "run" / f"{name}.ckpt", weights_only=True)["epoch"] for name in ("best", "last")
    }
    assert kept["best"] == int(np.argmax(scores))
    assert kept["last"] == 3


_CHILD = """
import sys
from functools import partial
from pathlib import Path
from busi_viewer.raster.source import RasterSource
from busi_viewer.training.recipe import Job
from busi_viewer.training.run import train
from busi_viewer.workflow.open import load_mask, open_image

job, sources = Job.model_validate_json(Path(sys.argv[1]).read_text()), (RasterSource(),)
read = (partial(open_image, sources=sources), partial(load_mask, sources=sources))
train(job, *read, lambda event: print(event["event"], event.get("epoch"), flush=True))
"""


def _run(job: Job, path: Path, kill_after: str | None = None) -> None:
    """Run a job in a process of its own; kill it (SIGKILL) when it prints ``kill_after``."""
    path.write_text(job.model_dump_json(by_alias=True))
    with subprocess.Popen([sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if kill_after is not None and line.strip() == kill_after:
                child.kill()
    assert child.returncode == (0 if kill_after is None else -signal.SIGKILL)


def test_a_killed_run_resumed_ends_with_the_weights_of_an_unbroken_one(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 4)
    split = _split(root, tmp_path / "split.csv")
    recipe = _job(root, tmp_path, encoder).recipe
    recipe = recipe.model_copy(
        update={"input": InputSpec(size=96), "small_epochs": 1, "small_size": 64, "balance": 0.5, "epochs": 3}
    )
    unbroken, broken = (
        _job(root, tmp_path / name, encoder, split=split, recipe=recipe) for name in ("unbroken", "broken")
    )
    _run(unbroken, tmp_path / "job.json")
    _run(broken, tmp_path / "job.json", kill_after="epoch 2")
    assert not (tmp_path / "broken" / "model").exists()
    _run(broken.model_copy(update={"resume": True}), tmp_path / "job.json")
    cards = [read_card(tmp_path / name / "model") for name in ("unbroken", "broken")]
    assert cards[0].sha256 == cards[1].sha256
    assert cards[0].calibration == cards[1].calibration
    last = [_epochs(tmp_path / name)[-1] for name in ("unbroken", "broken")]
    assert {k: v for k, v in last[0].items() if k != "time"} == {k: v for k, v in last[1].items() if k != "time"}


def test_a_run_that_ended_early_goes_on_when_it_is_given_more_patience(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 3)
    job = _job(root, tmp_path / "run", encoder, split=_split(root, tmp_path / "split.csv"))
    still = job.recipe.model_copy(update={"learning_rate": 1e-12, "patience": 1, "epochs": 9})
    train(job.model_copy(update={"recipe": still}), OPEN, MASK, lambda _event: None)
    ended = len(_epochs(tmp_path / "run"))
    assert ended < 6
    patient = still.model_copy(update={"patience": 9})
    train(job.model_copy(update={"recipe": patient, "resume": True}), OPEN, MASK, lambda _event: None)
    assert len(_epochs(tmp_path / "run")) == 9


def test_two_devices_share_the_images_and_follow_the_schedule_to_its_end(tmp_path, encoder):
    root = _data(tmp_path / "phantoms", 5)
    split = _split(root, tmp_path / "split.csv", test_every=6)
    job = _job(root, tmp_path / "run", encoder, split=split, devices=2, settings={"batch": 2}, epochs=2)
    path = tmp_path / "job.json"
    path.write_text(job.model_dump_json(by_alias=True))
    command = [sys.executable, "-m", "busi_viewer", "train", "--job", str(path), "-o", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *_, epoch = _epochs(tmp_path / "run")
    assert epoch["learning_rate"] == pytest.approx(0.0, abs=1e-9), "the cosine ends with the last step"
    held = sum(line.endswith(",val") for line in split.read_text().splitlines())
    assert held == 5, "which two devices fill up to six"
    assert epoch["val_accuracy"] * held == pytest.approx(round(epoch["val_accuracy"] * held)), "each image counts once"
    assert read_card(tmp_path / "run" / "model").training["validation"]["n"] == held
