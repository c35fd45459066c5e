"""Attribute arithmetic of a model as a table of a page, and in words."""

from __future__ import annotations

from pathlib import Path

from search.evaluation.attribute_table import in_words, shown
from search.evaluation.measures import read_attributes
from search.report.content import Table

_COLUMNS = (
    "A step leads from the posterior mean of a held-out automaton without the attribute along the "
    "attribute's direction: the mean of the training automata that have it, minus that of those "
    "that lack it. “have it”: % of the training automata. “step”: the length of the step, in "
    "lengths of the direction, that was best for other parents. “gain it” and after: % of the "
    "parents whose offspring is valid and has the attribute (for the threshold: a longer one than "
    "the parent), with 95 % Wilson intervals; for a step of length 1, a random step of the same "
    "length as the best, no step, and mutation of 1, 2 or as many transitions as the step changes."
)


def attribute_tables(model: Path) -> list[Table]:
    """Return the table of attribute arithmetic of a model folder; none if nothing was measured.

    Raises
    ------
    DataError
        If the table or the evaluation is damaged, or of another model.
    """
    table = read_attributes(model)
    if table is None or not len(table):
        return []
    return [Table("Attribute arithmetic", " ".join(in_words(table)), shown(table), _COLUMNS)]
