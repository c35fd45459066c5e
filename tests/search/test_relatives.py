"""archive nearest: the known automata that a given one is near to, with their references."""

import json

from click.testing import CliRunner

import pipeline


def answer(*words: str, code: int = 0) -> str:
    found = CliRunner().invoke(pipeline.cli, ["archive", "nearest", *words])
    assert found.exit_code == code, found.output
    return found.output


def test_an_automaton_one_transition_from_a_family() -> None:
    lines = answer("1 2 3 4 5 6 1|1 2 3 4 6 6 0").splitlines()
    assert lines[0] == "threshold: 12"
    assert "1 transition from W (Ananichev-Gusev-Volkov 2010)" in lines


def test_a_family_itself_and_as_json() -> None:
    assert "C (Cerny 1964)" in answer("1 2 3 0|0 1 2 0").splitlines()
    found = json.loads(answer("--json", "1 2 3 0|0 1 2 0"))
    assert found["changes"] == 0 and found["threshold"] == 9 and found["nearest"]["C"]
    found = json.loads(answer("--json", "0 2 1 4 3 6 7 6 5 10 9 11|1 0 3 2 5 4 8 9 8 7 11 10"))
    assert found["changes"] == 0 and [*found["nearest"]] == ["the record of eulerian"]


def test_partial_automata() -> None:
    assert "P(5,1) (presumably" in answer("1 2 3 - -|1 1 2 4 0")
    assert answer("1 0|0 1").startswith("threshold: none\n")


def test_what_is_refused() -> None:
    assert "'9' is outside 0..2" in answer("0 1 9|0 0 0", code=2)
    assert "no automaton of this size is known" in answer("0", code=2)
