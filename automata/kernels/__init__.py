"""All compiled code: arrays and ints in, arrays and ints out, no validation.

Each file is one concern and calls no compiled code of another file, because numba's cache does not
notice edits elsewhere. Indexing is unchecked: bounds are the duty of the public wrappers.
"""
