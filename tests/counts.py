"""Counts of automata by size and reset threshold, made independently; the file says how."""

import json
from pathlib import Path

COUNTS = json.loads((Path(__file__).parent / "truth" / "counts.json").read_text())["tables"]
