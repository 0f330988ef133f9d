"""The audit's page shows each finding with its thumbnails, worst first, and counts what it leaves out."""

from html.parser import HTMLParser

import numpy as np

from busi_viewer.core.audit import KINDS, Finding
from busi_viewer.core.thumbnails import thumbnail
from busi_viewer.report.audit_page import CARDS, MOST, NOTE_CARDS, audit_page

NASTY = "set/<b>x</b>.png"
PICTURE = thumbnail(np.full((40, 60), 80, np.uint8))


class Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def result(findings, groups=(), split=None):
    counts = {
        "name": "set",
        "images": 3,
        "unreadable": 1,
        "by_class": {"normal": 1, "benign": 1, "malignant": 0, "no label": 1},
        "with_mask": 1,
        "patients": None,
        "images_per_patient": None,
    }
    kinds = [finding.kind for finding in findings]
    summary = [
        {
            "kind": name,
            "severity": kind.severity,
            "title": kind.title,
            "do": kind.advice,
            "findings": kinds.count(name),
            "images": kinds.count(name),
        }
        for name, kind in KINDS.items()
    ]
    return {
        "schema": 1,
        "n": 3,
        "sets": [counts],
        "split": split,
        "summary": summary,
        "findings": [finding.as_json() for finding in findings],
        "groups": list(groups),
    }


def read(text):
    reader = Words()
    reader.feed(text)
    return reader


def test_findings_come_with_pictures_labels_and_parts():
    pair = Finding("near_duplicates", ("set/a", NASTY), (), "the same picture", {"parts": ["train", "test"]})
    group = {"ids": ["set/a", NASTY], "labels": ["benign", None], "patients": [None, None], "parts": ["train", "test"]}
    split = {"name": "s.csv", "parts": {"train": {"images": 2, "patients": 0, "by_class": dict.fromkeys(group, 0)}}}
    split["parts"]["train"]["by_class"] = {"normal": 1, "benign": 1, "malignant": 0}
    reader = read(audit_page(result([pair], [group], split), {"set/a": PICTURE}))
    text = "".join(reader.words)
    assert sum(tag == "img" for tag, _ in reader.tags) == 1
    assert "no picture" in text
    assert NASTY in text
    assert "■ benign" in text
    assert "in test" in text
    assert "no label" in text
    assert not [tag for tag, _ in reader.tags if tag == "script"]


def test_every_finding_is_there_the_later_ones_folded_and_notes_sooner():
    findings = [Finding("blank", (f"set/{n}",), (), "blank") for n in range(CARDS + 5)]
    findings += [Finding("text", (f"set/{n}",), (), "1 line") for n in range(NOTE_CARDS + 2)]
    text = audit_page(result(findings), {f"set/{n}": PICTURE for n in range(50)})
    assert text.count("<article") == text.count("<img") == len(findings)
    folded = [part.split("</details>")[0] for part in text.split("<details>")[1:]]
    assert [part.count("<article") for part in folded] == [5, 2]
    assert [part.split("</summary>")[0] for part in folded] == [
        "<summary>Show the other 5",
        "<summary>Show the other 2",
    ]
    assert "are in the JSON" not in text


def test_what_would_make_the_page_too_large_is_counted():
    findings = [Finding("text", (f"set/{n}",), (), "1 line") for n in range(MOST + 3)]
    text = audit_page(result(findings), {})
    assert text.count("<article") == MOST
    assert "3 more are in the JSON." in text


def test_only_kinds_that_were_found_have_a_section_that_links_lead_to():
    reader = read(audit_page(result([Finding("manifest_problem", (), ("/x/manifest.csv",), "line 2")]), {}))
    targets = {attributes["id"] for tag, attributes in reader.tags if tag == "section"}
    links = {attributes["href"][1:] for tag, attributes in reader.tags if tag == "a"}
    assert links == {"wrong-lines-in-a-manifest"}
    assert links <= targets
    assert "/x/manifest.csv" in "".join(reader.words)
    assert "none found" in "".join(reader.words)


def test_large_groups_are_cut_with_the_rest_counted():
    ids = tuple(f"set/{n}" for n in range(9))
    text = audit_page(result([Finding("leak_patient", ids, (), "patient 1")]), dict.fromkeys(ids, PICTURE))
    assert text.count("<img") == 6
    assert "and 3 more" in text
