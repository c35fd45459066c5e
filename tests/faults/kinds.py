"""All kinds of faults."""

from tests.faults import (
    differential,
    disks,
    forgeries,
    kills,
    memory,
    mutations,
    operations,
    pairs,
    specials,
    surroundings,
)

KINDS = (
    differential.KIND,
    forgeries.KIND,
    memory.KIND,
    operations.KIND,
    kills.KIND,
    pairs.KIND,
    disks.KIND,
    surroundings.KIND,
    specials.KIND,
    mutations.KIND,
)
