"""The time left of work of several kinds."""

import io
import sys

import pytest

from data.pace import Pace
from data.progress import progress

STAGES = {1: {"calls": 100, "training": 0}, 2: {"calls": 50, "training": 10}, 3: {"calls": 50}}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float) -> None:
        self.now += seconds


def test_each_kind_has_its_own_pace() -> None:
    clock = Clock()
    pace = Pace(STAGES, clock)
    clock.after(10)
    pace.note(1, "calls", 50)
    assert pace.seconds_left() is None  # nothing was trained
    clock.after(30)
    pace.note(2, "training", 5)  # the first stage ended early
    assert pace.seconds_left() == pytest.approx(5 * 6 + 100 * 0.2)
    clock.after(10)
    pace.note(2, "calls", 50)
    assert pace.seconds_left() == pytest.approx(5 * 6 + 50 * 0.2)
    pace.note(3, "calls", 49)
    assert 0 < (pace.seconds_left() or 0) < 1
    pace.note(3, "calls", 1)
    assert pace.seconds_left() == 0


def test_what_was_finished_earlier_takes_no_time() -> None:
    clock = Clock()
    pace = Pace(STAGES, clock)
    clock.after(5)
    pace.skip(2)
    clock.after(20)
    pace.note(3, "calls", 10)
    assert pace.seconds_left() == pytest.approx(40 * 2)


def test_a_bar_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    pace = Pace(STAGES, clock)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress(200, "work", "calls", pace=pace) as bar:
        clock.after(100)
        pace.note(1, "calls", 100)
        bar.update(100)
        bar.refresh()
        clock.after(1000)
        pace.note(2, "training", 1)
        bar.refresh()
        shown = sys.stderr.getvalue().splitlines()  # type: ignore[attr-defined]
    assert "about ? left" in shown[-2]
    assert "about 2:31:40 left" in shown[-1]  # 9 of 1,000 seconds and 100 of 1


@pytest.mark.parametrize("earlier", [0, 200])
def test_nothing_is_left_at_the_end(monkeypatch: pytest.MonkeyPatch, earlier: int) -> None:
    """Also where all was done earlier, or no kind of work was measured."""
    for pace in (None, Pace(STAGES)):
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        with progress(200, "work", "calls", done=earlier, pace=pace) as bar:
            bar.update(200 - earlier)
        last = sys.stderr.getvalue().splitlines()[-1]  # type: ignore[attr-defined]
        assert "(100%)" in last and "about 00:00 left" in last
