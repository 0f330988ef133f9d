"""What the window can say in English: collected from its source, its tables, the lexicon, and the errors of every room."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import busi_viewer
from busi_viewer.core import audit, lexicon, worst
from busi_viewer.core.callipers import Kind
from busi_viewer.core.results import CLASSES, LESION, METHODS
from busi_viewer.gui import (
    actions,
    audit_model,
    audit_page,
    crash_review,
    deidentify_dialog,
    dialogs,
    keeping_notices,
    menus,
    network_page,
    presets,
    privacy,
    report_preview,
    result_panel,
    result_parts,
    send_table,
    shortcuts,
    worklist_delegate,
    worklist_model,
)
from busi_viewer.gui.canvas import heat, hud, panels
from busi_viewer.gui.findings import identity_form, image_form, lesion_form
from busi_viewer.gui.tools import TOOLS
from busi_viewer.gui.tools.options import Choice
from busi_viewer.gui.training import (
    book,
    curves,
    data_step,
    judging,
    recipe_step,
    results_view,
    run_view,
    runs_list,
    side,
    split_step,
    study_fields,
    study_view,
    words,
    work,
)
from busi_viewer.report import card_content, study_parts
from busi_viewer.workflow import training_results

ROOT = Path(busi_viewer.__file__).parent
GUI = ROOT / "gui"
SPEAKING = ("tr", "plural", "said")
PLACE = re.compile(r"\{(\w+)[^{}]*\}")


def called(node: ast.Call) -> str:
    """The name of what is called, without the object it belongs to."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def has_words(text: str) -> bool:
    """Whether anything of a text must be translated: two letters beside its places."""
    return re.search(r"[^\W\d_]{2,}", PLACE.sub("", text)) is not None


def written() -> dict[str, str]:
    """The literals that the window's source gives to tr and plural, each with where."""
    found = {}
    for path in sorted(GUI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called(node) in ("tr", "plural"):
                for given in node.args[:2]:
                    for text in literals(given):
                        found[text] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return {text: where for text, where in found.items() if has_words(text)}


def literals(node: ast.expr) -> list[str]:
    """The text or, of a choice, the texts that an expression stands for."""
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in literals(value)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def tabled() -> set[str]:
    """What stands in tables and is translated where it is shown."""
    found = {text for command in actions.COMMANDS for text in (command.text, command.tip, command.group)}
    found |= {title for title, _ in menus.MENUS} | {title for title, _ in menus.SUBMENUS.values()}
    found |= {text for row in shortcuts.MOUSE for text in row}
    found |= {text for preset in presets.PRESETS for text in (preset.name, preset.tip)}
    for tool in TOOLS:
        found |= {tool.title, tool.hint}
        for option in tool.options:
            found |= {option.label, option.tip, *(option.values if isinstance(option, Choice) else ())}
    found |= {*audit_page.ACTIONS, *audit_page.DAYS, *audit_model.COLUMNS, audit_page.ABOUT, audit_model.HIDDEN}
    found |= {*dialogs.ABOUT, crash_review.PROMISE, keeping_notices.UNKEPT, privacy.HIDDEN, *send_table.COLUMNS}
    found |= {*deidentify_dialog.DATES, *deidentify_dialog.TEXT, *deidentify_dialog.KEPT}
    found |= {deidentify_dialog.NOT_SURE, deidentify_dialog.ONE_BOX}
    found |= {*network_page.LISTEN_ON, *network_page.CALLERS, *result_parts.Measures.NAMES}
    found |= {result_panel.EDITED, result_panel.NORMAL, hud.UNKNOWN_SCALE, hud.BY_READER, *heat.COLOURS.values()}
    found |= {*panels.TITLES.values(), *panels.CANVAS_TITLES.values(), *image_form.TEXTS.values()}
    found |= {text for title, hint, _ in identity_form.FIELDS.values() for text in (title, hint)}
    found |= {text for title, hint, _ in identity_form.FIELDS.values() for text in (title, hint)}
    found |= {*lesion_form.SHORT.values(), *worklist_delegate.STATUS_ICONS, *worklist_model.FILTERS}
    found |= {
        *report_preview.TEMPLATES,
        worklist_model.HIDDEN,
        *CLASSES,
        LESION,
        *METHODS,
        *(kind.word for kind in Kind),
    }
    found |= of_training() | of_the_card()
    return {text for text in found if has_words(text)} - {"System", "English", "Deutsch"}


def of_training() -> set[str]:
    """What stands in the tables of the Training page, and in those of audit and study that it shows."""
    found = {
        words.STARTED,
        *words.STATES.values(),
        *words.LOGGED,
        *runs_list.STEPS,
        *book.AHEAD,
        *run_view.STAGES.values(),
    }
    found |= {*split_step.NAMES.values(), split_step.ABOUT, data_step.ABOUT, *judging.DEEDS, *work.DOING.values()}
    found |= {*recipe_step.STARTS.values(), *recipe_step.DEVICES, *recipe_step.TASKS.values(), *recipe_step.FIELDS}
    found |= {*side.FIGURES.values(), *side.SHARES, side.CLOSED, side.FAVOURED, side.BOTH}
    found |= {*results_view.PARTS.values(), *results_view.NOTES.values()}
    found |= {*runs_list.PARTS.values(), *study_fields.WHAT.values(), *study_fields.BEGIN.values(), *study_fields.NAMES}
    found |= {*study_view.NOTES.values(), *study_view.PART_STATES.values(), *study_view.FIGURES.values()}
    found |= {"Trial {number} of {all}", "Fold {number} of {all}"}
    found |= {
        text
        for each in (*curves.FIGURES, study_view.SCORES, study_view.NOW)
        for text in (each.title, *(line.name for line in each.lines))
    }
    found |= {text for kind in audit.KINDS.values() for text in (kind.title, kind.advice)}
    found |= {text for text, _, _ in training_results.FIGURES}
    return found | set(worst.TITLES)


def of_the_card() -> set[str]:
    """What stands in every model's card; the names of its settings stay as they are."""
    found = {*card_content.STANDING, *card_content._PART_NOTES.values(), study_parts.CI_NOTE}
    found |= {f"Figures: {part}" for part in card_content._PARTS.values()}
    return found | {name for _, name, _ in study_parts.MAIN}


def of_the_lexicon() -> set[str]:
    """The words of findings."""
    used = lexicon.FIFTH
    found = {*lexicon.SIDES, *lexicon.PLANES, *lexicon.REGIONS, *lexicon.TITLES.values(), *used.managements}
    found |= set(used.assessments.values())
    for one in (used.composition, *used.lesion):
        found |= {one.title, *one.values}
    for name, values in lexicon.VALUES.items():
        for value in values:
            proposal = lexicon.Proposal(name, value)
            found |= {proposal.word, proposal.phrase}
    return {text for text in found if has_words(text)}
