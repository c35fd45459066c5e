"""An automaton in every form that `solve` reads; where it is partial, in those that can say so."""

import json

import numpy as np

from automata.deltas import UNDEFINED, Deltas
from automata.text.formats import format_delta, format_dot, format_gap, format_synchrowords


def rows(delta: Deltas) -> str:
    states = max(delta.shape)  # of the table or of its transpose: 255 is no state
    return "\n".join(" ".join(str(q) if q < states else "-" for q in row) for row in delta.tolist())


def edges(delta: Deltas, template: str, letters: str = "0123") -> str:
    k, n = delta.shape
    every = [(p, letters[a], delta[a, p]) for p in range(n) for a in range(k)]
    return "\n".join(template.format(*edge) for edge in every if edge[2] < n)


def jff(delta: Deltas) -> str:
    states = "".join(f'<state id="{q}"/>' for q in range(delta.shape[1]))
    each = edges(
        delta, "<transition><from>{0}</from><to>{2}</to><read>{1}</read></transition>", "abcd"
    )
    return f"<structure><type>fa</type><automaton>{states}{each}</automaton></structure>"


def named(delta: Deltas) -> str:
    k, n = delta.shape
    letters = range(k)
    return json.dumps(
        {
            f"q{p}": {"abcd"[a]: f"q{delta[a, p]}" for a in letters if delta[a, p] < n}
            for p in range(n)
        }
    )


def with_null(table: list[list[int]]) -> str:
    return json.dumps([[None if q == UNDEFINED else q for q in row] for row in table])


def transformations(delta: Deltas) -> str:
    rows = enumerate(delta.tolist())
    return "".join(f"x{a} := Transformation({[q + 1 for q in row]});\n" for a, row in rows)


def package_automata(delta: Deltas) -> str:
    k, n = delta.shape
    lists = np.where(delta < n, delta.astype(int) + 1, 0).tolist()
    return f'A := Automaton("det",{n},"{"abcd"[:k]}",{lists},[ 1 ],[ ]);;'


WRITERS = {
    "lines": format_delta,
    "csv": lambda delta: f"n,delta\n1,{format_delta(delta)}\n",
    "csv;": lambda delta: f"sep=;\nn;delta\n;{format_delta(delta)}\n",
    "csv tab": lambda delta: f"n\tdelta\n\t{format_delta(delta)}\n",
    "synchrowords": lambda delta: format_synchrowords([delta]),
    "synchrowords flow": lambda delta: " ".join(format_synchrowords([delta]).split()),
    "synchrowords rows": lambda delta: "{} {}\n".format(*delta.shape) + rows(delta.T),
    "synchrowords-1.0": lambda delta: (
        "{1} {0}\n".format(*delta.shape) + " ".join(map(str, delta.T.ravel().tolist()))
    ),
    "contest": lambda delta: "{1} {0}\n".format(*delta.shape) + rows(delta.T),
    "contest-letters": lambda delta: "{1} {0}\n".format(*delta.shape) + rows(delta),
    "table": lambda delta: rows(delta.T),
    "table-letters": rows,
    "edges-target-last": lambda delta: edges(delta, "{0} {1} {2}"),
    "edges-letter-last": lambda delta: edges(delta, "{0} {2} {1}"),
    "edges": lambda delta: edges(delta, "{0} {1} {2}", "abcd"),
    "gap": format_gap,
    "gap transformations": transformations,
    "dot": format_dot,
    "jff": jff,
    "json": lambda delta: with_null(delta.tolist()),
    "json names": named,
    "json-states": lambda delta: with_null(delta.T.tolist()),
    "gap package": package_automata,
}
