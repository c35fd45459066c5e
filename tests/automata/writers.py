"""An automaton in every form that `solve` reads."""

import json

from automata.automaton import Deltas
from automata.text.formats import format_delta, format_dot, format_gap, format_synchrowords


def rows(delta: Deltas) -> str:
    return "\n".join(" ".join(map(str, row)) for row in delta.tolist())


def edges(delta: Deltas, template: str, letters: str = "012") -> str:
    k, n = delta.shape
    every = [(p, letters[a], delta[a, p]) for p in range(n) for a in range(k)]
    return "\n".join(template.format(*edge) for edge in every)


def jff(delta: Deltas) -> str:
    states = "".join(f'<state id="{q}"/>' for q in range(delta.shape[1]))
    each = edges(
        delta, "<transition><from>{0}</from><to>{2}</to><read>{1}</read></transition>", "abc"
    )
    return f"<structure><type>fa</type><automaton>{states}{each}</automaton></structure>"


def named(delta: Deltas) -> str:
    k, n = delta.shape
    return json.dumps({f"q{p}": {"abc"[a]: f"q{delta[a, p]}" for a in range(k)} for p in range(n)})


def transformations(delta: Deltas) -> str:
    rows = enumerate(delta.tolist())
    return "".join(f"x{a} := Transformation({[q + 1 for q in row]});\n" for a, row in rows)


def package_automata(delta: Deltas) -> str:
    k, n = delta.shape
    return f'A := Automaton("det",{n},"{"abc"[:k]}",{(delta + 1).tolist()},[ 1 ],[ ]);;'


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
    "edges": lambda delta: edges(delta, "{0} {1} {2}", "abc"),
    "gap": format_gap,
    "gap transformations": transformations,
    "dot": format_dot,
    "jff": jff,
    "json": lambda delta: json.dumps(delta.tolist()),
    "json names": named,
    "json-states": lambda delta: json.dumps(delta.T.tolist()),
    "gap package": package_automata,
}
