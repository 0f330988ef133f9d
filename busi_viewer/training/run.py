"""A training run: data in, checkpoints and curves on the way, a calibrated model folder out."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from busi_viewer import paths
from busi_viewer.core.duplicates import SHARES
from busi_viewer.core.errors import UsageError
from busi_viewer.core.training import PROGRESS, append_event
from busi_viewer.nets.accelerated import ship_graph
from busi_viewer.nets.card import WEIGHTS, Card, read_card, write_card
from busi_viewer.nets.encoders import count_parameters
from busi_viewer.nets.weights import save_tensors
from busi_viewer.training.calibrate import calibrate
from busi_viewer.training.combine import Made, combine
from busi_viewer.training.data import Item, OpenImage, OpenMask, summary
from busi_viewer.training.fit import LAST, Report, check_devices, fit, quiet
from busi_viewer.training.gather import SPLIT, gather
from busi_viewer.training.pipeline import Data, fit_pipeline
from busi_viewer.training.precision import with_bfloat16
from busi_viewer.training.protocol import leaks
from busi_viewer.training.recipe import Job


def train(job: Job, open_image: OpenImage, open_mask: OpenMask, report: Report) -> dict[str, Any]:
    """Train, calibrate on the validation part, and write ``out/model``. Returns a summary with the model's folder.

    The part ``test`` is never read. Raises DataSetError before training when anything is wrong with the data.
    """
    check_devices(job)
    out = job.out
    if not job.resume and (out / LAST).exists():
        raise UsageError(
            "the folder already holds a run", path=out, remedy="Choose another with -o, or go on with --resume."
        )
    out.mkdir(parents=True, exist_ok=True)
    quiet()
    pl.seed_everything(job.recipe.seed, workers=True, verbose=False)
    (out / "job.json").write_text(job.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
    tell = reporter(out, report, resume=job.resume)
    data = gather(job, open_image, open_mask)
    tell({"event": "data", "images": data.images})
    made = combine(job.members) if job.recipe.architecture.name == "ensemble" else make(job, data, tell)
    training, validation = data.read("train", made.spec.size), data.read("val", made.spec.size)
    tell({"event": "calibrating"})
    folder = _write_model(job, made, training, validation)
    tell({"event": "done"})
    return {
        "model": str(folder),
        "out": str(out),
        "split": str(out / SPLIT),
        "data": [str(path) for path in job.data],
        "parameters": count_parameters(made.network),
    }


def make(job: Job, data: Data, report: Report) -> Made:
    """The recipe's network, or both of a pipeline, trained on the part train; the best epoch on the part val."""
    recipe = job.recipe
    if recipe.stages is not None:
        return fit_pipeline(job, recipe.stages, data, report)
    size = recipe.input.size
    return Made(fit(job, data.read("train", size), data.read("val", size), report), recipe.architecture, recipe.input)


def _started_with(job: Job) -> str:
    """Which weights a run started with, and what those had started with, for the card."""
    if job.members:
        return "; ".join(_origin(read_card(paths.model_of(folder))) for folder in job.members)
    if job.start_from is None:
        if job.from_scratch or job.recipe.imagenet == "no":
            return "random weights"
        if job.encoder_weights is None:
            return "ImageNet weights of the encoder, from the hub"
        digest = hashlib.sha256(job.encoder_weights.read_bytes()).hexdigest()
        return f"ImageNet weights of the encoder, {job.encoder_weights.name}, SHA-256 {digest}"
    return _origin(read_card(job.start_from))


def _origin(card: Card) -> str:
    before = card.training.get("started_with")
    return f"{card.name} {card.version}, SHA-256 {card.sha256}" + (f" (started with {before})" if before else "")


def _made_by(job: Job) -> dict[str, Any]:
    """How the weights came about: epochs and settings of this run, or what the cards of an ensemble's members say."""
    recipe = job.recipe
    if recipe.architecture.name == "ensemble":
        cards = [read_card(paths.model_of(folder)) for folder in job.members]
        parts = ("train", "validation", "parameters")
        return {"members": [{k: v for k, v in card.training.items() if k not in parts} for card in cards]}
    settings = recipe.model_dump(mode="json", exclude={"name", "summary", "architecture", "input", "search"})
    return {"epochs": job.total_epochs, "settings": settings}


def _split_in_words(job: Job) -> str:
    if job.split is not None:
        return f"the file {job.split.name}"
    if job.protocol == "paper":
        return "at random, image by image, as the paper does"
    shares = ", ".join(f"{100 * share:.0f} % {part}" for part, share in SHARES.items())
    return f"by patient and near-duplicate group, stratified by data set and class: {shares}"


def _write_model(job: Job, made: Made, training: list[Item], validation: list[Item]) -> Path:
    """Calibrate and write weights and card into ``out/model`` (a temporary folder, then renamed)."""
    from busi_viewer import __version__

    recipe, folder = job.recipe, job.out / "model"
    fresh = job.out / "model.part"
    fresh.mkdir(exist_ok=True)
    sha256 = save_tensors(fresh / WEIGHTS, dict(made.network.state_dict()))
    card = Card(
        name=job.name or recipe.name,
        version=__version__,
        architecture=made.architecture,
        input=made.spec,
        classes=("normal", "benign", "malignant"),
        sha256=sha256,
        data=paths.sources_of(path.resolve().name for path in job.data),
        leaky=leaks(job),
        training={
            "recipe": recipe.name,
            "train": summary(training),
            "validation": summary(validation),
            "parameters": count_parameters(made.network),
            "started_with": _started_with(job),
            "split": _split_in_words(job),
            "split_sha256": hashlib.sha256((job.out / SPLIT).read_bytes()).hexdigest(),
            "job_sha256": hashlib.sha256((job.out / "job.json").read_bytes()).hexdigest(),
            "protocol": job.protocol,
            **_made_by(job),
        },
    )
    write_card(fresh, card)
    card = calibrate(fresh, training, validation)
    card = card.model_copy(update={"graph_sha256": ship_graph(fresh, card)})
    write_card(fresh, with_bfloat16(fresh, card, validation))
    if folder.exists():
        os.replace(folder, job.out / f"model.{int(time.time())}.old")
    os.replace(fresh, folder)
    return folder


def reporter(out: Path, report: Report, *, resume: bool) -> Report:
    """Pass events on, and append each to ``progress.jsonl``, one JSON object a line, with schema and time (UTC).

    Of several processes that share the fit only the first speaks.
    """
    progress = out / PROGRESS
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if not resume and first:
        progress.unlink(missing_ok=True)

    def tell(event: dict[str, Any]) -> None:
        if not first:
            return
        append_event(progress, event)
        report(event)

    return tell
