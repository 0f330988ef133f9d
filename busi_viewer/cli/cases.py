"""The command that works on the case store: list, export, import, training-set, audit."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from busi_viewer.cli.entry import DONE, FAILED, SOME_FAILED
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.errors import StoreError, UserError

if TYPE_CHECKING:
    from busi_viewer.core.ports import CaseStore, Services
    from busi_viewer.workflow.training_set import TrainingSet


def cases(arguments: argparse.Namespace, services: Services, terminal: Terminal) -> int:
    """Open the user's case store and do what the verb says."""
    from busi_viewer.workflow.casework import open_store

    store = open_store(services, create=arguments.verb == "import")
    try:
        return _VERBS[arguments.verb](arguments, store, services, terminal)
    finally:
        store.close()


def _write(arguments: argparse.Namespace, content: dict[str, Any]) -> None:
    from busi_viewer.workflow.export import write_json

    if arguments.json:
        write_json(arguments.json, {"schema": 1, **content}, indent=1)


def _list(arguments: argparse.Namespace, store: CaseStore, services: Services, terminal: Terminal) -> int:
    from busi_viewer.core.casebook import CaseQuery

    found = store.cases(CaseQuery(text=" ".join(arguments.names), limit=-1))
    for case in found:
        flags = (("edited", case.edited), ("signed", case.signed))
        words = (case.prediction or "not analysed", *(word for word, on in flags if on))
        print(f"{case.case}  {case.images:>3}  {case.title}  {', '.join(words)}")
    rows = [{**dataclasses.asdict(case), "paths": [str(path) for path in case.paths]} for case in found]
    _write(arguments, {"cases": rows})
    terminal.finish(f"{len(found)} cases")
    return DONE


def _export(arguments: argparse.Namespace, store: CaseStore, services: Services, terminal: Terminal) -> int:
    for case in arguments.names:
        print(store.export_case(case, arguments.out / case))
    return DONE


def _import(arguments: argparse.Namespace, store: CaseStore, services: Services, terminal: Terminal) -> int:
    failed = 0
    for folder in arguments.names:
        try:
            print(store.import_case(folder))
        except StoreError as error:
            failed += 1
            terminal.error(str(error))
    return DONE if not failed else SOME_FAILED if failed < len(arguments.names) else FAILED


def _training_set(arguments: argparse.Namespace, store: CaseStore, services: Services, terminal: Terminal) -> int:
    from busi_viewer.workflow.training_set import BURNED_IN

    made = _made_set(store, services, arguments.out, terminal)
    terminal.finish(
        f"{made.images} images, version {made.version}{'' if made.new else ' (nothing changed since)'}. {BURNED_IN}"
    )
    print(made.folder)
    return SOME_FAILED if made.left_out else DONE


def sets_for_stores(
    folders: Sequence[Path], services: Services, terminal: Terminal
) -> tuple[list[Path], tuple[UserError, ...]]:
    """Data set folders in which each case store is replaced by the newest training set of its corrected images.

    The set is written beside the store. Also what of the stores could not be used. Raises StoreError, DataSetError.
    """
    from busi_viewer.core.casebook import STORE_FILE

    found: list[Path] = []
    left_out: tuple[UserError, ...] = ()
    for folder in folders:
        if (folder / STORE_FILE).is_file():
            made = _set_beside(folder, services, terminal)
            found.append(made.folder)
            left_out += made.left_out
        else:
            found.append(folder)
    return found, left_out


def _set_beside(folder: Path, services: Services, terminal: Terminal) -> TrainingSet:
    from busi_viewer.workflow.training_set import sets_beside

    store = services.open_store(folder, None, read_only=False, create=False)
    try:
        return _made_set(store, services, sets_beside(folder), terminal)
    finally:
        store.close()


def _made_set(store: CaseStore, services: Services, out: Path, terminal: Terminal) -> TrainingSet:
    """Make a training set; what was left out and what may name a patient is said."""
    from busi_viewer.workflow.training_set import make_training_set

    made = make_training_set(store, services.sources, out, terminal.progress)
    for error in made.left_out:
        terminal.error(str(error))
    if made.with_text:
        terminal.error(
            f"{len(made.with_text)} of {made.images} images seem to have text burned in, which may name a patient; "
            f"they are listed in set.json: {', '.join(made.with_text[:3])}{' …' if len(made.with_text) > 3 else ''}"
        )
    return made


def _audit(arguments: argparse.Namespace, store: CaseStore, services: Services, terminal: Terminal) -> int:
    from busi_viewer.core.casebook import AuditQuery
    from busi_viewer.workflow.casework import export_audit

    check = store.audit.verify()
    for problem in check.problems:
        terminal.error(problem)
    if arguments.csv:
        export_audit(store, arguments.csv, AuditQuery(text=" ".join(arguments.names)))
    state = "intact" if check.intact else "not as it was written"
    print(f"{check.rows} rows, {state}, head {check.head or '–'}")
    return DONE if check.intact else FAILED


_VERBS: dict[str, Callable[[argparse.Namespace, CaseStore, Services, Terminal], int]] = {
    "list": _list,
    "export": _export,
    "import": _import,
    "training-set": _training_set,
    "audit": _audit,
}
