"""The words of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from busi_viewer import __version__
from busi_viewer.cli import deidentify_words
from busi_viewer.cli import network_words as dicom_network
from busi_viewer.cli.argument_types import device, folder, path, positive, setting
from busi_viewer.core.names import CLASSES, GRAD_CAM, LESION, METHODS
from busi_viewer.core.reporting import FULL, TEMPLATES

_USAGE = """busi-viewer [PATH ...]
       busi-viewer COMMAND ...
       busi-viewer --help | --version | --selftest"""

_DESCRIPTION = """Outline, measure and explain lesions on breast-ultrasound images. Research use only.

Without a command the window opens, with the images and folders given as PATH."""

_EPILOG = """exit codes: 0 done; 2 wrong usage; 3 some inputs failed, the others are done; 1 anything else.
busi-viewer COMMAND --help explains a command."""


class Parser(argparse.ArgumentParser):
    """No abbreviated options, and errors on one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(2, f"error: {message}. See: {self.prog} --help\n")


def build() -> Parser:
    """The parser of all commands. The result's ``command`` names the one chosen."""
    parser = Parser(
        prog="busi-viewer",
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"busi-viewer {__version__}")
    parser.add_argument("--selftest", action="store_true", help="do everything once in a temporary home; alone")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", required=True, parser_class=Parser, prog="busi-viewer"
    )
    for add in (
        _analyze,
        _audit_data,
        _evaluate,
        _train,
        _recipes,
        _crossval,
        _tune,
        _compare,
        _epochs,
        _cases,
        _models,
        _dicom,
        _bench,
        _doctor,
        _demo,
    ):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # the type has no public name


def _command(commands: _Commands[Parser], name: str, summary: str) -> Parser:
    parser = commands.add_parser(name, help=summary, description=f"{summary}.", allow_abbrev=False)
    parser.add_argument("--verbose", action="store_true", help="show details and the stack of internal errors")
    return parser


def _analyze(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "analyze", "outline, classify and explain images; write results as files")
    parser.add_argument("paths", nargs="+", type=path, metavar="PATH", help="images and folders of images")
    parser.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="folder for the results")
    _add_model(parser)
    _add_device(parser)
    parser.add_argument("--recursive", action="store_true", help="also the images in sub-folders")
    parser.add_argument("--pdf", action="store_true", help="write a PDF report of each input")
    parser.add_argument(
        "--template", choices=TEMPLATES, default=FULL, help="with --pdf: the full report (the default), or one page"
    )
    parser.add_argument("--png", action="store_true", help="write mask, overlay and heatmap of each frame")
    parser.add_argument("--seg", action="store_true", help="write the outlines as DICOM Segmentation")
    parser.add_argument("--sr", action="store_true", help="write measurements and estimates as DICOM Structured Report")
    parser.add_argument(
        "--panels",
        nargs="?",
        const="own",
        default="",
        choices=("own", "jet"),
        help="write a figure of image, heatmap, outline and heat over the image; jet: the last in half-transparent jet",
    )
    parser.add_argument("--overwrite", action="store_true", help="analyse again where a result exists")
    _add_json(parser, "write what was done, skipped and failed")


def _audit_data(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "audit-data", "find duplicates, faulty masks, marks and leaks in labelled data sets")
    parser.add_argument(
        "data", nargs="+", type=folder, metavar="DIR", help="class folders, a manifest.csv, or a case store"
    )
    parser.add_argument("--split", type=path, metavar="FILE", help="CSV of id,part: look for leaks between its parts")
    parser.add_argument("--html", type=path, metavar="FILE", help="write a page with thumbnails of the findings")
    _add_json(parser, "write the findings", required=True)


def _evaluate(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "evaluate", "measure a model on labelled images, with 95 %% confidence intervals")
    parser.description = "Measure a model on labelled images, with 95 % confidence intervals."
    _add_data(parser, required=True)
    _add_model(parser)
    _add_device(parser)
    parser.add_argument("--split", type=path, metavar="FILE", help="CSV of id,part; with --part")
    parser.add_argument("--part", metavar="NAME", help="evaluate only this part of the split")
    parser.add_argument(
        "--record", metavar="NAME", help="also write the main figures into the model's card, under NAME"
    )
    parser.add_argument("-o", "--out", type=path, metavar="DIR", help="also write a table of all images and a page")
    _add_json(parser, "write the figures", required=True)


