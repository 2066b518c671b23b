"""Which loader starts an option, and what is said when none can."""

from dataclasses import replace

import pytest

from bootd.errors import ImageError, LoadError
from bootd.images import identify
from bootd.loaders.request import LoadRequest
from bootd.loaders.table import LOADERS, REHEARSAL, choose
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin
from tests.support.images import arm64_image, bzimage, elf, gzip_image, riscv_image

MIB = 1 << 20
IMAGE = identify(arm64_image(4096, image_size=40 * MIB), 4096)
MERGED = LoadRequest(
    option="bls:1234:debian",
    kernel=IMAGE,
    initrd_bytes=(60 * MIB,),
    cmdline="root=/dev/vda1",
    origin=TreeOrigin.MERGED,
    tree_bytes=40_000,
    tree_changed=True,
    memory_available=400 * MIB,
    memory_total=512 * MIB,
)
RUNNING = replace(MERGED, origin=TreeOrigin.RUNNING, tree_changed=False)
BOARD = Machine(architecture="aarch64", kexec_load=True, kexec_file=True)
DEBIAN = replace(BOARD, kexec_file=False)
LOCKED_DOWN = replace(
    BOARD,
    kexec_load=False,
    lockdown="integrity",
    kexec_refusal="the running kernel is locked down (integrity) and refuses kexec_load",
)


def test_an_unchanged_tree_goes_through_kexec_file_and_it_says_which_tree() -> None:
    choice = choose(RUNNING, BOARD)
    assert choice.loader.name == "kexec_file"
    assert "running kernel's boot tree" in choice.why


def test_a_merged_tree_needs_kexec_load() -> None:
    choice = choose(MERGED, BOARD)
    assert choice.loader.name == "kexec_load"
    assert "its own tree with this board's facts" in choice.why


def test_without_kexec_file_an_unchanged_tree_goes_through_kexec_load() -> None:
    assert choose(RUNNING, DEBIAN).loader.name == "kexec_load"


def test_a_locked_down_kernel_refuses_a_merged_tree_and_offers_the_running_one() -> None:
    with pytest.raises(LoadError, match=r"locked down.*running tree instead") as caught:
        choose(MERGED, LOCKED_DOWN)
    assert "cannot hand over a changed device tree" in str(caught.value)
    assert choose(RUNNING, LOCKED_DOWN).loader.name == "kexec_file"


def test_nothing_is_offered_where_nothing_can_be_loaded() -> None:
    reason = "kexec is switched off until the next power-on (sysctl kexec_load_disabled)"
    off = replace(BOARD, kexec_load=False, kexec_locked=True, kexec_refusal=reason)
    with pytest.raises(LoadError) as caught:
        choose(MERGED, off)
    assert str(caught.value) == reason


def test_a_gicv3_that_still_writes_keeps_kexec_file_away() -> None:
    assert choose(RUNNING, replace(BOARD, lpi_unreserved=True)).loader.name == "kexec_load"


def test_an_x86_kernel_needs_no_tree() -> None:
    kernel = identify(bzimage(), 4096)
    request = LoadRequest(option="", kernel=kernel)
    choice = choose(request, Machine(architecture="x86_64", kexec_load=True, kexec_file=True))
    assert choice.loader.name == "kexec_file"
    assert "no device tree" in choice.why


def test_a_machine_without_a_layout_says_so() -> None:
    request = LoadRequest(option="", kernel=identify(elf(), len(elf())))
    with pytest.raises(LoadError, match="no memory layout for ppc64le"):
        choose(request, Machine(architecture="ppc64le", kexec_load=True))


def test_an_x86_kernel_without_kexec_file_goes_through_kexec_load() -> None:
    kernel = identify(bzimage(), len(bzimage()))
    request = LoadRequest(option="", kernel=kernel)
    choice = choose(request, Machine(architecture="x86_64", kexec_load=True))
    assert choice.loader.name == "kexec_load"
    assert "no device tree" in choice.why


