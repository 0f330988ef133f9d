"""Batches: outputs whole or not at all, one bad file never stops the others, memory bounded for long cines."""

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from busi_viewer.core.errors import ModelError, OutputError
from busi_viewer.core.frames import LazyFrames
from busi_viewer.core.image import ImageRecord
from busi_viewer.workflow import analyse
from busi_viewer.workflow.analyse import Analysis, Outputs, gather


class Watch:
    def __init__(self):
        self.texts, self.skips, self.failures = [], [], []

    def progress(self, text, share):
        assert 0 <= share <= 1
        self.texts.append(text)

    def skipped(self, path):
        self.skips.append(path)

    def failed(self, failure):
        self.failures.append(failure)


def run(services, paths, out, **options):
    watch = Watch()
    analysis = Analysis(Outputs(out, **options), services, lambda: services.load_engine(None, "auto"), watch)
    return analysis.run(gather(paths, recursive=True)), watch


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_every_output_of_a_folder_is_where_the_contract_says(tmp_path, services, make_image):
    make_image(tmp_path / "in" / "a.png")
    make_image(tmp_path / "in" / "sub" / "b.png")
    batch, _ = run(services, [tmp_path / "in"], tmp_path / "out", png=True, pdf=True)
    parts = ("heatmap.png", "json", "mask.png", "overlay.png", "pdf")
    expected = [f"{stem}.{part}" for stem in ("a", "sub/b") for part in parts]
    assert files(tmp_path / "out") == sorted([*expected, "summary.csv"])
    assert len(batch.done) == 2
    assert not any(p.name.startswith(".") for p in (tmp_path / "out").rglob("*"))


def test_a_model_that_gives_no_outline_writes_no_mask_and_no_segmentation_and_says_so(
    tmp_path, services, engine, make_image
):
    """An empty mask, or a segment "No lesion outlined", would say that it looked for one and saw none."""
    engine.model = replace(engine.model, tasks=("classification",))
    make_image(tmp_path / "a.png", boxes=())
    run(services, [tmp_path / "a.png"], tmp_path / "out", png=True, pdf=True, panels="own", seg=True, sr=True)
    parts = ("heatmap.png", "image.dcm", "json", "overlay.png", "panels.png", "pdf", "sr.dcm")
    assert files(tmp_path / "out") == [*(f"a.{part}" for part in parts), "summary.csv"]
    assert json.loads((tmp_path / "out" / "a.json").read_text())["warnings"] == ["The model gives no outline"]
    assert "No lesion outlined" not in str(pydicom.dcmread(tmp_path / "out" / "a.sr.dcm"))


def test_pictures_have_the_images_own_size_and_masks_are_0_and_255(tmp_path, services, make_image):
    image = make_image(tmp_path / "a.png", shape=(101, 77), boxes=((30, 20, 60, 50),))
    run(services, [tmp_path / "a.png"], tmp_path / "out", png=True)
    mask = cv2.imread(str(tmp_path / "out" / "a.mask.png"), cv2.IMREAD_UNCHANGED)
    assert (mask.shape, mask.dtype) == (image.shape, np.uint8)
    assert set(np.unique(mask)) == {0, 255}
    result = json.loads((tmp_path / "out" / "a.json").read_text())
    assert sum(lesion["area_px"] for lesion in result["frames"][0]["lesions"]) == (mask > 0).sum()
    for name in ("a.overlay.png", "a.heatmap.png"):
        picture = cv2.imread(str(tmp_path / "out" / name), cv2.IMREAD_UNCHANGED)
        assert picture.shape == (*image.shape, 3)


def test_a_bad_file_is_named_with_its_reason_and_the_others_are_done(tmp_path, services, make_image):
    make_image(tmp_path / "in" / "a.png")
    whole = (tmp_path / "in" / "a.png").read_bytes()
    (tmp_path / "in" / "b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in" / "c.png").write_bytes(b"")
    make_image(tmp_path / "in" / "d.png")
    batch, watch = run(services, [tmp_path / "in", tmp_path / "gone.png"], tmp_path / "out", png=True, pdf=True)
    assert [Path(p).name for p in batch.done] == ["a.png", "d.png"]
    assert sorted(Path(f.path).name for f in watch.failures) == ["b.png", "c.png", "gone.png"]
    assert all(f.reason and "\n" not in f.reason for f in watch.failures)
    assert not any(name.startswith(("b.", "c.", "gone")) for name in files(tmp_path / "out"))


