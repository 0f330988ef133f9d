import json
from dataclasses import replace
from pathlib import Path

import pytest

from busi_viewer import settings
from busi_viewer.core.errors import OutputError
from busi_viewer.settings import Settings


def test_saved_settings_come_back(tmp_path):
    path = tmp_path / "config" / "settings.json"
    chosen = replace(Settings(), theme="light", recent=("/a", "/b"), splitter=(1, 2, 3), heatmap_opacity=0.7, model="x")
    settings.save(chosen, path)
    assert settings.load(path) == chosen
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"], "no temporary file is left"


def test_a_missing_file_gives_the_defaults(tmp_path):
    assert settings.load(tmp_path / "none.json") == Settings()


@pytest.mark.parametrize("content", [b"", b"{not json", b"[1, 2]", b"\xff\xfe\x00"])
def test_a_broken_file_gives_the_defaults_and_is_kept_aside(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert settings.load(path) == Settings()
    assert (tmp_path / "settings.json.broken").read_bytes() == content
    settings.save(Settings(), path)
    assert settings.load(path) == Settings()


def test_values_of_the_wrong_type_or_range_fall_back_one_by_one(tmp_path):
    path = tmp_path / "settings.json"
    raw = {
        "theme": "purple",
        "recent": ["/a", 3],
        "splitter": [1, True],
        "heatmap": "yes",
        "heatmap_opacity": 7,
        "brush_radius": 12,
        "maximized": True,
        "version": "old",
    }
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert settings.load(path) == replace(Settings(), brush_radius=12.0, maximized=True)


def test_a_newer_version_keeps_what_is_unknown_here(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"version": 9, "theme": "light", "shortcuts": {"undo": "U"}}), encoding="utf-8")
    loaded = settings.load(path)
    assert loaded.theme == "light"
    settings.save(replace(loaded, theme="dark"), path)
    assert json.loads(path.read_text(encoding="utf-8"))["shortcuts"] == {"undo": "U"}
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 9


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="settings could not be saved"):
        settings.save(Settings(), tmp_path / "file" / "settings.json")


def test_recent_is_newest_first_without_repeats_and_bounded():
    chosen = Settings()
    for i in [*range(12), 5]:
        chosen = chosen.with_recent(Path(f"/study{i}"))
    assert chosen.recent[0] == str(Path("/study5"))
    assert len(chosen.recent) == settings.MAX_RECENT == len(set(chosen.recent))
