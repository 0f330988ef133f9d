"""``busi-viewer dicom``."""

import json
from dataclasses import replace

from pydicom import dcmread
from pydicom.data import get_testdata_file
from small_engine import OtsuEngine

from busi_viewer import bootstrap, cli


def test_info_prints_and_names_what_failed(tmp_path, capsys):
    path, missing, out = get_testdata_file("examples_rgb_color.dcm"), str(tmp_path / "none.dcm"), tmp_path / "info.json"
    assert bootstrap.main(["dicom", "info", path, missing, "--json", str(out)]) == 3
    printed = capsys.readouterr()
    assert "Ultrasound Image Storage" in printed.out
    assert "none.dcm" in printed.err
    written = json.loads(out.read_text(encoding="ascii"))
    assert written["files"][0]["photometric"] == "RGB"
    assert [failure["path"] for failure in written["failed"]] == [missing]


def test_analyze_writes_one_segmentation_and_one_report_over_all_frames(tmp_path):
    services = replace(bootstrap.services(), load_engine=lambda model, device: OtsuEngine())
    source = get_testdata_file("examples_ybr_color.dcm")
    assert cli.main(["analyze", source, "-o", str(tmp_path), "--seg", "--sr"], services) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "examples_ybr_color.json",
        "examples_ybr_color.seg.dcm",
        "examples_ybr_color.sr.dcm",
        "summary.csv",
    }
    seg = dcmread(tmp_path / "examples_ybr_color.seg.dcm")
    groups = seg.PerFrameFunctionalGroupsSequence
    frames = {g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber for g in groups}
    outlined = json.loads((tmp_path / "examples_ybr_color.json").read_text(encoding="ascii"))["frames"]
    assert frames == {frame["index"] + 1 for frame in outlined if frame["lesions"] and not frame["abstained"]}
    assert len(groups) == seg.NumberOfFrames == len(seg.pixel_array)
