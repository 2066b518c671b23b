from bootmenu.keys import (
    KEYS,
    Action,
    action_of_command,
    action_of_key,
    command_help,
    hints,
    key_help,
)


def test_no_key_has_two_actions() -> None:
    names = [name for key in KEYS for name in key.names]
    assert len(names) == len(set(names))


def test_no_command_has_two_actions() -> None:
    commands = [key.command for key in KEYS if key.command]
    assert len(commands) == len(set(commands))


def test_every_action_but_the_unknown_one_has_a_key_or_a_command() -> None:
    assert {key.action for key in KEYS} == set(Action) - {Action.OTHER}


def test_no_function_needs_a_function_key() -> None:
    assert not any(
        name.startswith("f") and name[1:].isdigit() for key in KEYS for name in key.names
    )


def test_a_key_that_is_not_in_the_table_still_has_an_action() -> None:
    assert action_of_key("f7") is Action.OTHER


def test_a_word_that_is_no_command_is_told_apart() -> None:
    assert action_of_command("frobnicate") is None


def test_the_last_line_of_the_menu_fits_80_columns() -> None:
    assert hints() == "Enter boot  i info  e edit  d tree  r rescan  l log  ? help"


def test_the_help_has_a_line_for_every_key_and_fits() -> None:
    lines = key_help()
    assert len(lines) == sum(bool(key.names) for key in KEYS)
    assert all(len(line) <= 79 for line in lines)


def test_the_help_of_the_plain_lines_has_every_command() -> None:
    text = "\n".join(command_help())
    assert all(f"  {key.command} " in text for key in KEYS if key.command)
