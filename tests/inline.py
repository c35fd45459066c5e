"""A stand-in for a pool of processes."""

from collections.abc import Callable
from concurrent.futures import Future


class Inline:
    """Runs each task at once, in this process."""

    def __init__(self, *arguments, **options) -> None:
        pass

    def __enter__(self) -> "Inline":
        return self

    def __exit__(self, *failure) -> None:
        pass

    def submit(self, task: Callable, *arguments) -> Future:
        future: Future = Future()
        try:
            future.set_result(task(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future