class Failing:
    """An engine that meets an error on one file."""

    def __init__(self, engine, name, error, frame=0):
        self._engine, self._name, self._error, self._frame = engine, name, error, frame
        self.model, self.device = engine.model, engine.device

    def analyse(self, record, frames=None, **options):
        if record.path.name == self._name and self._frame in frames:
            raise self._error
        return self._engine.analyse(record, frames, **options)

    def prepare_many(self):
        return self._engine.prepare_many()


def with_engine(services, engine):
    return replace(services, load_engine=lambda model, device: engine)


@pytest.mark.parametrize(
    ("error", "words"),
    [(MemoryError(), "memory"), (RuntimeError("patient Jane Doe"), "internal error"), (OSError(5, "I/O error"), "I/O")],
)
def test_an_error_of_the_engine_fails_that_file_only(tmp_path, services, engine, make_image, error, words):
    for name in "abc":
        make_image(tmp_path / "in" / f"{name}.png")
    failing = with_engine(services, Failing(engine, "b.png", error))
    batch, watch = run(failing, [tmp_path / "in"], tmp_path / "out")
    assert [Path(p).name for p in batch.done] == ["a.png", "c.png"]
    assert words in watch.failures[0].reason
    assert "Jane" not in watch.failures[0].reason
    assert files(tmp_path / "out") == ["a.json", "c.json", "summary.csv"]


