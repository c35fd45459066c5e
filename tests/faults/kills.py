"""kill -9 at a random moment, then the same command again: is everything as if undisturbed?"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from tests.faults import server
from tests.faults.folders import differences, facts, is_leftover
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import COMMANDS, reference, scratch, world

_OFTEN = ("generate", "enumerate", "train", "discover")
_SELDOM = {"discover, two arms": 20}
_ATTEMPTS = 40


def cases(scale: float) -> Sequence[Case]:
    """Every command."""
    world()  # before this process forks
    return [Case(name, 200 if name in _OFTEN else _SELDOM.get(name, 50)) for name in COMMANDS]


def play(case: Case, number: int) -> Tally:
    """Kill it once to three times, let it end, and compare."""
    command, chance = COMMANDS[case.name], random.Random(f"kills {case.name} {number}")
    line = command.lines[number % len(command.lines)]
    expected = reference(line, command.inputs)
    wanted, kills = chance.choice((1, 1, 2, 3)), 0
    with scratch(command.inputs) as folder:
        for _ in range(_ATTEMPTS):
            child = server.Child(server.command(line), cwd=folder)
            time.sleep(chance.random() * expected.seconds)
            child.kill()
            answer = child.wait()
            if answer.code == -9:
                kills += 1
            elif answer.code != 0:
                return Tally({"kills": kills, "refused": 1}, [f"{line}: {answer.last_words}"])
            if kills == wanted:
                break
        return judge(line, server.call(line, folder), facts(folder), expected.facts, kills)


def judge(
    line: str, answer: server.Answer, found: dict[str, str], expected: dict[str, str], kills: int
) -> Tally:
    """Say what became of a disturbed run that has been taken up again."""
    counts = {"kills": kills}
    if answer.code != 0:
        return Tally(counts | {"refused": 1}, [f"{line}: {answer.last_words}"])
    unlike = differences(found, expected)
    if not unlike:
        return Tally(counts | {"whole": 1})
    kind = "leftovers" if all(map(is_leftover, unlike)) else "differ"
    return Tally(counts | {kind: 1}, [f"{line}: {'; '.join(unlike)}"])


KIND = Kind(
    "kills",
    "A command is killed with SIGKILL at a random moment, one to three times, and then run again."
    " It must leave the files that an undisturbed run leaves, and no temporary file.",
    ("kills", "whole", "refused", "differ", "leftovers"),
    ("refused", "differ", "leftovers"),
    cases,
    play,
)
