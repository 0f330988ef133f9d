"""What an audit found between images: they stand together, and each tile says with which."""

from busi_viewer.gui.training.findings import Findings, GroupRole, IdRole


def found(kind, *ids):
    return {"kind": kind, "ids": ids, "what": "correlation 0.99"}


def test_images_that_are_alike_stand_together_over_any_of_them(qtbot, qapp):
    findings = Findings()
    qtbot.addWidget(findings)
    pairs = [found("near_duplicates", *ids) for ids in (("a", "b"), ("c", "d"), ("e", "b"), ("f", "c"))]
    entries = [
        {"kind": kind, "title": kind, "do": "", "severity": "warn", "findings": 2, "images": 2}
        for kind in ("near_duplicates", "empty_mask")
    ]
    result = {"summary": entries, "findings": [*pairs, found("empty_mask", "g"), found("empty_mask", "a")]}
    findings.show_audit(result, {}, {})
    tiles = [findings.images.item(row) for row in range(findings.images.count())]
    assert [(tile.data(IdRole), tile.data(GroupRole)) for tile in tiles] == [
        *(("a", 1), ("b", 1), ("e", 1)),
        *(("c", 2), ("d", 2), ("f", 2)),
    ]
    findings.kinds.setCurrentRow(1)
    tiles = [findings.images.item(row) for row in range(findings.images.count())]
    assert [(tile.data(IdRole), tile.data(GroupRole)) for tile in tiles] == [("g", None), ("a", None)]
