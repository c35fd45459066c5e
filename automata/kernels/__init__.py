"""All compiled code: arrays and ints in, arrays and ints out, no validation.

Each file is one concern. A kernel may call kernels of other files here, but of no other folder:
`jit` stores compiled code under a hash of all files of this folder, so that no old code outlives
an edit. Indexing is unchecked: the public wrappers check bounds.
"""

import automata.kernels.jit  # noqa: F401 - it hashes the sources before Python loads them
