"""What each page shows, as text."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.protocol.messages import (
    DeviceView,
    Explanation,
    FactView,
    OptionView,
    Phase,
    ProblemView,
    Snapshot,
    Status,
    TreeView,
)
from bootmenu.clean import cells
from bootmenu.keys import KEYS, Action
from bootmenu.lines import Tone, text_of
from bootmenu.pages import help as help_page
from bootmenu.pages.table import draw, measure
from bootmenu.state import (
    Disconnected,
    Explained,
    Failed,
    Happening,
    MenuState,
    Page,
    Pressed,
    Rested,
    reduce,
)
from tests.support.menu_views import MMC, SDA1, option, twenty, waiting


def after(*happenings: Happening, state: MenuState | None = None) -> MenuState:
    result = state or MenuState()
    for happening in happenings:
        result, _ = reduce(result, happening)
    return result


def screen(state: MenuState, columns: int = 80, rows: int = 24) -> str:
    return "\n".join(text_of(line).rstrip() for line in draw(state, columns, rows))


def rows_with(state: MenuState, words: str) -> list[int]:
    return [row for row, line in enumerate(screen(state).split("\n")) if words in line]


@pytest.fixture
def menu() -> MenuState:
    return after(twenty())


def test_the_menu_groups_options_below_their_devices(menu: MenuState) -> None:
    lines = screen(menu).split("\n")
    assert lines[0] == " bootd on Radxa ROCK 3A  6.12.9 aarch64"
    assert lines[1] == ' sda1  "debian"  ext4  Samsung SSD 860 (disk)'
    assert lines[2] == " > * Debian GNU/Linux 12 (bookworm) 1 (6.1.0-1-arm64)"
    assert lines[14] == ' mmcblk0p2  "ARMBIAN"  ext4  SC32G (mmc)'
    assert lines[23] == " Enter boot  i info  e edit  d tree  r rescan  l log  ? help"


def test_the_pane_has_the_command_line_and_the_tree(menu: MenuState) -> None:
    tree = TreeView(origin="merged", summary="merged: rk3568-rock-3a.dtb + 14 live facts")
    known = Explained(explanation=Explanation(option=option(1), tree=tree))
    text = screen(after(Rested(id="bls:sda1:1"), known, state=menu))
    assert "-- Debian GNU/Linux 12 (bookworm) 1 (6.1.0-1-arm64) ---" in text
    assert " cmdline: root=UUID=5a0c-0001 ro console=ttyAMA0,115200 quiet" in text
    assert " tree:    merged: rk3568-rock-3a.dtb + 14 live facts" in text


def test_the_pane_names_its_option_while_the_cursor_is_elsewhere(menu: MenuState) -> None:
    state = after(Rested(id="bls:sda1:1"), Pressed(action=Action.DOWN), state=menu)
    assert "-- Debian GNU/Linux 12 (bookworm) 1 " in screen(state)


def test_a_refused_tree_is_told_with_its_reason(menu: MenuState) -> None:
    refused = Explained(explanation=Explanation(option=option(1), refused="The DTB is corrupt."))
    text = screen(after(Rested(id="bls:sda1:1"), refused, state=menu))
    assert " tree:    refused: The DTB is corrupt." in text


def test_an_option_that_waits_is_dim_and_says_for_what() -> None:
    state = after(Snapshot(devices=(SDA1,), options=(option(1), waiting(2)), status=Status()))
    (row,) = rows_with(state, "waits for kernel")
    line = draw(state, 80, 24)[row]
    assert line[0].tone is Tone.DIM
    assert "Debian GNU/Linux 12 (bookworm) 2" in text_of(line)


def test_a_reason_is_not_pushed_out_by_a_long_title() -> None:
    long = replace(waiting(2), title="T" * 120)
    state = after(Snapshot(devices=(SDA1,), options=(option(1), long), status=Status()))
    assert rows_with(state, "... - waits for kernel /vmlinuz")


def test_the_default_is_marked_with_a_star_not_with_a_colour(menu: MenuState) -> None:
    moved = after(Pressed(action=Action.DOWN), state=menu)
    lines = screen(moved).split("\n")
    assert lines[2].startswith("   * ")
    assert lines[3].startswith(" >   ")


def test_a_submenu_stands_before_the_title() -> None:
    nested = replace(option(1), submenu=("Advanced options",), version="")
    state = after(Snapshot(devices=(SDA1,), options=(nested,), status=Status()))
    assert "Advanced options > Debian" in screen(state)


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (replace(MMC, state="probing"), "being looked at ..."),
        (MMC, "no boot options"),
        (
            replace(
                MMC,
                state="failed",
                problems=(ProblemView(source="", message="mmcblk0p2 does not mount"),),
            ),
            "cannot be read: mmcblk0p2 does not mount",
        ),
        (
            replace(MMC, problems=(ProblemView(source="/extlinux.conf", line=3, message="bad"),)),
            "/extlinux.conf:3: bad",
        ),
    ],
)
def test_a_device_without_options_says_why(device: DeviceView, words: str) -> None:
    state = after(Snapshot(devices=(device,), options=(), status=Status()))
    assert screen(state).split("\n")[2] == f"     {words}"


def test_an_empty_machine_says_what_to_do() -> None:
    assert "what is plugged in appears here" in screen(MenuState())


def test_the_countdown_is_told_with_what_it_boots(menu: MenuState) -> None:
    state = replace(menu, status=replace(menu.status, seconds_left=9))
    assert ' Booting in  9 s: "Debian GNU/Linux 12 (bookworm) 1' in screen(state)
    assert "Any key stops this." in screen(state)


def test_what_the_countdown_waits_for_is_told(menu: MenuState) -> None:
    waiting_for = "UUID=b007d000-0001-4000-8000-000000000001"
    state = replace(menu, status=replace(menu.status, seconds_left=9, waiting_for=waiting_for))
    assert ". Waiting for UUID=b007d000" in screen(state)


def test_who_stopped_the_countdown_is_told(menu: MenuState) -> None:
    state = replace(menu, status=replace(menu.status, countdown_stopped_by="console ttyS0"))
    assert " Countdown stopped by console ttyS0." in screen(state)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Countdown stopped by console ttyS0", "Countdown stopped by console ttyS0.\n"),
        ("The default is X, set by console ttyS0", "\n The default is X, set by console ttyS0\n"),
    ],
)
def test_what_was_done_since_then_is_told_instead(
    menu: MenuState, message: str, shown: str
) -> None:
    status = replace(menu.status, countdown_stopped_by="console ttyS0", message=message)
    assert shown in screen(replace(menu, status=status))


def test_a_load_shows_its_progress(menu: MenuState) -> None:
    status = replace(menu.status, phase=Phase.LOADING, selected_id="bls:sda1:2", progress=45)
    assert '(bookworm) 2 (...") ... ' not in screen(menu)
    assert "Loading " in screen(replace(menu, status=status))
    assert " 45 %" in screen(replace(menu, status=status))


def test_the_start_of_a_kernel_is_told(menu: MenuState) -> None:
    status = replace(menu.status, phase=Phase.EXECUTING)
    assert "Starting the default ..." in screen(replace(menu, status=status))


def test_a_failure_takes_the_place_of_the_pane_and_is_whole(menu: MenuState) -> None:
    reason = "Cannot load /vmlinuz of sda1: it is a kernel for x86_64 and this machine is aarch64. "
    text = screen(after(Failed(reason=reason + "Choose another option."), state=menu))
    assert " Error: Cannot load /vmlinuz of sda1: it is a kernel for x86_64" in text
    assert "Choose another option." in text


def test_a_daemon_that_is_away_is_told(menu: MenuState) -> None:
    assert " bootd is not running." in screen(
        after(Disconnected(reason="bootd is not running."), state=menu)
    )


def test_the_cursor_is_always_on_the_screen() -> None:
    options = tuple(option(n) for n in range(500))
    state = after(Snapshot(devices=(SDA1,), options=options, status=Status()))
    for _ in range(60):
        state = after(*[Pressed(action=Action.DOWN)] * 8, state=state)
        assert len(rows_with(state, " > ")) == 1
    for _ in range(60):
        state = after(*[Pressed(action=Action.UP)] * 9, state=state)
        assert len(rows_with(state, " > ")) == 1


def test_the_help_page_has_every_key(menu: MenuState) -> None:
    text = "\n".join(map(text_of, help_page.text(menu, 80)))
    assert all(key.help in text for key in KEYS if key.names)


def test_the_log_page_has_what_happened(menu: MenuState) -> None:
    text = screen(after(Failed(reason="No."), Pressed(action=Action.LOG), state=menu))
    assert " Error: No." in text


def test_an_empty_log_says_so() -> None:
    assert "Nothing has happened yet." in screen(MenuState(page=Page.LOG))


def test_the_details_have_each_fact_with_its_reason(menu: MenuState) -> None:
    fact = FactView(
        path="/memory@200000",
        property="reg",
        source="live",
        rule="memory",
        action="set",
        reason="The firmware measured it.",
    )
    tree = TreeView(
        origin="merged", summary="merged: x", shipped_path="/dtb/x.dtb", selected_by="entry",
        facts=(fact,), notes=("A note.",),
    )  # fmt: skip
    explained = Explanation(option=option(1), tree=tree, loader="kexec_load", why="It can.")
    state = after(Explained(explanation=explained), Pressed(action=Action.DETAILS), state=menu)
    text = screen(state, rows=60)
    for words in (
        "/vmlinuz-6.1.0-1-arm64 on sda1",
        "kexec_load",
        "/dtb/x.dtb (chosen by entry)",
        "/memory@200000: reg - The firmware measured it.",
        "A note.",
        "/loader/entries/debian-1.conf on sda1 (bls)",
    ):
        assert words in text


def test_the_details_list_the_problems_of_each_device() -> None:
    sick = replace(SDA1, problems=(ProblemView(source="/a.conf", line=1, message="no linux"),))
    state = after(Snapshot(devices=(sick,), options=(waiting(1),), status=Status()))
    text = screen(after(Pressed(action=Action.DETAILS), state=state), rows=60)
    assert "/a.conf:1: no linux" in text
    assert "cannot boot  waits for kernel" in text


def test_a_long_page_says_which_part_is_seen(menu: MenuState) -> None:
    page = after(Pressed(action=Action.DETAILS), state=menu)
    assert "(1-5 of " in screen(page, rows=8)
    assert measure(page, 80, 8).page_rows == 5


@pytest.mark.parametrize("page", list(Page))
@given(text=st.text(max_size=200), columns=st.integers(40, 140), rows=st.integers(12, 60))
def test_any_text_stays_in_the_screen_and_is_printable(
    page: Page, text: str, columns: int, rows: int
) -> None:
    hostile = replace(option(1), title=text, options=text, source=text, notes=(text,))
    device = DeviceView(
        name=text, label=text, model=text, problems=(ProblemView(source=text, message=text),)
    )
    status = Status(board=text, message=text, countdown_stopped_by=text)
    state = after(
        Snapshot(devices=(device,), options=(hostile,), status=status),
        Rested(id=hostile.id),
        Failed(reason=text),
    )
    for line in draw(replace(state, page=page), columns, rows):
        assert text_of(line).isprintable()
        assert cells(text_of(line)) == columns


@pytest.mark.parametrize("page", list(Page))
def test_everything_but_titles_is_ascii(menu: MenuState, page: Page) -> None:
    assert screen(replace(menu, page=page)).isascii()


def test_five_hundred_options_cost_no_more_for_each_than_fifty() -> None:
    def seconds(count: int) -> float:
        state = after(Snapshot(devices=(SDA1,), options=many(count), status=Status()))
        draw(state, 80, 24)
        begun = time.perf_counter()
        for _ in range(40):
            state = after(Pressed(action=Action.DOWN), state=state)
            assert len(rows_with(state, " > ")) == 1
        return time.perf_counter() - begun

    few, most = (min(seconds(count) for _ in range(3)) for count in (50, 500))
    assert most / 500 <= few / 50 * 1.5


def many(count: int) -> tuple[OptionView, ...]:
    return tuple(option(number) for number in range(count))
