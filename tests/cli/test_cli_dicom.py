"""``busi-viewer dicom``."""

import json

from pydicom.data import get_testdata_file

from busi_viewer import bootstrap


def test_info_prints_and_names_what_failed(tmp_path, capsys):
    path, missing, out = get_testdata_file("examples_rgb_color.dcm"), str(tmp_path / "none.dcm"), tmp_path / "info.json"
    assert bootstrap.main(["dicom", "info", path, missing, "--json", str(out)]) == 3
    printed = capsys.readouterr()
    assert "Ultrasound Image Storage" in printed.out
    assert "none.dcm" in printed.err
    written = json.loads(out.read_text(encoding="ascii"))
    assert written["files"][0]["photometric"] == "RGB"
    assert [failure["path"] for failure in written["failed"]] == [missing]
