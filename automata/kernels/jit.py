"""The only place that knows compiler flags."""

from typing import Any

import numba

jit: Any = numba.njit(cache=True, nogil=True)
