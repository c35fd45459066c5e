"""All compiled code: arrays and ints in, arrays and ints out, no validation.

Each file is one concern. It may call compiled code of other files here, and of no other folder:
compiled code is kept under a hash of all files of this one (`jit`), and none of it outlives an
edit. Indexing is unchecked: bounds are the duty of the public wrappers.
"""

import automata.kernels.jit  # noqa: F401 - it reads the sources before Python loads them
