"""The pages of studies behind one door: what :class:`busi_viewer.core.ports.StudyPages` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from busi_viewer.core.cases import Case
from busi_viewer.core.worst import Worst
from busi_viewer.report.audit_page import audit_page
from busi_viewer.report.card_markdown import card_markdown
from busi_viewer.report.card_page import card_page
from busi_viewer.report.comparison_page import comparison_page
from busi_viewer.report.evaluation_page import evaluation_page
from busi_viewer.report.search_page import search_page


class HtmlStudyPages:
    """Writes each page as the text of one file."""

    def evaluation(self, result: Mapping[str, Any], cases: Sequence[Case], worst: Sequence[Worst]) -> str:
        """An evaluation (or pooled cross-validation) with its plots and worst cases."""
        return evaluation_page(result, cases, worst)

    def comparison(self, result: Mapping[str, Any], runs: Sequence[Sequence[Case]]) -> str:
        """Several models on the same images."""
        return comparison_page(result, runs)

    def search(self, result: Mapping[str, Any]) -> str:
        """A hyperparameter search."""
        return search_page(result)

    def card(self, card: Mapping[str, Any]) -> str:
        """A model's card as HTML."""
        return card_page(card)

    def card_markdown(self, card: Mapping[str, Any], say: Callable[[str], str] = str) -> str:
        """A model's card as Markdown; ``say`` translates its headings, sentences and cells."""
        return card_markdown(card, say)

    def audit(self, result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
        """An audit of data sets."""
        return audit_page(result, pictures)