def test_stopping_leaves_whole_results_and_nothing_else(tmp_path, services, engine, make_image):
    for name in "abc":
        make_image(tmp_path / "in" / f"{name}.png")
    failing = with_engine(services, Failing(engine, "b.png", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(failing, [tmp_path / "in"], tmp_path / "out", png=True)
    assert files(tmp_path / "out") == ["a.heatmap.png", "a.json", "a.mask.png", "a.overlay.png", "summary.csv"]
    assert len((tmp_path / "out" / "summary.csv").read_text().splitlines()) == 2
    assert os.listdir(tmp_path / "out").count(".busi-viewer") == 0


def test_a_failing_report_leaves_no_pictures_behind(tmp_path, services, engine, make_image):
    class Broken:
        def write(self, document, path, **_more):
            path.write_bytes(b"%PDF half")
            raise OutputError("the report could not be written", path=path)

    make_image(tmp_path / "a.png")
    broken = replace(services, report_writer=Broken)
    batch, _ = run(broken, [tmp_path / "a.png"], tmp_path / "out", png=True, pdf=True)
    assert len(batch.failed) == 1
    assert files(tmp_path / "out") == []


def test_the_reports_template_is_handed_on(tmp_path, services, engine, make_image):
    class Telling:
        def write(self, document, path, *, template):
            path.write_text(template)

    make_image(tmp_path / "a.png")
    run(replace(services, report_writer=Telling), [tmp_path / "a.png"], tmp_path / "out", pdf=True, template="short")
    assert (tmp_path / "out" / "a.pdf").read_text() == "short"


def test_results_that_exist_are_kept_and_still_in_the_summary(tmp_path, services, engine, make_image):
    make_image(tmp_path / "in" / "a.png")
    run(services, [tmp_path / "in"], tmp_path / "out")
    first = (tmp_path / "out" / "summary.csv").read_text()
    stamp = (tmp_path / "out" / "a.json").stat().st_mtime_ns
    make_image(tmp_path / "in" / "b.png", seed=1)
    batch, watch = run(services, [tmp_path / "in"], tmp_path / "out")
    assert (len(batch.done), len(batch.skipped)) == (1, 1)
    assert [p.name for p in watch.skips] == ["a.png"]
    assert (tmp_path / "out" / "a.json").stat().st_mtime_ns == stamp
    assert (tmp_path / "out" / "summary.csv").read_text().startswith(first)
    assert len(engine.chunks) == 2


def test_the_engine_is_not_loaded_when_nothing_is_left_to_do(tmp_path, services, make_image):
    make_image(tmp_path / "a.png")
    run(services, [tmp_path / "a.png"], tmp_path / "out")

    def no_engine(model, device):
        raise ModelError("no model")

    without = replace(services, load_engine=no_engine)
    batch, _ = run(without, [tmp_path / "a.png", tmp_path / "gone.png"], tmp_path / "out")
    assert (len(batch.skipped), len(batch.failed)) == (1, 1)


def test_overwrite_analyses_again(tmp_path, services, make_image):
    make_image(tmp_path / "a.png")
    run(services, [tmp_path / "a.png"], tmp_path / "out", png=True)
    (tmp_path / "out" / "a.json").write_text("{}")
    make_image(tmp_path / "a.png", boxes=())
    batch, _ = run(services, [tmp_path / "a.png"], tmp_path / "out", png=True, overwrite=True)
    assert len(batch.done) == 1
    assert not cv2.imread(str(tmp_path / "out" / "a.mask.png"), cv2.IMREAD_UNCHANGED).any()
    assert json.loads((tmp_path / "out" / "a.json").read_text())["frames"][0]["lesions"] == []


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema": 2, "frames": [], "input": {"path": "a.png"}}'])
def test_a_file_in_the_way_is_neither_read_as_a_result_nor_replaced(tmp_path, services, make_image, content):
    make_image(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.json").write_text(content)
    batch, _ = run(services, [tmp_path / "a.png"], tmp_path / "out")
    assert "not a result" in batch.failed[0].reason
    assert (tmp_path / "out" / "a.json").read_text() == content


def test_another_images_result_is_not_taken_for_this_ones(tmp_path, services, make_image):
    make_image(tmp_path / "a.png")
    make_image(tmp_path / "a.bmp", seed=4)
    run(services, [tmp_path / "a.png"], tmp_path / "out")
    batch, _ = run(services, [tmp_path / "a.bmp"], tmp_path / "out")
    assert "a.png" in batch.failed[0].reason


def test_an_image_of_the_same_name_is_not_given_the_other_ones_result(tmp_path, services, make_image):
    for number, patient in enumerate(("anna", "berta")):
        make_image(tmp_path / patient / "IM1.png", seed=number)
    run(services, [tmp_path / "anna"], tmp_path / "out")
    kept = (tmp_path / "out" / "IM1.json").read_text()
    batch, _ = run(services, [tmp_path / "berta"], tmp_path / "out")
    assert "another image" in batch.failed[0].reason
    assert (tmp_path / "out" / "IM1.json").read_text() == kept
    assert "berta" not in (tmp_path / "out" / "summary.csv").read_text()
    make_image(tmp_path / "anna" / "IM1.png", seed=2)
    batch, _ = run(services, [tmp_path / "anna"], tmp_path / "out")
    assert "before it changed" in batch.failed[0].reason


@pytest.mark.parametrize("stem", ["y" * 249, "y" * 251])
def test_a_name_too_long_for_its_results_is_said_so(tmp_path, services, make_image, stem):
    make_image(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / f"{stem}.png")
    batch, _ = run(services, [tmp_path / f"{stem}.png"], tmp_path / "out", png=True)
    assert "shorter name" in batch.failed[0].reason
    assert files(tmp_path / "out") == []


def test_a_users_file_beside_the_images_is_not_replaced_unasked(tmp_path, services, make_image):
    make_image(tmp_path / "a.png")
    (tmp_path / "a.pdf").write_text("mine")
    batch, _ = run(services, [tmp_path / "a.png"], tmp_path, pdf=True)
    assert "exists already" in batch.failed[0].reason
    assert (tmp_path / "a.pdf").read_text() == "mine"
    assert files(tmp_path) == ["a.pdf", "a.png"]


def test_images_of_one_name_keep_their_extensions(tmp_path, services, make_image):
    for name in ("a.png", "a.bmp", "b.png"):
        make_image(tmp_path / "in" / name)
    run(services, [tmp_path / "in"], tmp_path / "out")
    assert files(tmp_path / "out") == ["a.bmp.json", "a.png.json", "b.json", "summary.csv"]


def test_a_second_folder_adds_to_the_summary(tmp_path, services, make_image):
    make_image(tmp_path / "x" / "a.png")
    make_image(tmp_path / "y" / "b.png")
    run(services, [tmp_path / "x"], tmp_path / "out")
    run(services, [tmp_path / "y"], tmp_path / "out")
    run(services, [tmp_path / "y"], tmp_path / "out", overwrite=True)
    lines = (tmp_path / "out" / "summary.csv").read_text().splitlines()
    assert [Path(line.split(",")[0]).name for line in lines] == ["input", "a.png", "b.png"]


def test_an_output_folder_that_cannot_be_made_is_one_error(tmp_path, services, make_image):
    make_image(tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        run(services, [tmp_path / "a.png"], tmp_path / "file" / "out")


class CineSource:
    """A cine of generated frames, none of which is kept."""

    def __init__(self, frames, make):
        self.frames, self.make = frames, make

    def claims(self, path, head):
        return True

    def open(self, path):
        first = self.make(0)
        frames = LazyFrames(self.frames, self.make)
        return ImageRecord(path, "c" * 64, "dicom", frames, first.shape, (0.1, 0.1))


@pytest.fixture
def cine(services, make_image, tmp_path):
    image = make_image(tmp_path / "still.png")

    def frame(index):
        return np.roll(image, index, axis=1).copy()

    (tmp_path / "clip.dcm").write_bytes(b"x")
    return replace(services, sources=(CineSource(37, frame),))


def test_a_cine_is_analysed_in_pieces_with_numbered_pictures(tmp_path, cine, engine):
    run(cine, [tmp_path / "clip.dcm"], tmp_path / "out", png=True, pdf=True)
    assert [i for chunk in engine.chunks for i in chunk] == list(range(37))
    assert max(map(len, engine.chunks)) <= analyse.CHUNK_FRAMES
    found = files(tmp_path / "out")
    assert [name for name in found if name.endswith(".mask.png")] == [f"clip.f{i:04d}.mask.png" for i in range(37)]
    assert {"clip.json", "clip.pdf", "clip.f0036.overlay.png", "clip.f0000.heatmap.png"} <= set(found)
    result = json.loads((tmp_path / "out" / "clip.json").read_text())
    assert [f["index"] for f in result["frames"]] == list(range(37))
    assert result["input"]["frames"] == 37
    assert len((tmp_path / "out" / "summary.csv").read_text().splitlines()) == 38
    shown = [line for line in (tmp_path / "out" / "clip.pdf").read_text().splitlines()[1:] if not line.endswith(" 0")]
    assert len(shown) == analyse.REPORTED_FRAMES


def test_one_bad_frame_fails_the_cine_without_partial_outputs(tmp_path, cine, engine):
    failing = with_engine(cine, Failing(engine, "clip.dcm", MemoryError(), frame=20))
    batch, _ = run(failing, [tmp_path / "clip.dcm"], tmp_path / "out", png=True, pdf=True)
    assert len(batch.failed) == 1
    assert files(tmp_path / "out") == []


def test_large_frames_are_analysed_one_by_one():
    huge = ImageRecord(Path("a"), "", "tiff", LazyFrames(3, lambda i: np.zeros((8000, 8000), np.uint8)), (8000, 8000))
    assert [list(chunk) for chunk in analyse._chunks(huge)] == [[0], [1], [2]]


class Together:
    """An engine that two threads may call, and that notes how many do."""

    def __init__(self, engine):
        self._engine = engine
        self.model, self.device = engine.model, engine.device
        self.threads = set()

    def prepare_many(self):
        return 2

    def analyse(self, record, frames=None, **options):
        self.threads.add(threading.get_ident())
        time.sleep(0.05)
        return self._engine.analyse(record, frames, **options)


def test_files_side_by_side_give_what_they_give_one_by_one(tmp_path, services, make_image):
    for index in range(6):
        make_image(tmp_path / "in" / f"{index}.png", boxes=((20 + index, 20, 60, 50),))
    (tmp_path / "in" / "7.png").write_bytes(b"no image")
    together = Together(services.load_engine(None, "auto"))
    batch, _ = run(with_engine(services, together), [tmp_path / "in"], tmp_path / "a", png=True, panels="jet")
    alone, _ = run(services, [tmp_path / "in"], tmp_path / "b", png=True, panels="jet")
    assert len(together.threads) == 2
    assert [Path(p).name for p in batch.done] == [Path(p).name for p in alone.done] == [f"{i}.png" for i in range(6)]
    assert [Path(f.path).name for f in batch.failed] == ["7.png"]
    assert files(tmp_path / "a") == files(tmp_path / "b")
    for name in files(tmp_path / "a"):
        if name.endswith((".png", ".csv")):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_stopping_them_side_by_side_leaves_whole_results_and_nothing_else(tmp_path, services, make_image):
    for index in range(8):
        make_image(tmp_path / "in" / f"{index}.png")

    class Stop(Watch):
        def progress(self, text, share):
            if text == "3.png":
                raise KeyboardInterrupt

    engine = Together(services.load_engine(None, "auto"))
    analysis = Analysis(Outputs(tmp_path / "out", png=True), services, lambda: engine, Stop())
    with pytest.raises(KeyboardInterrupt):
        analysis.run(gather([tmp_path / "in"], recursive=True))
    found = files(tmp_path / "out")
    assert not any(name.startswith(".") for name in found)
    stems = {name.split(".")[0] for name in found if name.endswith(".json")}
    assert {"0", "1", "2"} <= stems
    assert sorted(found) == sorted(
        [f"{stem}.{part}" for stem in stems for part in ("heatmap.png", "json", "mask.png", "overlay.png")]
        + ["summary.csv"]
    )
