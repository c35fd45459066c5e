"""All kinds of faults."""

from tests.faults import differential, disks, forgeries, kills, memory, mutations, operations, pairs

KINDS = (
    differential.KIND,
    forgeries.KIND,
    memory.KIND,
    operations.KIND,
    kills.KIND,
    pairs.KIND,
    disks.KIND,
    mutations.KIND,
)
