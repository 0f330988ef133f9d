"""The Network page with real peers: what is sent arrives, what is received is in the worklist, the queue outlives the window."""

import subprocess

import pytest
from dicom_peers import free_port, instances, small_object, storescp, tool
from pydicom import dcmread
from pydicom.data import get_testdata_file
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from window_kit import open_and_wait, window, write_image

from busi_viewer import settings
from busi_viewer.gui import network_page
from busi_viewer.workflow.send_queue import SendQueue


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))


@pytest.fixture
def study(tmp_path):
    """Two DICOM images with objects of their own."""
    (tmp_path / "study").mkdir()
    for number in (1, 2):
        ds = dcmread(get_testdata_file("examples_rgb_color.dcm"))
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.7.{number}"
        ds.save_as(tmp_path / "study" / f"{number}.dcm")
    return tmp_path / "study"


def on_page(made):
    made.actions_["network_page"].trigger()
    return made.network


def add_peer(page, port):
    page.new_peer.setText(f"STORESCP@127.0.0.1:{port}")
    page.add.click()


def titles(made):
    return [notice.title for notice in made.notices.shown()]


def test_the_image_in_view_and_files_arrive_at_the_chosen_peer(qtbot, qapp, study, tmp_path, monkeypatch):
    extra = small_object(tmp_path / "result.sr.dcm", 9)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(extra)], ""))
    with storescp(tmp_path / "in") as port, window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        page = on_page(made)
        assert not page.send_image.isEnabled(), "no peer yet"
        add_peer(page, port)
        page.test.click()
        qtbot.waitUntil(lambda: page.answer.text().endswith("answers"), timeout=10000)
        page.send_image.click()
        page.send_files.click()
        qtbot.waitUntil(lambda: len(list((tmp_path / "in").iterdir())) == 2, timeout=15000)
        qtbot.waitUntil(lambda: page.table.rowCount() == 0 and page._count.text() == "Nothing waits", timeout=10000)
    assert instances(tmp_path / "in") == ["1.2.826.0.1.9", "1.2.826.7.1"]


def test_what_waits_can_be_tried_again_or_cancelled(qtbot, qapp, study, tmp_path):
    port = free_port()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        page = on_page(made)
        add_peer(page, port)
        page.send_image.click()
        qtbot.waitUntil(
            lambda: page.table.rowCount() == 1 and "cannot be reached" in page.table.item(0, 4).text(), timeout=15000
        )
        assert page.table.item(0, 0).text().startswith("Again in")
        with storescp(tmp_path / "in", port=port):
            page.retry.click()
            qtbot.waitUntil(lambda: page.table.rowCount() == 0, timeout=15000)
        assert instances(tmp_path / "in") == ["1.2.826.7.1"]
        page.send_image.click()
        qtbot.waitUntil(lambda: page.table.rowCount() == 1, timeout=15000)
        assert not page.cancel.isEnabled()
        page.table.selectRow(0)
        page.cancel.click()
        qtbot.waitUntil(lambda: page.table.rowCount() == 0, timeout=15000)
        assert SendQueue().jobs() == []


def test_the_queue_outlives_the_window_and_settings_are_kept(qtbot, qapp, study, tmp_path):
    port = free_port()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study)
        page = on_page(made)
        page.title.setText("ROOM 3")
        page.callers.setCurrentText("Known peers only")
        add_peer(page, port)
        page.send_image.click()
        qtbot.waitUntil(lambda: len(SendQueue().jobs()) == 1, timeout=15000)
    kept = settings.load()
    assert (kept.own_title, kept.known_callers_only, kept.peers) == ("ROOM 3", True, (f"STORESCP@127.0.0.1:{port}",))
    SendQueue().retry()
    with storescp(tmp_path / "in", port=port), window(qtbot, qapp):
        qtbot.waitUntil(lambda: SendQueue().jobs() == [], timeout=20000)
    assert instances(tmp_path / "in") == ["1.2.826.7.1"]


def test_what_is_received_is_in_the_worklist_and_what_is_in_view_stays(qtbot, qapp, study, tmp_path):
    storescu, port = tool("storescu"), free_port()
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, study / "1.dcm")
        page = on_page(made)
        page.port.setValue(port)
        page.listen.click()
        qtbot.waitUntil(lambda: page.state.text().startswith("Receiving as"), timeout=15000)
        assert not page.title.isEnabled()
        sent = [storescu, "-aec", "BUSIVIEWER", "-aet", "PACS", "127.0.0.1", str(port), str(study / "2.dcm")]
        assert subprocess.run(sent, timeout=30).returncode == 0
        qtbot.waitUntil(lambda: made.model.rowCount() == 2, timeout=15000)
        assert made.reading.path == study / "1.dcm"
        qtbot.waitUntil(lambda: "Received 1 object" in titles(made), timeout=5000)
        received = next(item.path for item in made.model.items if item.path != study / "1.dcm")
        assert dcmread(received).SOPInstanceUID == "1.2.826.7.2"
        page.listen.click()
        qtbot.waitUntil(lambda: page.state.text() == "Not receiving", timeout=15000)
        assert subprocess.run(sent, timeout=30, capture_output=True).returncode != 0


def test_the_first_object_received_is_shown_where_nothing_was_open(qtbot, qapp, study):
    storescu, port = tool("storescu"), free_port()
    with window(qtbot, qapp) as made:
        page = on_page(made)
        page.port.setValue(port)
        page.listen.click()
        qtbot.waitUntil(lambda: page.state.text().startswith("Receiving as"), timeout=15000)
        sent = [storescu, "-aec", "BUSIVIEWER", "127.0.0.1", str(port), str(study / "1.dcm"), str(study / "2.dcm")]
        assert subprocess.run(sent, timeout=30).returncode == 0
        qtbot.waitUntil(lambda: made.model.rowCount() == 2, timeout=15000)
        qtbot.waitUntil(lambda: made.reading.session is not None, timeout=15000)


def test_wrong_words_and_wrong_images_are_told(qtbot, qapp, tmp_path):
    write_image(tmp_path / "us.png")
    with window(qtbot, qapp) as made:
        open_and_wait(qtbot, made, tmp_path / "us.png")
        page = on_page(made)
        page.new_peer.setText("nonsense")
        qtbot.keyClick(page.new_peer, Qt.Key.Key_Return)
        assert page.peers.count() == 0
        assert any("does not name a peer" in title for title in titles(made))
        add_peer(page, 104)
        page.send_image.click()
        assert any("no DICOM file" in title for title in titles(made))
        assert SendQueue().jobs() == []
        page.remove.click()
        assert not page.send_files.isEnabled()
        assert network_page.LISTEN_ON[page.address.currentText()] == "127.0.0.1"
    assert settings.load().listen_port == 11112
