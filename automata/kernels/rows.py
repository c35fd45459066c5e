"""A hash table of byte rows: open addressing, linear probing, exact comparison."""

import numpy as np

from automata.kernels.hashing import mix
from automata.kernels.jit import jit


@jit
def _hash(row):
    """64-bit FNV-1a of a row, scrambled."""
    value = np.uint64(0xCBF29CE484222325)
    for byte in row:
        value = (value ^ np.uint64(byte)) * np.uint64(0x100000001B3)
    return mix(value)


@jit
def hash_rows(rows, hashes):
    """Write the hash of each row."""
    for i in range(rows.shape[0]):
        hashes[i] = _hash(rows[i])


@jit
def _slot(slots, stored, row):
    """Return the slot that holds the row, or the empty slot where it belongs."""
    mask = np.uint64(slots.shape[0] - 1)
    slot = _hash(row) & mask
    while slots[slot] >= 0:
        equal = True
        for position in range(row.shape[0]):
            if stored[slots[slot], position] != row[position]:
                equal = False
                break
        if equal:
            break
        slot = (slot + np.uint64(1)) & mask
    return slot


@jit
def find_rows(slots, stored, rows, ids):
    """Write the id of each row, -1 where it is not stored."""
    for i in range(rows.shape[0]):
        ids[i] = slots[_slot(slots, stored, rows[i])]


@jit
def add_rows(slots, stored, count, rows, ids):
    """Store the rows that are new, in order; write the id of each row; return the new count.

    ``slots`` (length a power of two, -1 when empty) and ``stored`` must have room for all rows.
    """
    for i in range(rows.shape[0]):
        slot = _slot(slots, stored, rows[i])
        if slots[slot] < 0:
            slots[slot] = count
            for position in range(rows.shape[1]):
                stored[count, position] = rows[i, position]
            count += 1
        ids[i] = slots[slot]
    return count
