"""Work that is killed -9 again and again, each time taken up by another child.

`killed_until_done` forks: only for scripts that run in a process of their own.
"""

import os
import random
import signal
import time
from collections.abc import Callable


def die_at_renamings(seed: int, share: float) -> None:
    """From now on kill this process before, or after, about such a share of all renamings."""
    chance, rename = random.Random(seed), os.replace

    def replace(*paths) -> None:
        dead = chance.random()
        if dead < share:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(*paths)
        if dead > 1 - share:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace


def killed_until_done(
    work: Callable[[int], object], discard: Callable[[], object], *, kills: int, longest: float
) -> None:
    """Let children do a work, until it is done and was killed so often.

    Parameters
    ----------
    work : callable
        Is given the number of children so far; ends with exit code 0, or is killed by itself.
    discard : callable
        Undoes a work that was done too soon: it begins again.
    kills : int
    longest : float
        Seconds after which every third child is killed, wherever it is, at the latest.
    """
    killed = 0
    for attempt in range(100 * kills):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(attempt)
                code = 0
            finally:
                os._exit(code)
        if attempt % 3 == 2:
            time.sleep(random.Random(attempt).random() * longest)
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL), status
        killed += status != 0
        if status == 0 and killed >= kills:
            return
        if status == 0:
            discard()
    raise AssertionError(f"{killed} kills in {100 * kills} attempts")
