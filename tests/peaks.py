"""The memory that a process has held."""

import re
from pathlib import Path


def peak_bytes() -> int:
    """The most bytes of memory that this process has held so far.

    `resource.getrusage` is no help: it begins with the peak of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    [kilobytes] = re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return 1024 * int(kilobytes)
