"""Kill work with SIGKILL again and again; each time another child goes on with it.

`killed_until_done` forks: call it only from a script that runs in a process of its own.
"""

import os
import random
import signal
import time
from collections.abc import Callable


def die_at_renamings(seed: int, share: float) -> None:
    """From now on kill this process before about `share` of all renamings, and after as many."""
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
    """Let children do the work until it is done and `kills` or more of them were killed.

    Parameters
    ----------
    work : callable
        Called with the number of earlier children; returns, or kills its own process.
    discard : callable
        Called when the work is done after too few kills: removes it, so that it begins again.
    kills : int
        The least number of children to kill.
    longest : float
        Every third child is killed after a random time of at most this many seconds.
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
