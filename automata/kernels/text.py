"""Tables of numbers from text in the usual form; the general parser reads all other forms."""

from automata.kernels.jit import jit

_TAB, _NEWLINE, _RETURN, _BLANK, _DASH, _BAR, _ZERO = 9, 10, 13, 32, 45, 124, 48
_MOST_DIGITS = 5


@jit
def _ends_word(sign):
    return sign == _BLANK or sign == _TAB or sign == _BAR or sign == _NEWLINE or sign == _RETURN


@jit
def parse_tables(text, tables, limit, undefined):
    """Read lines of numbers below ``limit``: ``|`` separates rows, blanks separate numbers.

    ``text`` (uint8) must have at least as many line ends as ``tables`` (uint16, (lines, rows,
    columns)) has lines. No bound is checked: no line is read past its end. A word ``-`` is the
    entry ``undefined``, or no entry if that is 0. Return the number of lines read and the place
    after them, before the first line of another form or shape.
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
                if digits == 0 and undefined > 0 and text[at] == _DASH:
                    apart = at == start or _ends_word(text[at - 1])
                    if not (apart and _ends_word(text[at + 1])):
                        return line, start
                    value = undefined
                    at += 1
                elif digits == 0 or digits > _MOST_DIGITS or value >= limit:
                    return line, start
                tables[line, row, column] = value
            while text[at] == _BLANK or text[at] == _TAB or text[at] == _RETURN:
                at += 1
            if text[at] != (_BAR if row < rows - 1 else _NEWLINE):
                return line, start
            at += 1
    return lines, at
