"""The archive's tables, and the SQL statements that read them."""

from __future__ import annotations

from search.archive.rows import NAME_MAX_LENGTH
from search.archive.selection import Selection as Selection

APPLICATION_ID = int.from_bytes(b"Cern", "big")
VERSION = 1
ROW_COLUMNS = [
    "n",
    "k",
    "reset_threshold",
    "cerny_bound",
    "gap",
    "word",
    "delta",
    "canonical",
    "family",
    "properties",
    "run",
    "arm",
    "found_at",
    "finds",
]
COUNT_COLUMNS = [
    "k",
    "n",
    "automata",
    "best_threshold",
    "cerny_bound",
    "gap",
    "no_family",
    "first",
    "last",
]
SCHEMA = (
    """
    CREATE TABLE automata (
        n INTEGER NOT NULL,
        k INTEGER NOT NULL,
        canonical BLOB NOT NULL CHECK (length(canonical) = n * k),
        reset_threshold INTEGER NOT NULL,
        gap INTEGER NOT NULL CHECK (gap = (n - 1) * (n - 1) - reset_threshold),
        word TEXT NOT NULL CHECK (length(word) = reset_threshold),
        family TEXT NOT NULL,
        properties TEXT NOT NULL,
        PRIMARY KEY (n, k, canonical)
    ) STRICT
    """,
    """
    CREATE TABLE finds (
        n INTEGER NOT NULL,
        k INTEGER NOT NULL,
        canonical BLOB NOT NULL,
        run TEXT NOT NULL,
        arm TEXT NOT NULL,
        found_at TEXT NOT NULL,
        PRIMARY KEY (n, k, canonical, run, arm),
        FOREIGN KEY (n, k, canonical) REFERENCES automata
    ) STRICT, WITHOUT ROWID
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
# the run :run, or a seed in this folder; :raw is the same name unescaped, as in older archives
_OF_RUN = """(
    :run IS NULL OR run IN (:run, :raw)
    OR substr(run, 1, length(:run) + 1) = :run || '/'
    OR substr(run, 1, length(:raw) + 1) = :raw || '/'
)"""
# 1e-9 for rounding: as floats, 0.55 * 100 > 55
_CHOSEN = """
    (:n IS NULL OR n = :n) AND (:k IS NULL OR k = :k) AND n <= :decided
    AND (instr(canonical, x'ff') > 0) = :partial
    AND reset_threshold >= :at_least * coalesce(
        (SELECT value FROM json_each(:lengths) WHERE key = k || ' ' || n), (n - 1) * (n - 1)
    ) - 1e-9
    AND (:family IS NULL OR family = :family)
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:required)
        WHERE NOT instr(',' || properties || ',', ',' || value || ',')
    )
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:forbidden)
        WHERE instr(',' || properties || ',', ',' || value || ',')
    )
"""
SELECT_ROWS = f"""
    WITH chosen AS MATERIALIZED (
        SELECT * FROM automata
        WHERE {_CHOSEN} AND (:run IS NULL OR EXISTS (
            SELECT 1 FROM finds AS f
            WHERE (f.n, f.k, f.canonical) = (automata.n, automata.k, automata.canonical)
            AND {_OF_RUN}
        ))
        ORDER BY k, n, gap, canonical LIMIT :limit
    ),
    placed AS (
        SELECT *, row_number() OVER (
            PARTITION BY n, k, canonical ORDER BY found_at, run, arm
        ) AS place, count(*) OVER (PARTITION BY n, k, canonical) AS finds
        FROM chosen JOIN finds USING (n, k, canonical)
        WHERE {_OF_RUN}
    )
    SELECT n, k, reset_threshold, (n - 1) * (n - 1) AS cerny_bound, gap, word, canonical, family,
        properties, run, arm, found_at, finds
    FROM placed WHERE place = 1 ORDER BY k, n, gap, canonical
"""  # noqa: S608  # constants
SELECT_COUNTS = f"""
    WITH times AS (
        SELECT n, k, canonical, min(found_at) AS first, max(found_at) AS last
        FROM finds
        WHERE {_OF_RUN}
        GROUP BY n, k, canonical
    )
    SELECT k, n, count(*), max(reset_threshold), (n - 1) * (n - 1), min(gap), sum(family = ''),
        min(first), max(last)
    FROM automata JOIN times USING (n, k, canonical)
    WHERE {_CHOSEN} GROUP BY k, n ORDER BY k, n
"""  # noqa: S608  # constants
SELECT_THRESHOLDS = """
    SELECT canonical, reset_threshold FROM automata WHERE n = ? AND k = ? AND canonical IN ({})
"""
SELECT_UNFOUND = """
    SELECT 1 FROM automata LEFT JOIN finds USING (n, k, canonical) WHERE run IS NULL LIMIT 1
"""
_DIGITS = "[0-9]" * 2
_NO_NAME = f"length(CAST({{}} AS BLOB)) NOT BETWEEN 1 AND {4 * NAME_MAX_LENGTH}"  # UTF-8
SELECT_MISFITS = f"""
    SELECT 1 FROM finds
    WHERE typeof(run) <> 'text' OR {_NO_NAME.format("run")}
    OR typeof(arm) <> 'text' OR {_NO_NAME.format("arm")}
    OR typeof(found_at) <> 'text' OR length(CAST(found_at AS BLOB)) <> 20
    OR found_at NOT GLOB
        '{_DIGITS}{_DIGITS}-{_DIGITS}-{_DIGITS}T{_DIGITS}:{_DIGITS}:{_DIGITS}Z'
    LIMIT 1
"""  # noqa: S608  # constants
