"""``busi-viewer cases`` and what ``doctor`` says of the store, on the real store."""

import csv
import dataclasses
import json
import sqlite3

import numpy as np
import pytest

from busi_viewer import cli
from busi_viewer.bootstrap import services as real_services
from busi_viewer.core.document import Document
from busi_viewer.core.steps import replacement_step
from busi_viewer.workflow import casework, doctor
from busi_viewer.workflow.open import open_image


@pytest.fixture
def services(services):
    """The small engine with the real store and readers."""
    real = real_services()
    return dataclasses.replace(services, open_store=real.open_store, sources=real.sources)


@pytest.fixture
def case(make_image, services, tmp_path):
    """One corrected image in the user's store; the case's UID."""
    make_image(tmp_path / "left breast.png")
    record = open_image(tmp_path / "left breast.png", services.sources)
    store = casework.open_store(services)
    kept = store.open_image(record)
    store.commit(kept.image, replacement_step(Document(record), 0, np.ones(record.shape, bool), "Accept outline"))
    store.close()
    return kept.case


def test_without_a_store(services, tmp_path, capsys):
    assert cli.main(["cases", "list"], services) == 1
    assert "no case store yet" in capsys.readouterr().err
    assert not casework.store_folder().exists()


def test_list_export_import(case, services, tmp_path, capsys, monkeypatch):
    assert cli.main(["cases", "list", "BREAST", "--json", str(tmp_path / "cases.json")], services) == 0
    assert capsys.readouterr().out.startswith(case)
    assert json.loads((tmp_path / "cases.json").read_text())["cases"][0]["edited"]
    assert cli.main(["cases", "list", "nobody"], services) == 0
    assert capsys.readouterr().out == ""
    assert cli.main(["cases", "export", case, "-o", str(tmp_path / "out")], services) == 0
    assert cli.main(["cases", "import", str(tmp_path / "out" / case)], services) == 1
    assert "in the store already" in capsys.readouterr().err
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "elsewhere"))
    assert cli.main(["cases", "import", str(tmp_path / "out" / case)], services) == 0
    assert capsys.readouterr().out.strip() == case


def test_training_set(case, services, tmp_path, capsys):
    assert cli.main(["cases", "training-set", "-o", str(tmp_path / "sets")], services) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "sets" / "v001")


def test_a_case_store_is_a_data_set(case, services, tmp_path, capsys):
    figures = tmp_path / "figures.json"
    words = ["evaluate", "--data", str(casework.store_folder()), "--json", str(figures)]
    assert cli.main(words, services) == 0
    result = json.loads(figures.read_text())
    assert result["segmentation"]["n"] == 1
    made = casework.store_folder().parent / "training-sets"
    assert [path.name for path in made.iterdir()] == ["v001"]
    assert cli.main(["audit-data", str(casework.store_folder()), "--json", str(tmp_path / "audit.json")], services) == 0
    assert [path.name for path in made.iterdir()] == ["v001"], "nothing had changed since"
    (tmp_path / "left breast.png").unlink()
    assert cli.main(words, services) == 1
    assert "no corrected image" in capsys.readouterr().err


def test_doctor_without_a_store(services):
    [finding] = doctor._store(services)
    assert (finding.name, finding.status) == ("case store", "ok")


def test_audit_and_doctor(case, services, tmp_path, capsys):
    assert cli.main(["cases", "audit", "--csv", str(tmp_path / "audit.csv")], services) == 0
    assert "2 rows, intact" in capsys.readouterr().out
    with (tmp_path / "audit.csv").open(newline="") as stream:
        assert [row["action"] for row in csv.DictReader(stream)] == ["image added", "outline"]

    def said():
        return {finding.name: finding for finding in doctor._store(services)}

    assert said()["audit trail"].detail.startswith("2 rows verified")
    store = casework.open_store(services)
    assert "open in another window" in said()["case store"].detail
    store.close()
    connection = sqlite3.connect(store.path)
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("UPDATE audit SET user = 'someone else' WHERE number = 1")
    connection.commit()
    connection.close()
    assert said()["case store"].status == "ok"
    assert said()["audit trail"].status == "warning"
    assert "Row 1 of" in said()["audit trail"].detail
    assert cli.main(["cases", "audit"], services) == 1
    store.path.write_bytes(b"no database")
    assert said()["case store"].status == "warning"
    assert said()["case store"].remedy