def test_a_kernel_that_takes_a_tree_gets_the_merged_one_through_kexec_file() -> None:
    patched = replace(BOARD, kexec_file_dtb=True)
    choice = choose(MERGED, patched)
    assert choice.loader.name == "kexec_file_dtb"
    assert "its own tree with this board's facts" in choice.why
    assert choose(RUNNING, patched).loader.name == "kexec_file"
    only = replace(patched, kexec_load=False, kexec_refusal="kexec_load is not built in")
    assert choose(MERGED, only).loader.name == "kexec_file_dtb"
    assert choose(MERGED, replace(patched, lpi_unreserved=True)).loader.name == "kexec_load"


def test_an_x86_tree_goes_through_kexec_file_only_where_it_is_carried_over() -> None:
    request = replace(RUNNING, kernel=identify(bzimage(), len(bzimage())))
    machine = Machine(architecture="x86_64", kexec_load=True, kexec_file=True)
    assert choose(request, machine).loader.name == "kexec_load"
    forced = replace(machine, kexec_file_force_dtb=True)
    assert choose(request, forced).loader.name == "kexec_file"


def test_processors_that_cannot_be_stopped_are_a_sentence_before_anything_is_loaded() -> None:
    with pytest.raises(LoadError, match=r"spin-table.*nr_cpus=1"):
        choose(MERGED, replace(BOARD, stuck_processors=True))


def test_the_images_own_limit_of_the_command_line_counts() -> None:
    image = bzimage(cmdline=4095)
    request = LoadRequest(option="", kernel=identify(image, len(image)), cmdline="x" * 4095)
    machine = Machine(architecture="x86_64", kexec_file=True)
    assert choose(request, machine).loader.name == "kexec_file"
    riscv = replace(MERGED, kernel=identify(riscv_image(), 4096), cmdline="x" * 1024)
    with pytest.raises(LoadError, match="this kernel reads 1023"):
        choose(riscv, Machine(architecture="riscv64", kexec_load=True))


def test_a_foreign_kernel_is_refused_before_any_loader_is_asked() -> None:
    with pytest.raises(ImageError, match="is for x86_64, this machine is aarch64"):
        choose(replace(MERGED, kernel=identify(bzimage(), 4096)), BOARD)


def test_too_little_memory_is_a_sentence_with_figures() -> None:
    with pytest.raises(LoadError, match="needs 134 MiB, 100 MiB free"):
        choose(replace(MERGED, memory_available=100 * MIB), BOARD)


def test_a_compressed_kernel_needs_memory_for_its_unpacked_copy_too() -> None:
    packed = gzip_image(arm64_image(4096, image_size=40 * MIB))
    kernel = identify(packed, len(packed))
    with pytest.raises(LoadError, match="needs 174 MiB"):
        choose(replace(MERGED, kernel=kernel, memory_available=150 * MIB), BOARD)


def test_more_than_half_of_memory_is_refused() -> None:
    request = replace(MERGED, initrd_bytes=(230 * MIB,))
    with pytest.raises(LoadError, match="at most half of the 512 MiB"):
        choose(request, BOARD)


def test_a_command_line_that_the_kernel_would_cut_is_refused() -> None:
    fits = replace(MERGED, cmdline="x" * 2047)
    assert choose(fits, BOARD).loader.name == "kexec_load"
    with pytest.raises(LoadError, match="has 2048 bytes, and this kernel reads 2047"):
        choose(replace(MERGED, cmdline="x" * 2048), BOARD)


def test_a_nul_in_the_command_line_is_refused() -> None:
    with pytest.raises(LoadError, match="NUL"):
        choose(replace(MERGED, cmdline="quiet\0evil"), BOARD)


