"""Tables of numbers from text that has the usual form; whatever else is for the careful parser."""

from automata.kernels.jit import jit

_TAB, _NEWLINE, _RETURN, _BLANK, _BAR, _ZERO = 9, 10, 13, 32, 124, 48
_MOST_DIGITS = 5


@jit
def parse_tables(text, tables, limit):
    """Read lines of rows of numbers below `limit`, rows apart by ``|``, numbers by blanks.

    ``text`` (uint8) has at least as many line ends as ``tables`` (uint16, (lines, rows, columns))
    has lines: no bound is checked, for nothing is read past a line's end. Returns the number of
    lines read, and how far: it stops before the first line of another form or other counts.
    """
    lines, rows, columns = tables.shape
    at = 0
    for line in range(lines):
        start = at
        for row in range(rows):
            for column in range(columns):
                while text[at] == _BLANK or text[at] == _TAB:
                    at += 1
                value = 0
                digits = 0
                while _ZERO <= text[at] <= _ZERO + 9 and digits <= _MOST_DIGITS:
                    value = 10 * value + int(text[at]) - _ZERO
                    digits += 1
                    at += 1
                if digits == 0 or digits > _MOST_DIGITS or value >= limit:
                    return line, start
                tables[line, row, column] = value
            while text[at] == _BLANK or text[at] == _TAB or text[at] == _RETURN:
                at += 1
            if text[at] != (_BAR if row < rows - 1 else _NEWLINE):
                return line, start
            at += 1
    return lines, at
