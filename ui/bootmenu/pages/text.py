"""A page of text: a heading, lines that scroll, and how to go back."""

from bootmenu.lines import Line, Run, Tone
from bootmenu.pages.prompt import footer
from bootmenu.state import MenuState


def text_rows(rows: int) -> int:
    """Return how many lines of text a screen of `rows` lines shows."""
    return max(rows - 3, 1)


def draw_text(
    state: MenuState,
    title: str,
    text: tuple[Line, ...],
    columns: int,
    rows: int,
    *,
    hints: str,
) -> tuple[Line, ...]:
    """Return the lines of a screen that shows `text` from `state.scroll`."""
    height = text_rows(rows)
    top = min(state.scroll, max(len(text) - height, 0))
    shown = text[top : top + height]
    more = f"  ({top + 1}-{top + len(shown)} of {len(text)})" if len(text) > height else ""
    return (
        (Run(f" {title}{more}", Tone.REVERSE),),
        *shown,
        *((),) * (height - len(shown)),
        *footer(state, columns, hints),
    )