def _train(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "train", "train a model; write checkpoints, curves, metrics, weights and card")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", metavar="NAME", help="what to train")
    what.add_argument("--job", type=path, metavar="FILE", help="a job file that says what to train on which data")
    _add_data(parser, required=False)
    parser.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="folder for the run")
    parser.add_argument("--split", type=path, metavar="FILE", help="CSV of id,part (train, val, test)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in DIR")
    parser.add_argument("--epochs", type=positive, metavar="N", help="instead of the recipe's number")
    parser.add_argument("--encoder-weights", type=path, metavar="FILE", help="encoder weights in a safetensors file")
    parser.add_argument("--name", metavar="NAME", help="the model's name (default: the recipe's)")
    parser.add_argument(
        "--start-from",
        metavar="MODEL",
        help="a model's name, or its or its run's folder, whose weights the run starts with",
    )
    parser.add_argument(
        "--members",
        type=path,
        nargs="+",
        metavar="DIR",
        help="models' folders that the recipe ensemble joins, or the two runs of a pipeline",
    )
    parser.add_argument("--accelerator", metavar="NAME", help="auto (the default), cpu, cuda or mps")
    parser.add_argument("--devices", type=positive, metavar="N", help="how many of them (default: 1)")
    parser.add_argument(
        "--keep-epochs", type=positive, nargs="+", metavar="N", help="keep the weights after these epochs, for `epochs`"
    )
    parser.add_argument(
        "--estimate", action="store_true", help="make a few steps only, and say what time and memory the run would take"
    )
    _add_protocol(parser)
    _add_json(parser, "write the run's summary")


def _recipes(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "recipes", "list what can be trained: paper, task, input, parameters")
    parser.add_argument("name", nargs="?", metavar="NAME", help="show all settings of this one")
    parser.add_argument("--markdown", type=path, metavar="FILE", help="write the table of parameters as Markdown")
    _add_json(parser, "write the same for machines")


def _add_protocol(parser: Parser) -> None:
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        type=setting,
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="other values of the recipe's fields, such as learning_rate=1e-4 or input.size=288",
    )
    parser.add_argument("--from-scratch", action="store_true", help="start from random weights, not from ImageNet's")
    parser.add_argument(
        "--protocol",
        choices=("honest", "paper"),
        default="honest",
        help="paper: split and report as the paper did; marked as leaky, never the active model",
    )


def _crossval(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "crossval", "train and evaluate once a fold, and pool what each image got out of fold")
    _add_what(parser)
    parser.add_argument("--folds", type=positive, default=5, metavar="K", help="three or more (default: %(default)s)")
    parser.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="folder for folds and results")
    parser.add_argument("--resume", action="store_true", help="keep the finished folds in DIR and go on")
    parser.add_argument("--split", type=path, metavar="FILE", help="CSV of id,part: use the parts train and val alone")
    _add_start(parser, "each fold")
    parser.add_argument("--devices", type=positive, metavar="N", help="how many of them (default: 1)")
    _add_protocol(parser)
    _add_json(parser, "write the pooled figures")


def _tune(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "tune", "search hyperparameters; several workers may share one storage")
    _add_what(parser)
    parser.add_argument(
        "-o", "--out", required=True, type=path, metavar="DIR", help="folder for the results; a search there goes on"
    )
    parser.add_argument("--trials", type=positive, metavar="N", help="in all (default: the recipe's, usually 50)")
    parser.add_argument(
        "--storage", metavar="URL", help="where the workers of a search meet (default: trials.sqlite3 in DIR)"
    )
    parser.add_argument("--grid", action="store_true", help="try every combination of the choices, instead of TPE")
    parser.add_argument("--split", type=path, metavar="FILE", help="CSV of id,part (train, val, test)")
    parser.add_argument("--name", metavar="NAME", help="the search's name in the storage (default: the recipe's)")
    _add_start(parser, "each trial")
    _add_protocol(parser)
    _add_json(parser, "write what tune.json holds")


def _add_what(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", metavar="NAME", help="what to train")
    what.add_argument("--job", type=path, metavar="FILE", help="a job file that says what to train")
    _add_data(parser, required=False)


def _add_start(parser: Parser, each: str) -> None:
    parser.add_argument("--epochs", type=positive, metavar="N", help="instead of the recipe's number")
    parser.add_argument("--encoder-weights", type=path, metavar="FILE", help="encoder weights in a safetensors file")
    parser.add_argument(
        "--start-from",
        metavar="MODEL",
        help=f"a model's name, or its or its run's folder, whose weights {each} starts with",
    )
    parser.add_argument(
        "--members",
        type=path,
        nargs="+",
        metavar="DIR",
        help="models' folders that the recipe ensemble joins, or the two runs of a pipeline",
    )
    parser.add_argument("--accelerator", metavar="NAME", help="auto (the default), cpu, cuda or mps")


def _compare(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "compare", "compare evaluated models on the images they have in common")
    parser.add_argument(
        "runs", nargs="+", type=folder, metavar="RUN", help="folders written by evaluate -o or crossval, two or more"
    )
    parser.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="folder for tables and page")
    _add_json(parser, "write the comparison")