def test_a_rehearsal_takes_what_this_machine_could_not_load() -> None:
    choice = choose(MERGED, Machine(architecture="aarch64"), REHEARSAL)
    assert choice.loader.name == "dry_run"
    assert "would need kexec_load" in choice.why


@pytest.mark.parametrize("loader", [*LOADERS, *REHEARSAL], ids=lambda loader: loader.name)
def test_every_loader_explains_itself_and_never_changes_the_tree_silently(loader: object) -> None:
    (row,) = [one for one in (*LOADERS, *REHEARSAL) if one is loader]
    for request in (MERGED, RUNNING):
        reason = row.why_not(request, BOARD)
        assert reason is None or reason[-1] not in ".!"
        assert row.why(request)
    if row.name == "kexec_file":
        assert row.why_not(MERGED, BOARD) is not None


def test_a_crash_kernel_needs_memory_that_is_set_aside() -> None:
    waiting = replace(MERGED, crash=True)
    with pytest.raises(LoadError, match="crashkernel=256M"):
        choose(waiting, BOARD)
    with pytest.raises(LoadError, match="100 MiB do not fit into the 64 MiB that are set aside"):
        choose(waiting, replace(BOARD, crash_bytes=64 * MIB))
    assert choose(waiting, replace(BOARD, crash_bytes=256 * MIB)).loader.name == "kexec_load"


def test_a_crash_kernel_may_go_through_the_file_call_although_a_gicv3_still_writes() -> None:
    writing = replace(BOARD, lpi_unreserved=True, crash_bytes=256 * MIB)
    assert choose(replace(RUNNING, crash=True), writing).loader.name == "kexec_file"


def test_where_no_tree_can_tell_of_a_crash_kexec_load_keeps_none() -> None:
    kernel = identify(bzimage(), len(bzimage()))
    request = LoadRequest(option="", kernel=kernel, crash=True)
    machine = Machine(architecture="x86_64", kexec_load=True, crash_bytes=256 * MIB)
    with pytest.raises(LoadError, match="keeps no crash kernel on x86_64"):
        choose(request, machine)


@pytest.mark.parametrize(("flag", "kib"), [(2, 4), (4, 16), (6, 64)])
def test_pages_that_the_processor_does_not_have_are_refused(flag: int, kib: int) -> None:
    image = bytearray(arm64_image(4096, image_size=40 * MIB))
    image[24] = flag | 8
    request = replace(MERGED, kernel=identify(bytes(image), 4096))
    assert request.kernel.page_bytes == kib << 10
    with pytest.raises(LoadError, match=rf"pages of {kib} KiB, which a processor of this machine"):
        choose(request, replace(BOARD, missing_pages=(kib << 10,)))
    why = choose(request, BOARD).why
    assert (f"it uses pages of {kib} KiB, the running kernel 4 KiB" in why) == (kib != 4)


def test_a_patched_kernel_that_is_locked_down_takes_no_merged_tree_and_it_says_why() -> None:
    with pytest.raises(LoadError, match=r"only a device tree that is signed.*running tree instead"):
        choose(MERGED, replace(LOCKED_DOWN, kexec_file_dtb=True))


def test_where_signatures_are_forced_an_unsigned_kernel_goes_another_way() -> None:
    forcing = replace(BOARD, signatures_forced=True, kexec_file_dtb=True)
    signed = replace(RUNNING, kernel=replace(RUNNING.kernel, signed=True))
    assert choose(signed, forcing).loader.name == "kexec_file"
    assert choose(RUNNING, forcing).loader.name == "kexec_load"
    # Nobody has signed a tree that was made here.
    assert choose(replace(MERGED, kernel=signed.kernel), forcing).loader.name == "kexec_load"


def test_where_only_signed_kernels_can_be_loaded_an_unsigned_one_is_refused_before() -> None:
    with pytest.raises(LoadError, match=r"only signed kernels .* this one is not signed"):
        choose(RUNNING, replace(LOCKED_DOWN, signatures_forced=True))
