"""How many threads torch works in."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Let torch work in one thread."""
    import torch  # which few tests need

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
