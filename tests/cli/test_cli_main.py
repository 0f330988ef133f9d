"""The command line end to end: words in, files and exit codes out."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from busi_viewer import __version__, cli, paths
from busi_viewer.cli.studies import table_of
from busi_viewer.cli.terminal import Terminal, duration, one_line
from busi_viewer.core.errors import ModelError
from busi_viewer.workflow import export

FRAME_KEYS = {
    *("index", "prediction", "above_operating_point", "probabilities", "calibrated", "abstained"),
    *("quality", "lesions", "heatmap", "timing_ms"),
}
TIMINGS = {"decode", "preprocess", "forward", "postprocess", "heatmap", "total"}


@pytest.mark.parametrize("words", [["--help"], *[[name, "--help"] for name in sorted(cli.COMMANDS)]])
def test_help_explains_every_command(services, capsys, words):
    assert cli.main(words, services) == 0
    out = capsys.readouterr().out
    assert "usage: busi-viewer" in out
    if words == ["--help"]:
        assert "[PATH ...]" in out
        assert all(f"\n    {name}" in out for name in cli.COMMANDS)
        assert "Research use only" in out
        assert "exit codes" in out


def test_version(services, capsys):
    assert cli.main(["--version"], services) == 0
    assert capsys.readouterr().out == f"busi-viewer {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["analyze"],
        ["analyze", "a.png"],
        ["analyze", "a.png", "-o", "x", "--segmentation"],
        ["analyze", "a.png", "-o", "x", "--over"],
        ["analyze", "a.png", "-o", "x", "--device", "gpu"],
        ["evaluate", "--data", "/nowhere", "--json", "x.json"],
        ["evaluate", "--data", "."],
        ["train", "-o", "x"],
        ["train", "--recipe", "a", "--job", "b", "-o", "x"],
        ["train", "--recipe", "a", "-o", "x"],
        ["train", "--recipe", "a", "--data", ".", "-o", "x", "--epochs", "0"],
        ["models"],
        ["models", "delete", "x"],
        ["models", "install"],
        ["crossval"],
        ["analyze", "a.png", "-o", ""],
        ["analyze", "", "-o", "x"],
        ["evaluate", "--data", "", "--json", "x"],
    ],
)
def test_wrong_usage_is_exit_2_and_one_line(services, capsys, words):
    assert cli.main(words, services) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_analyze_writes_schema_1_key_by_key(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "a.png", boxes=((10, 10, 40, 50), (60, 70, 85, 120)))
    assert cli.main(["analyze", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")], services) == 0
    result = json.loads((tmp_path / "out" / "a.json").read_text())
    assert list(result) == ["schema", "input", "model", "device", "frames", "warnings"]
    assert result["schema"] == 1
    assert set(result["input"]) == {"path", "sha256", "kind", "frames", "spacing_mm"}
    assert result["input"]["path"] == str(tmp_path / "a.png")
    assert (result["input"]["kind"], result["input"]["frames"], result["input"]["spacing_mm"]) == ("png", 1, None)
    assert len(result["input"]["sha256"]) == 64
    assert result["model"] == {"name": "otsu", "version": "1.0", "sha256": "0" * 64}
    assert result["device"] == "cpu"
    (frame,) = result["frames"]
    assert set(frame) == FRAME_KEYS | {"band"}
    assert frame["prediction"] == max(frame["probabilities"], key=frame["probabilities"].get)
    assert set(frame["probabilities"]) == {"normal", "benign", "malignant"}
    assert sum(frame["probabilities"].values()) == pytest.approx(1, abs=1e-9)
    assert set(frame["quality"]) == {"in_distribution", "score", "reasons"}
    assert set(frame["heatmap"]) == {"class", "inside_mask_share"}
    assert set(frame["timing_ms"]) == TIMINGS
    assert [type(frame[k]) for k in ("above_operating_point", "calibrated", "abstained")] == [bool] * 3
    assert len(frame["lesions"]) == 2
    lesion = frame["lesions"][0]
    assert lesion["area_px"] >= frame["lesions"][1]["area_px"]
    assert all(isinstance(v, int) for point in lesion["contour"] for v in point)
    x, y, w, h = lesion["bbox"]
    contour = np.array(lesion["contour"])
    assert (contour.min(axis=0) == [x, y]).all()
    assert (contour.max(axis=0) == [x + w - 1, y + h - 1]).all()
    assert capsys.readouterr() == ("", "")


def test_analyze_writes_the_summary(tmp_path, services, make_image):
    make_image(tmp_path / "in" / "a.png")
    make_image(tmp_path / "in" / "b.png", boxes=())
    cli.main(["analyze", str(tmp_path / "in"), "-o", str(tmp_path / "out")], services)
    with (tmp_path / "out" / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == export.SUMMARY_COLUMNS
    assert [(Path(r["input"]).name, r["frame"], r["n_lesions"]) for r in rows] == [
        ("a.png", "0", "1"),
        ("b.png", "0", "0"),
    ]
    assert rows[0]["long_axis_px"]
    assert rows[0]["long_axis_mm"] == rows[1]["long_axis_px"] == ""


def test_masks_of_busis_layout_are_never_inputs(tmp_path, services, make_image):
    make_image(tmp_path / "in" / "benign (1).png")
    make_image(tmp_path / "in" / "benign (1)_mask.png")
    make_image(tmp_path / "in" / "benign (1)_mask_1.png")
    cli.main(["analyze", str(tmp_path / "in"), "-o", str(tmp_path / "out")], services)
    assert [p.name for p in (tmp_path / "out").glob("*.json")] == ["benign (1).json"]


def test_some_failed_is_exit_3_with_each_named_on_one_line(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = [str(tmp_path / name) for name in ("a.png", "bad.png", "gone.png")]
    report = tmp_path / "run.json"
    assert cli.main(["analyze", *words, "-o", str(tmp_path / "out"), "--json", str(report)], services) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert {line.split(": ")[1] for line in lines} == set(words[1:])
    assert all(line.startswith("error: ") and line.count(". ") >= 1 for line in lines)
    content = json.loads(report.read_text())
    assert (content["schema"], content["done"], content["skipped"]) == (1, 1, 0)
    assert sorted(f["path"] for f in content["failed"]) == sorted(words[1:])
    assert (tmp_path / "out" / "a.json").exists()


def test_all_failed_is_exit_3_too(tmp_path, services):
    assert cli.main(["analyze", str(tmp_path / "gone.png"), "-o", str(tmp_path / "out")], services) == 3


def test_nothing_to_analyse_is_exit_2_with_words(tmp_path, services, make_image, capsys):
    (tmp_path / "empty").mkdir()
    make_image(tmp_path / "empty" / "sub" / "a.png")
    words = ["analyze", str(tmp_path / "empty"), "-o", str(tmp_path / "out")]
    assert cli.main(words, services) == 2
    assert "no images" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert cli.main([*words, "--recursive"], services) == 0


def test_an_output_that_is_a_file_is_wrong_usage(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "a.png")
    assert cli.main(["analyze", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.png")], services) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_existing_results_are_skipped_with_a_notice(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "a.png")
    words = ["analyze", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    cli.main(words, services)
    stamp = (tmp_path / "out" / "a.json").stat().st_mtime_ns
    assert cli.main(words, services) == 0
    err = capsys.readouterr().err
    assert "skipped" in err
    assert "--overwrite" in err
    assert "are by" not in err
    assert cli.main([*words, "--model", "another"], services) == 0
    assert "the results that existed are by otsu 00000000 (1)." in capsys.readouterr().err
    assert (tmp_path / "out" / "a.json").stat().st_mtime_ns == stamp
    assert cli.main([*words, "--overwrite"], services) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "out" / "a.json").stat().st_mtime_ns > stamp


def test_model_and_device_reach_the_engine_and_a_bad_model_is_exit_1(tmp_path, services, engine, make_image, capsys):
    make_image(tmp_path / "a.png")
    asked = []

    def load(model, device):
        asked.append((model, device))
        if model == "none":
            raise ModelError("no model named 'none' is installed", remedy="Installed: otsu.")
        return engine

    loading = replace(services, load_engine=load)
    base = ["analyze", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    assert cli.main([*base, "--model", "none"], loading) == 1
    assert capsys.readouterr().err == "error: no model named 'none' is installed. Installed: otsu.\n"
    assert cli.main([*base, "--model", "otsu", "--device", "cuda:1"], loading) == 0
    assert asked == [("none", "auto"), ("otsu", "cuda:1")]


def test_ctrl_c_is_exit_1_and_says_stopped(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "a.png")

    def stopped(model, device):
        raise KeyboardInterrupt

    words = ["analyze", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    assert cli.main(words, replace(services, load_engine=stopped)) == 1
    assert "stopped" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_bug_is_one_line_and_a_log_entry_without_values(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "a.png")

    def broken(model, device):
        raise ZeroDivisionError("Jane Doe, born 1970")

    words = ["analyze", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    assert cli.main(words, replace(services, load_engine=broken)) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    log = (paths.log_dir() / "busi_viewer.log").read_text()
    assert "ZeroDivisionError" in log
    assert "test_cli_main.py" in log
    assert "Jane" not in log + err
    assert cli.main([*words, "--verbose"], replace(services, load_engine=broken)) == 1
    assert "Traceback" in capsys.readouterr().err


def test_evaluate_writes_the_contracts_figures(tmp_path, services, make_image, capsys):
    root = tmp_path / "set"
    for index in range(3):
        boxes = ((20 + index, 30, 60, 90),)
        make_image(root / "benign" / f"b{index}.png", boxes=boxes, seed=index)
        y0, x0, y1, x1 = boxes[0]
        mask = np.zeros((96, 128), np.uint8)
        cv2.ellipse(mask, ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2), 0, 0, 360, 255, -1)
        cv2.imwrite(str(root / "benign" / f"b{index}_mask.png"), mask)
        make_image(root / "normal" / f"n{index}.png", boxes=(), seed=10 + index)
    out = tmp_path / "figures.json"
    assert cli.main(["evaluate", "--data", str(root), "--json", str(out)], services) == 0
    assert capsys.readouterr() == ("", "")
    result = json.loads(out.read_text())
    expected = {"n", "by_class", "segmentation", "classification", "selective", "latency_ms", "model", "failures"}
    assert expected <= set(result)
    segmentation, classification = result["segmentation"], result["classification"]
    assert segmentation["dice"]["mean"] > 0.9
    assert set(segmentation["dice"]) == set(segmentation["iou"]) == {"mean", "ci95", "median", "sd"}
    assert segmentation["false_alarm_rate_normal"]["value"] == 0
    assert classification["per_class"]["normal"]["recall"] == 1
    assert classification["auc_malignant_vs_rest"] == {"value": None, "ci95": None}
    assert {"coverage", "segmentation", "classification"} <= set(result["selective"])
    (root / "benign" / "b1.png").write_bytes(b"gone bad")
    assert cli.main(["evaluate", "--data", str(root), "--json", str(out)], services) == 3
    assert "b1.png" in capsys.readouterr().err
    assert len(json.loads(out.read_text())["failures"]) == 1


def test_the_table_of_an_evaluation_states_interval_n_data_and_model():
    def entry(value):
        return {"value": value, "ci95": [value - 0.1, value + 0.1] if value is not None else None}

    result = {
        "segmentation": {
            "dice": {"mean": 0.8, "ci95": [0.7, 0.9]},
            "lesion_recall": 0.5,
            "lesion_recall_ci95": [0.4, 0.6],
            "false_alarm_rate_normal": entry(None),
            "n_lesion": 7,
            "n_normal": 0,
        },
        "classification": {
            **{name: entry(0.5) for name in ("auc_malignant_vs_rest", "auc_malignant_vs_benign", "macro_f1")},
            **dict.fromkeys(("sensitivity_malignant", "specificity_malignant"), 0.9),
            **{f"{name}_ci95": [0.8, 1.0] for name in ("sensitivity_malignant", "specificity_malignant")},
            "per_class": {"normal": {"n": 2}, "benign": {"n": 4}, "malignant": {"n": 3}},
            "n": 9,
        },
        "data": {"sets": [{"name": "BUSI", "n": 9}]},
        "model": {"name": "otsu", "version": "1.0"},
    }
    lines = {line[:26].strip(): line[26:].split() for line in table_of(result).splitlines()}
    assert lines["lesion Dice"] == ["0.800", "0.700–0.900", "7"]
    assert lines["false alarms on normal"] == ["–", "–", "0"]
    assert lines["AUC malignant vs benign"][-1] == "7"
    assert lines["specificity malignant"][-1] == "6"
    assert "data: BUSI (9)" in lines
    assert "model: otsu 1.0" in lines


def copying_train(source, split):
    """Training that takes no time: its model is a copy of one at hand."""

    def train(*, out, data, progress, **options):
        progress({"event": "step", "step": 1, "of": 2, "epoch": 1})
        shutil.copytree(source, out / "model")
        return {
            "model": str(out / "model"),
            "split": str(split),
            "data": [str(d) for d in data],
            "options": str(options),
        }

    return train


def test_train_passes_its_options_on_and_puts_validation_figures_into_the_card(tmp_path, services, make_image, capsys):
    source = tmp_path / "model"
    source.mkdir()
    (source / "card.json").write_text(json.dumps({"schema": 1, "name": "m", "version": "1", "sha256": "0"}))
    make_image(tmp_path / "set" / "benign" / "a.png")
    make_image(tmp_path / "set" / "benign" / "b.png", seed=5)
    split = tmp_path / "split.csv"
    split.write_text("id,part\nset/benign/a.png,val\nset/benign/b.png,test\n")
    words = ["train", "--recipe", "small", "--data", str(tmp_path / "set"), "-o", str(tmp_path / "run")]
    more = ["--epochs", "3", "--resume", "--json", str(tmp_path / "run.json")]
    training = replace(services, train=copying_train(source, split))
    assert cli.main([*words, *more], training) == 0
    assert capsys.readouterr() == ("", "")
    summary = json.loads((tmp_path / "run.json").read_text())
    assert "'recipe': 'small'" in summary["options"]
    assert "'epochs': 3" in summary["options"]
    assert "'resume': True" in summary["options"]
    card = json.loads((tmp_path / "run" / "model" / "card.json").read_text())
    assert card["metrics"]["val"]["set"]["n"] == 1
    assert set(card["metrics"]) == {"val"}, "training leaves the test part closed"


def test_an_estimate_is_the_result_and_reaches_a_pipe(tmp_path, services, make_image, capsys):
    make_image(tmp_path / "set" / "benign" / "a.png")
    found = {"seconds": 120, "epochs": 3, "memory_bytes": 2**30, "accelerator_bytes": 0, "device": "cpu"}
    measuring = replace(services, train=lambda **options: {**found, "measured": {"steps": 4}})
    words = ["train", "--recipe", "small", "--data", str(tmp_path / "set"), "-o", str(tmp_path / "run"), "--estimate"]
    assert cli.main(words, measuring) == 0
    out, err = capsys.readouterr()
    assert out.startswith("about 2 min for 3 epochs, 1.0 GiB")
    assert err == ""


def test_evaluate_takes_a_part_of_a_split_and_refuses_half_of_one(tmp_path, services, make_image, capsys):
    root = tmp_path / "set"
    for name in ("a", "b"):
        make_image(root / "benign" / f"{name}.png")
    split = tmp_path / "split.csv"
    split.write_text("id,part\nset/benign/a.png,test\n")
    words = ["evaluate", "--data", str(root), "--json", str(tmp_path / "x.json"), "--split", str(split)]
    assert cli.main(words, services) == 2
    assert cli.main([*words, "--part", "test"], services) == 0
    result = json.loads((tmp_path / "x.json").read_text())
    assert (result["n"], result["data"]["part"], result["data"]["split"]) == (1, "test", "split.csv")
    assert cli.main([*words, "--part", "val"], services) == 1
    assert "val" in capsys.readouterr().err


def test_doctor_says_what_is_there_and_writes_it(tmp_path, services, capsys, monkeypatch):
    monkeypatch.setattr(paths, "bundled_models", lambda: tmp_path / "nothing")
    report = tmp_path / "doctor.json"
    assert cli.main(["doctor", "--json", str(report)], services) == 1
    out = capsys.readouterr().out
    assert "models install" in out
    findings = {f["name"]: f for f in json.loads(report.read_text())["findings"]}
    assert findings["active model"]["status"] == "missing"
    assert findings["torch"]["status"] == "ok"
    assert all(f["remedy"] for f in findings.values() if f["status"] != "ok")


def test_demo_analyses_the_sample_and_prints_its_reports(tmp_path, services, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = cli.main(["demo"], services)
    captured = capsys.readouterr()
    reports = captured.out.splitlines()
    assert reports
    assert all(Path(report).is_file() for report in reports)
    assert code == (3 if captured.err else 0)
    assert (tmp_path / "busi-viewer-demo" / "summary.csv").is_file()


def test_bench_prints_and_writes_what_it_measured(tmp_path, services, capsys):
    def measured(*, progress):
        progress("forward", 0.5)
        return {"schema": 1, "speedup": 4.2}

    words = ["bench", "--json", str(tmp_path / "bench.json")]
    assert cli.main(words, replace(services, benchmark=measured)) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "bench.json").read_text())


class TerminalStream(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_share_and_time_left_on_a_terminal_only():
    now = [0.0]
    stream = TerminalStream()
    terminal = Terminal(stream, clock=lambda: now[0])
    now[0] = 10.0
    terminal.progress("image\x1b[2J.png", 0.25)
    assert " 25 %" in stream.getvalue()
    assert "30 s left" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    terminal.finish("4 analysed")
    assert stream.getvalue().endswith("4 analysed\n")
    pipe = io.StringIO()
    silent = Terminal(pipe)
    silent.progress("image.png", 0.5)
    silent.finish("4 analysed")
    assert pipe.getvalue() == ""


def test_an_epochs_figures_stay_on_a_terminal():
    stream, pipe = TerminalStream(), io.StringIO()
    event = {"event": "epoch", "epoch": 2, "of": 9, "train_loss": 0.71234, "val_dice": 0.8, "val_auc_malignant": None}
    for one in (stream, pipe):
        Terminal(one).training({"event": "step", "step": 1, "of": 90, "epoch": 2})
        Terminal(one).training(event)
    assert stream.getvalue().splitlines()[-1].endswith("epoch 2 of 9: training loss 0.712, Dice 0.800")
    assert pipe.getvalue() == ""


def test_many_notices_are_counted():
    pipe = io.StringIO()
    terminal = Terminal(pipe)
    for index in range(50):
        terminal.skipped(Path(f"{index}.png"))
    terminal.finish("")
    lines = pipe.getvalue().splitlines()
    assert len(lines) == 21
    assert "30 more" in lines[-1]


def test_words_for_durations_and_names():
    assert [duration(s) for s in (0, 61, 200, 7500)] == ["0 s", "61 s", "3 min", "2 h 5 min"]
    assert one_line("a\nb\x1bc") == "a b?c"


def test_help_is_fast_and_imports_nothing_heavy():
    code = (
        "import sys; from busi_viewer import cli\n"
        "assert cli.main(['--help'], None) == 0\n"
        "heavy = {'torch', 'cv2', 'numpy', 'scipy', 'PySide6', 'pydicom'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - started < 2


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_terminated_batch_leaves_only_whole_results(tmp_path, make_image):
    for index in range(3):
        make_image(tmp_path / "in" / f"{index}.png")
    program = tmp_path / "slow.py"
    program.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from small_engine import OtsuEngine, around\n"
        "from busi_viewer import cli\n"
        "class Slow(OtsuEngine):\n"
        "    def analyse(self, record, *a, **k):\n"
        "        if record.path.name == '1.png':\n"
        "            print('ready', flush=True); time.sleep(60)\n"
        "        return super().analyse(record, *a, **k)\n"
        "sys.exit(cli.main(sys.argv[1:], around(Slow())))\n"
    )
    words = [sys.executable, str(program), "analyze", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--png"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err == "error: stopped; what was finished is kept.\n"
    found = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert found == ["0.heatmap.png", "0.json", "0.mask.png", "0.overlay.png", "summary.csv"]
