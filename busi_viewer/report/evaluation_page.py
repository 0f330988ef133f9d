"""The page of an evaluation, or of a cross-validation's pooled images: figures, plots, parts, and the worst cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from busi_viewer.core.breakdown import condense, filled
from busi_viewer.core.cases import Case
from busi_viewer.core.curves import axis_pairs, malignant_scores, precision_recall, roc
from busi_viewer.core.worst import Shown, Worst
from busi_viewer.report import page as p
from busi_viewer.report import plots
from busi_viewer.report import study_parts as parts


def evaluation_page(result: Mapping[str, Any], cases: Sequence[Case], worst: Sequence[Worst]) -> str:
    """The whole file. ``result`` is the JSON of ``evaluate`` (of ``crossval``, with ``folds``) made from ``cases``."""
    result = filled(result)
    model, where = result["model"], _where(result)
    sections = [
        ("Figures", _figures(result)),
        ("Folds", _folds(result)),
        ("By data set", _by_set(result)),
        ("By class", _by_class(result)),
        ("By lesion size", _by_size(result)),
        ("Classification", _classification(result, cases, where)),
        ("Calibration", parts.row(parts.reliability_plots(result["reliability"], where))),
        ("Operating points", _operating(result, where)),
        ("Size of the lesions", _sizes(result, cases, where)),
        *((kind.title, _worst(kind)) for kind in worst),
        ("What this rests on", _basis(result)),
        ("Files that failed", _failures(result)),
    ]
    shown = [(title, content) for title, content in sections if content]
    notes = {title: f"{where}. {note}".strip() for title, note in _NOTES.items()} | {
        kind.title: f"{where}: {kind.total:,} images, {kind.order}. Solid: truth. Dashed: the model." for kind in worst
    }
    return p.page(
        "Cross-validation" if "folds" in result else "Evaluation",
        [
            _tiles(result),
            p.contents([title for title, _ in shown]),
            *(p.section(title, content, note=notes.get(title, "")) for title, content in shown),
        ],
        subtitle=f"{model['name']} {model['version']} on {where}: {result['n']:,} images",
    )


_NOTES = {
    "Figures": parts.CI_NOTE,
    "Folds": "Each fold's model was trained and calibrated without the fold's images. Mean ± SD are over the folds.",
    "By lesion size": "",
    "By class": "By the class in truth. Outlines, and what the estimate said.",
    "Classification": "One point an image. The marked point is the model's operating point.",
    "Operating points": "For malignant against the rest.",
    "What this rests on": "Every figure above is of these images, at the mask threshold and operating point of the model.",
}


def _where(result: Mapping[str, Any]) -> str:
    data = result["data"]
    names = ", ".join(entry["name"] for entry in data["sets"]) or "no images"
    return f"{names}, part {data['part']} of {data['split']}" if data.get("part") else names


def _tiles(result: Mapping[str, Any]) -> p.Markup:
    short = condense(result)
    made: list[tuple[str, str]] = []
    for key, words in (
        ("dice", "lesion Dice"),
        ("auc_malignant_vs_rest", "AUC malignant against the rest"),
        ("sensitivity_malignant", "sensitivity for malignant"),
        ("specificity_malignant", "specificity for malignant"),
        ("false_alarm_rate_normal", "false alarms on normal images"),
    ):
        value, ci95 = parts.read(short, key)
        made.append((parts.number(value, 2), f"{words}, {parts.interval(ci95, 2)}, n {parts.count_of(short, key)}"))
    return p.tiles([(result["n"], "images"), *made])


def _figures(result: Mapping[str, Any]) -> p.Markup:
    short = condense(result)
    outlines, classes = result["segmentation"], result["classification"]
    extra: tuple[tuple[str, str, Mapping[str, Any], int], ...] = (
        ("precision", "pixel precision in images with a lesion", outlines, outlines["n_lesion"]),
        ("recall", "pixel recall in images with a lesion", outlines, outlines["n_lesion"]),
        ("specificity", "pixel specificity", outlines, outlines["n"]),
        ("pixel_accuracy", "pixel accuracy", outlines, outlines["n"]),
        ("pixel_auc", "AUC over all pixels", outlines, outlines["n"]),
        ("average_precision_malignant", "average precision for malignant", classes, classes["n"]),
    )
    kept = result["selective"]
    rows = []
    for key, words, digits in parts.MAIN:
        value, ci95 = parts.read(short, key)
        withheld = parts.with_interval({**kept["segmentation"], **kept["classification"]}, key, 2 if digits == 3 else 1)
        rows.append(
            [words, parts.number(value, digits), parts.interval(ci95, digits), parts.count_of(short, key), withheld]
        )
    for key, words, section, n in extra:
        value, ci95 = parts.read(section, key)
        rows.append([words, parts.number(value), parts.interval(ci95), f"{n:,}", "–"])
    head = ("figure", "value", "95 % interval", "n", f"with abstention, {kept['n']:,} images")
    missed = f"Lesions missed altogether (no common pixel): {outlines['missed']} of {outlines['n_lesion']} images. "
    given = f"An estimate was given for {parts.with_interval(kept, 'coverage')} of the images."
    return p.table(head, rows, numeric=(1, 2, 3, 4), note=missed + given)


def _folds(result: Mapping[str, Any]) -> p.Markup | str:
    if "folds" not in result:
        return ""
    folds, over = result["folds"], result["over_folds"]
    head = ["figure", *(f"fold {fold['fold']} (n {fold['figures']['n']:,})" for fold in folds), "mean ± SD"]
    rows = []
    for key, words, digits in parts.MAIN:
        values = [parts.number(parts.read(fold["figures"], key)[0], digits) for fold in folds]
        mean, sd = over[key]["mean"], over[key]["sd"]
        rows.append([words, *values, f"{parts.number(mean, digits)} ± {parts.number(sd, digits)}"])
    return p.table(head, rows, numeric=range(1, len(head)))


def _by_set(result: Mapping[str, Any]) -> p.Markup | str:
    sets = result["by_set"]
    if len(sets) < 2:
        return ""
    head, rows = parts.figures_by_set(sets)
    return p.table(head, rows)


def _by_class(result: Mapping[str, Any]) -> p.Markup:
    figures = (
        ("dice", "lesion Dice"),
        ("iou", "lesion IoU"),
        ("lesion_recall", "lesions found (IoU ≥ 0.5)"),
        ("false_alarm_rate_normal", "false alarms"),
        ("called_so", "leading class right"),
        ("above_operating_point", "above the operating point"),
        ("withheld", "estimate withheld"),
    )
    classes = {name: short for name, short in result["by_true_class"].items() if short["n"]}
    head = ["figure", *(p.join([p.class_name(name), f" (n {short['n']:,})"]) for name, short in classes.items())]
    rows = [[words, *(parts.with_interval(short, key) for short in classes.values())] for key, words in figures]
    per_class = result["classification"]["per_class"]
    rows += [
        [f"{words} of the class", *(parts.with_interval(per_class[name], key) for name in classes)]
        for key, words in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
    ]
    return p.table(head, rows)


def _by_size(result: Mapping[str, Any]) -> p.Markup:
    figures = (
        ("dice", "lesion Dice"),
        ("lesion_recall", "lesions found (IoU ≥ 0.5)"),
        ("auc_malignant_vs_benign", "AUC malignant against benign"),
        ("sensitivity_malignant", "sensitivity for malignant"),
        ("specificity_malignant", "specificity for malignant"),
        ("accuracy", "accuracy of the class"),
    )
    sizes = result["by_lesion_size"]["parts"]
    head = ["figure"]
    for part in sizes:
        low, high = f"{100 * part['from']:.0f}", f"{100 * part['to']:.0f}"
        size = f"over {low} %" if part["to"] >= 1 else f"{low}–{high} %"
        head.append(f"{size} (n {part['n']:,}: {parts.classes_of(part['by_class']) or 'none'})")
    rows = [[words, *(parts.with_interval(part, key) for part in sizes)] for key, words in figures]
    rows.append(["missed", *(f"{part['missed']}" for part in sizes)])
    return p.table(head, rows, note=f"By the {result['by_lesion_size']['by']}.")


def _classification(result: Mapping[str, Any], cases: Sequence[Case], where: str) -> p.Markup:
    malignant, scores = malignant_scores(cases)
    classes = result["classification"]
    made = []
    false_rate, true_rate = roc(malignant, scores)
    if len(false_rate):
        area = parts.with_interval(classes, "auc_malignant_vs_rest")
        specificity, sensitivity = classes["specificity_malignant"], classes["sensitivity_malignant"]
        at = None if specificity is None or sensitivity is None else (1 - specificity, sensitivity)
        name = result["model"]["name"]
        made.append(
            parts.figure_plot(
                plots.roc([plots.Curve(name, false_rate, true_rate, at)]),
                f"ROC, malignant against the rest: AUC {area}. {where}, n {len(scores):,} ({int(malignant.sum())} malignant).",
            )
        )
        recall, precision = precision_recall(malignant, scores)
        average = parts.with_interval(classes, "average_precision_malignant")
        made.append(
            parts.figure_plot(
                plots.precision_recall([plots.Curve(name, recall, precision)], float(malignant.mean())),
                f"Precision and recall for malignant: average precision {average}; dotted: prevalence. "
                f"{where}, n {len(scores):,}.",
            )
        )
    made.append(
        parts.figure_plot(
            plots.confusion(classes["confusion"], classes["classes"]),
            f"Leading class against truth, shares of each row. {where}, n {classes['n']:,}.",
        )
    )
    return parts.row(made)


def _operating(result: Mapping[str, Any], where: str) -> p.Markup:
    curve, point = result["operating_curve"], result["classification"]["operating_point"]
    head, rows = parts.operating_table(curve, point)
    n = f"n {curve['n_malignant']:,} malignant, {curve['n_other']:,} others"
    drawn = parts.figure_plot(
        plots.operating_curve(curve, point), f"Sensitivity and specificity by threshold, 95 % bands. {where}, {n}."
    )
    return p.join([parts.row([drawn]), p.table(head, rows, numeric=(0, 1, 2))])


def _sizes(result: Mapping[str, Any], cases: Sequence[Case], where: str) -> p.Markup | str:
    made, rows = [], []
    for unit in ("mm", "px"):
        agreement = result["long_axis"][unit]
        if not agreement["n"]:
            continue
        limits = (parts.with_interval(agreement, key, 1) for key in ("bias", "lower_limit", "upper_limit"))
        rows.append([unit, *limits, f"{agreement['n']:,}"])
        true, outlined, _ = axis_pairs(cases, unit)
        caption = f"Long axis, outlined − true, over their mean (Bland–Altman), {unit}. {where}, n {agreement['n']:,}."
        made.append(parts.figure_plot(plots.bland_altman(true, outlined, agreement, unit), caption))
    if not made:
        return ""
    head = ("unit", "bias", "lower limit of agreement", "upper limit of agreement", "images")
    note = (
        "Of the largest true lesion and the outline that overlaps it most, where one does. Limits of agreement: bias ± 1.96 SD; "
        "in brackets 95 % intervals."
    )
    return p.join([parts.row(made), p.table(head, rows, numeric=(1, 2, 3, 4), note=note)])


def _worst(kind: Worst) -> p.Markup:
    cards = [_card(shown) for shown in kind.shown]
    return p.gallery(cards, left_out=kind.total - len(kind.shown), rest="are in cases.csv")


def _card(shown: Shown) -> p.Markup:
    case = shown.case
    estimates = ", ".join(
        f"{name} {100 * value:.0f} %" for name, value in zip(parts.CLASSES, case.probabilities, strict=True)
    )
    truth = p.join(["truth ", p.class_name(case.label), ", estimate ", p.class_name(case.prediction)])
    lines: list[p.Part] = [truth, estimates]
    if case.outline is not None and case.outline.has_lesion:
        lines.append(f"Dice {case.outline.dice:.2f}, lesion {100 * case.outline.lesion_share:.1f} % of the image")
    if case.abstained:
        lines.append(p.badge("estimate withheld"))
    name = case.id
    picture = p.picture(shown.picture, p.code(name), alternative=name) if shown.picture else None
    return p.card([picture or p.missing_picture(p.code(name))], lines=lines)


def _basis(result: Mapping[str, Any]) -> p.Markup:
    data, model, latency = result["data"], result["model"], result["latency_ms"]
    rows: list[tuple[str, p.Cell]] = [
        ("model", f"{model['name']} {model['version']}"),
        ("weights", p.code(model["sha256"])),
        ("device", result.get("device") or "–"),
        ("data sets", ", ".join(f"{entry['name']} ({entry['n']:,})" for entry in data["sets"])),
        ("split", f"part {data['part']} of {data['split']}" if data.get("part") else "all images"),
        ("classes", parts.classes_of(result["by_class"])),
        (
            "resampled",
            f"{data['groups']:,} groups ({data['bootstrap']['unit']}), {data['bootstrap']['resamples']:,} times",
        ),
        (
            "time an image",
            f"median {parts.number(latency['median'], 0)} ms, 95th percentile {parts.number(latency['p95'], 0)} ms",
        ),
    ]
    return p.facts(rows)


def _failures(result: Mapping[str, Any]) -> p.Markup | str:
    failures = result["failures"]
    if not failures:
        return ""
    return p.table(("file", "reason"), [(p.code(f["path"]), f["reason"]) for f in failures])
