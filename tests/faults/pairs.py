"""Two processes in one folder: one works, the other is refused or finds the work done."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence

from tests.faults import server
from tests.faults.folders import differences, facts
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import COMMANDS, reference, scratch, world

_COMMANDS = (
    *("generate", "enumerate", "import", "train", "search", "evolve", "discover"),
    *("evaluate", "report"),
)
_REFUSALS = (1, 3)
_REASON = re.compile(r"at work|holds (a|another) run|holds runs of other settings")
_LIMIT = 60.0


def cases(scale: float) -> Sequence[Case]:
    """Every command that writes a folder."""
    world()
    return [Case(name, 200) for name in _COMMANDS]


def play(case: Case, number: int) -> Tally:
    """Begin two at nearly the same moment; every other round the second has other settings."""
    command, chance = COMMANDS[case.name], random.Random(f"pairs {case.name} {number}")
    first = command.lines[number // 2 % len(command.lines)]
    lines = [first, first]
    if number % 2:
        lines = [command.lines[0], command.other]
        chance.shuffle(lines)
    expected = [reference(line, command.inputs) for line in lines]
    offset = chance.choice((0.0, chance.random(), chance.random() / 10))
    with scratch(command.inputs) as folder:
        children = [server.Child(server.command(lines[0]), cwd=folder)]
        time.sleep(offset * expected[0].seconds)
        children.append(server.Child(server.command(lines[1]), cwd=folder))
        answers = [child.wait(_LIMIT) for child in children]
        found = facts(folder)
    wrong = [what for answer in answers if (what := _wrong(answer))]
    worked = [place for place, answer in enumerate(answers) if answer.code == 0]
    counts = {"both ended well" if len(worked) == 2 else "one refused": 1}
    if not worked:
        wrong.append("neither worked")
        counts = {}
    unlike = min((differences(found, expected[place].facts) for place in worked or (0, 1)), key=len)
    if worked and unlike:
        wrong.append("; ".join(unlike))
    if not wrong:
        return Tally(counts)
    said = "; ".join(answer.last_words for answer in answers)
    return Tally(counts | {"broken": 1}, [f"{' and '.join(lines)}: {'; '.join(wrong)} ({said})"])


def _wrong(answer: server.Answer) -> str:
    """What is wrong with how a process ended, "" if nothing is."""
    if answer.code == 0:
        return ""
    if answer.code == server.HANG:
        return f"no end after {_LIMIT:.0f} s"
    if answer.traced or answer.code not in _REFUSALS or len(answer.complaints) != 1:
        return "not refused in one line"
    if not _REASON.search(answer.complaints[0]):
        return "not told who is at work, or whose run is there"
    return ""


KIND = Kind(
    "pairs",
    "Two processes start in one folder at nearly the same moment; in every other round they have"
    " different settings. One must do its work. The other must be refused in one line, or find the"
    " work done. The folder, with its record, must be as one of them leaves it when it runs alone.",
    ("both ended well", "one refused", "broken"),
    ("broken",),
    cases,
    play,
)
