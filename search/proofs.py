"""Files of certificates, one a line: written beside verified rows, and checked from anyone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from automata.proof.checker import Certificate, CertificateError, check_certificate
from data.damage import DataError, open_file
from data.outputs import write_output
from data.terminal import printable

_LONGEST_LINE = 1 << 30


def write_certificates(proofs: Iterator[Certificate], file: Path) -> None:
    """Write certificates to a file, one line of JSON each; if one fails, nothing is written."""

    def write(path: Path) -> None:
        with path.open("w", encoding="ascii") as stream:
            stream.writelines(f"{proof.to_json()}\n" for proof in proofs)

    write_output(file, write)


def holds_certificates(path: Path) -> bool:
    """Return whether a file begins as one of certificates does, not as a table.

    Raises
    ------
    DataError
        If the file is missing or not a regular file.
    """
    with open_file(path) as file:
        return file.read(1) == b"{"


def verify_certificates(path: Path) -> int:
    """Check every certificate of a file by the independent checker, and count them.

    What is proved is the threshold of the automaton in the certificate, complete or partial.

    Parameters
    ----------
    path : Path
        A file of `write_certificates`, or lines of `automata.proof.checker.Certificate`.

    Raises
    ------
    DataError
        If the file is missing, or a line proves nothing; the error names the first.
    """
    count = 0
    with open_file(path) as file:
        while line := file.readline(_LONGEST_LINE):
            count += 1
            try:
                check_certificate(Certificate.from_json(line.decode("utf-8", "replace")))
            except CertificateError as error:
                raise DataError(f"{path}: line {count}: {printable(str(error))}") from error
            if not line.endswith(b"\n"):
                raise DataError(f"{path}: line {count}: the file is cut off")
    return count
