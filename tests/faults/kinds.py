"""All kinds of faults, the quick ones first."""

from tests.faults import kills, operations

KINDS = (operations.KIND, kills.KIND)