def _epochs(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "epochs", "draw the heatmap of an image at the kept epochs of a training run")
    parser.add_argument("run", type=folder, metavar="RUN", help="a run that was trained with --keep-epochs")
    parser.add_argument("image", type=path, metavar="IMAGE", help="any image the viewer opens")
    parser.add_argument("-o", "--out", required=True, type=path, metavar="FILE", help="the figure (PNG)")
    parser.add_argument("--epochs", type=positive, nargs="+", default=[], metavar="N", help="these (default: all kept)")
    parser.add_argument(
        "--mask", type=path, metavar="FILE", help="the true outline (default: IMAGE_mask.png beside it)"
    )
    parser.add_argument("--method", choices=METHODS, default=GRAD_CAM, help="default: %(default)s")
    parser.add_argument(
        "--target", choices=(*CLASSES, LESION), help="what the heat is of (default: the class at the last epoch)"
    )
    _add_json(parser, "write what each epoch says")


def _cases(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands, "cases", "list, export and import kept cases; make a training set; verify the audit trail"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    listed = _command(verbs, "list", "the cases in the store (with WORD: those that hold every word)")
    listed.add_argument("names", nargs="*", default=[], metavar="WORD", help="of path, patient, title or UID")
    _add_json(listed, "write the same for machines")
    export = _command(verbs, "export", "write whole cases as folders: images, outlines and their history, reports")
    export.add_argument("names", nargs="+", metavar="CASE", help="the case's UID, as list shows it")
    taken = _command(verbs, "import", "take over folders that export wrote")
    taken.add_argument("names", nargs="+", type=folder, metavar="FOLDER", help="an exported case")
    made = _command(
        verbs, "training-set", "write all corrected images as the next version of a de-identified training set"
    )
    for verb in (export, made):
        verb.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="folder to write into")
    audit = _command(verbs, "audit", "verify who did what")
    audit.add_argument("names", nargs="*", default=[], metavar="WORD", help="with --csv: only rows that hold this text")
    audit.add_argument("--csv", type=path, metavar="FILE", help="write the rows as CSV")


def _models(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "models", "list, show, install, verify and choose models")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for name, summary, argument in (
        ("list", "the installed models", None),
        ("show", "a model's card (default: the active model's)", "?"),
        ("install", "copy a model's folder, or what export wrote, to the user's models", 1),
        ("export", "write a model as one file with checksums", 1),
        ("verify", "check the weights against the card's SHA-256 (default: all models)", "*"),
        ("activate", "make a model the one that is used", 1),
        ("rollback", "go back to the model that was active before", None),
    ):
        verb = _command(verbs, name, summary)
        if argument is not None:
            kind = "FOLDER|FILE" if name == "install" else "NAME"
            verb.add_argument("names", nargs=argument, metavar=kind, default=[])
        if name in ("list", "show", "verify"):
            _add_json(verb, "write the same for machines")
        if name == "verify":
            verb.add_argument(
                "--heatmaps",
                type=path,
                metavar="FIGURE",
                help="also check that heatmaps change with random weights, and draw both (PNG)",
            )
        if name == "export":
            verb.add_argument("-o", "--out", required=True, type=path, metavar="FILE", help="the file to write")
        if name == "show":
            verb.add_argument("--html", type=path, metavar="FILE", help="write the card as a page to read")
            verb.add_argument("--markdown", type=path, metavar="FILE", help="write the card as Markdown")


def _dicom(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "dicom", "DICOM files at the command line")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    info = _command(verbs, "info", "what DICOM files are and what they refer to; names no patient")
    info.add_argument("paths", nargs="+", type=path, metavar="FILE", help="DICOM files")
    _add_json(info, "write the same for machines")
    clean = _command(verbs, "deidentify", "write DICOM files without their patients into a new folder")
    deidentify_words.add_words(clean)
    _add_json(clean, "write the report")
    dicom_network.add_verbs(lambda name, summary: _command(verbs, name, summary), _add_json)


def _bench(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "bench", "measure the speed against the reference pipeline in one run")
    _add_json(parser, "write the figures")


def _doctor(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "doctor", "say what this machine has and lacks, with the remedy")
    _add_json(parser, "write the findings")


def _demo(commands: _Commands[Parser]) -> None:
    parser = _command(commands, "demo", "analyse the bundled sample and write its reports")
    parser.add_argument(
        "-o", "--out", type=path, default=Path("busi-viewer-demo"), metavar="DIR", help="default: ./%(default)s"
    )
    _add_device(parser)


def _add_model(parser: Parser) -> None:
    parser.add_argument(
        "--model", metavar="M", help="a model's name, or its or its run's folder (default: the active one)"
    )


def _add_device(parser: Parser) -> None:
    parser.add_argument(
        "--device", type=device, default="auto", metavar="D", help="auto, cpu, cuda[:N] or mps (default: auto)"
    )


def _add_data(parser: Parser, *, required: bool) -> None:
    parser.add_argument(
        "--data",
        action="extend",
        nargs="+",
        type=folder,
        default=None if required else [],
        required=required,
        metavar="DIR",
        help="data set folders: class folders, a manifest.csv, or a case store",
    )


def _add_json(parser: Parser, what: str, *, required: bool = False) -> None:
    parser.add_argument("--json", type=path, metavar="FILE", required=required, help=f"{what} as JSON")
