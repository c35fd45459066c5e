"""Tables on a terminal: in blocks of its width, with every cell."""

import pandas as pd
import pytest

from data.printing import printed_table, terminal_width, wrapped

TABLE = pd.DataFrame(
    {"arm": ["insertion", "mix"], "n": [9, 10]}
    | {f"column {place}": [place * 1.5, None] for place in range(12)}
)


@pytest.mark.parametrize("width", [30, 60, 100, 500])
def test_blocks_have_the_width_of_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = printed_table(TABLE, keys=2, na_rep="-")
    assert max(map(len, text.splitlines())) <= width
    blocks = text.split("\n\n")
    assert (len(blocks) == 1) == (width == 500)
    for block in blocks:
        head, first, second = block.splitlines()
        assert head.split()[:2] == ["arm", "n"]
        assert first.split()[:2] == ["insertion", "9"] and second.split()[:2] == ["mix", "10"]
    for place in range(12):
        assert f"column {place}" in text and f"{place * 1.5}" in text
    assert text.count("-") == 12


def test_a_column_that_is_wider_than_the_terminal_is_not_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    word = "ab" * 200
    text = printed_table(pd.DataFrame({"n": [9], "word": [word], "gap": [1]}))
    assert word in text and [len(line) <= 20 for line in text.splitlines()][-2:] == [True, True]


def test_without_a_terminal_there_are_a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.__stdout__", None)
    assert terminal_width() == 100
    assert max(map(len, printed_table(TABLE, keys=2).splitlines())) <= 100
    assert max(map(len, wrapped("a word " * 50).splitlines())) <= 100
    assert "Empty" in printed_table(TABLE.iloc[:0])
