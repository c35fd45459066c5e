"""The colours and dashes of lines, by letter or arm, and the colour of marks."""

# After Okabe and Ito, safe for the colour-blind; lines differ in their dashes too.
BLUE, VERMILION, GREEN, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#000000"
_COLORS = (BLUE, VERMILION, GREEN, PURPLE, BLACK, "#B8860B")
_DASHES: tuple[tuple[float, ...], ...] = (
    (), (3.2, 1.5), (1, 1.1), (5, 1.3, 1, 1.3), (7, 1.6), (3, 1.1, 1, 1.1, 1, 1.1),
)  # fmt: skip

MARK = "#FFC933"
"""Colour under transitions that are marked."""


def line_color(kind: int) -> str:
    """Return the colour of the lines of a letter or an arm."""
    return _COLORS[kind % len(_COLORS)]


def line_dashes(kind: int) -> tuple[float, ...]:
    """Return their dashes in line widths, () for none; 36 kinds differ in colour or dashes."""
    return _DASHES[(kind + kind // len(_COLORS)) % len(_DASHES)]
