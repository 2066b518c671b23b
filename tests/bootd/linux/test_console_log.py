from pathlib import Path

from bootd.linux import console_log


def test_only_a_dying_kernel_writes_under_a_menu(tmp_path: Path) -> None:
    printk = tmp_path / "printk"
    printk.write_text("4\t4\t1\t7\n")
    assert console_log.quiet(str(printk), str(tmp_path / "absent"))
    assert printk.read_text() == "1"


def test_before_the_next_kernel_everything_is_shown_again(tmp_path: Path) -> None:
    printk = tmp_path / "printk"
    printk.write_text("1\t4\t1\t7\n")
    assert console_log.loud(str(printk), str(tmp_path / "absent"))
    assert printk.read_text() == "7"


def test_a_kernel_that_does_not_let_us_is_no_failure(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent" / "printk")
    assert not console_log.quiet(absent, absent)
    assert not console_log.loud(absent, absent)


def test_no_process_but_systemd_gets_the_signal(tmp_path: Path) -> None:
    comm = tmp_path / "comm"
    comm.write_text("init\n")  # process 1 of this machine would not survive
    printk = tmp_path / "printk"
    printk.write_text("7 4 1 7")
    assert console_log.quiet(str(printk), str(comm))
