import pytest

from bootd.devicetree.merge import Merged, merge, rewrite
from bootd.devicetree.verify import verify
from bootd.errors import MergeRefusedError
from bootd.fdt import Fdt, write
from bootd.model.tree import Fact, FactAction, FactSource, TreeMode
from tests.support.trees import board, cpu, encode, live_board, tree

CMDLINE = "root=/dev/vda1 quiet"


def merged(shipped: Fdt, live: Fdt, mode: TreeMode = TreeMode.MERGED) -> Merged:
    """Merge and verify, as a boot does."""
    result = merge(shipped, live, CMDLINE, mode)
    verify(write(result.fdt), result.base, live, result.facts, CMDLINE)
    return result


def fact(result: Merged, path: str, name: str) -> Fact:
    (found,) = [f for f in result.facts if (f.path, f.property) == (path, name)]
    return found


def test_memory_is_that_of_the_live_tree() -> None:
    result = merged(tree(board()), tree(live_board()))
    assert result.fdt.get("/memory@0", "reg") == encode([0, 0x40000000, 0, 0x20000000])
    told = fact(result, "/memory@0", "reg")
    assert (told.source, told.rule, told.action) == (FactSource.LIVE, "memory", FactAction.SET)


def test_memory_is_written_again_in_the_cells_of_the_dtb() -> None:
    live = live_board(
        **{"#size-cells": 1},
        **{"memory@40000000": {"device_type": "memory", "reg": [1, 0x40000000, 0x20000000]}},
    )
    result = merged(tree(board()), tree(live))
    assert result.fdt.get("/memory@0", "reg") == encode([1, 0x40000000, 0, 0x20000000])


def test_memory_that_does_not_fit_the_cells_of_the_dtb_is_refused() -> None:
    shipped = board(**{"#address-cells": 1, "#size-cells": 1})
    live = live_board(**{"memory@40000000": {"device_type": "memory", "reg": [1, 0, 0, 0x1000]}})
    with pytest.raises(MergeRefusedError, match="memory cannot be written"):
        merge(tree(shipped), tree(live), CMDLINE)


def test_empty_ranges_of_memory_are_dropped() -> None:
    reg = [0, 0x40000000, 0, 0x1000, 0, 0, 0, 0]
    live = live_board(**{"memory@40000000": {"device_type": "memory", "reg": reg}})
    assert merged(tree(board()), tree(live)).fdt.get("/memory@0", "reg") == encode(reg[:4])


def test_more_memory_nodes_than_the_dtb_has_are_added() -> None:
    second = {"device_type": "memory", "reg": [1, 0, 0, 0x1000], "numa-node-id": 1}
    result = merged(tree(board()), tree(live_board(**{"memory@100000000": second})))
    assert result.fdt.get("/memory@100000000", "reg") == encode([1, 0, 0, 0x1000])
    assert result.fdt.get("/memory@100000000", "numa-node-id") == encode(1)


def test_memory_nodes_that_the_board_does_not_have_are_removed() -> None:
    ghost = {"device_type": "memory", "reg": [9, 0, 9, 0]}
    result = merged(tree(board(**{"memory@900000000": ghost})), tree(live_board()))
    assert result.fdt.find("/memory@900000000") is None


def test_a_board_without_memory_is_refused() -> None:
    live = {k: v for k, v in live_board().items() if not k.startswith("memory")}
    with pytest.raises(MergeRefusedError, match="describes no memory"):
        merge(tree(board()), tree(live), CMDLINE)


EFI = {
    "linux,uefi-system-table": encode([0, 1]),
    "linux,uefi-mmap-start": encode([0, 2]),
    "linux,uefi-mmap-size": 3,
    "linux,uefi-mmap-desc-size": 4,
    "linux,uefi-mmap-desc-ver": 1,
}


def test_on_an_efi_board_the_memory_map_comes_along_and_memory_nodes_go() -> None:
    live = {k: v for k, v in live_board(chosen=EFI).items() if not k.startswith("memory")}
    result = merged(tree(board()), tree(live))
    assert result.fdt.find("/memory@0") is None
    assert result.fdt.get("/chosen", "linux,uefi-mmap-start") == encode([0, 2])


def test_whatever_else_efi_has_said_comes_along() -> None:
    more = EFI | {"linux,uefi-secure-boot": 2}
    live = live_board(chosen={"stdout-path": "/serial@1000", **more})
    result = merged(tree(board()), tree(live))
    assert result.fdt.get("/chosen", "linux,uefi-secure-boot") == encode(2)


def test_an_incomplete_efi_description_is_not_brought_over() -> None:
    broken = {k: v for k, v in EFI.items() if k != "linux,uefi-mmap-size"}
    shipped = board(chosen={"stdout-path": "/serial@1000", "linux,uefi-mmap-start": 9})
    result = merge(tree(shipped), tree(live_board(chosen=broken)), CMDLINE)
    chosen = result.fdt.find("/chosen")
    assert chosen is not None
    assert not [name for name in chosen.properties if "uefi" in name]


def test_reservations_are_united_without_the_old_initrd() -> None:
    chosen = {"linux,initrd-start": 0x48000000, "linux,initrd-end": 0x48000123}
    reservations = ((0x1000, 0x1000), (0x48000000, 0x1000), (0x50000000, 0x1000))
    live = tree(live_board(chosen=chosen), reservations=reservations)
    shipped = tree(board(), reservations=((0x60000000, 0x1000),))
    result = merged(shipped, live)
    assert result.fdt.reservations == [
        (0x1000, 0x1000),
        (0x50000000, 0x1000),
        (0x60000000, 0x1000),
    ]
    assert fact(result, "/memreserve/", "0x1000+0x1000").action is FactAction.ADD


def test_a_range_inside_one_that_the_dtb_reserves_is_not_listed_again() -> None:
    live = tree(live_board(), reservations=((0x1000, 0x1000), (0x8000, 0x1000)))
    result = merged(tree(board(), reservations=((0, 0x4000),)), live)
    assert result.fdt.reservations == [(0, 0x4000), (0x8000, 0x1000)]


def test_buffers_of_an_earlier_kexec_are_freed() -> None:
    chosen = {"linux,ima-kexec-buffer": [0, 0x48000000, 0, 0x2000]}
    live = tree(live_board(chosen=chosen), reservations=((0x48000000, 0x2000),))
    result = merged(tree(board()), live)
    assert result.fdt.reservations == []
    assert result.fdt.get("/chosen", "linux,ima-kexec-buffer") is None


POOL = {"#address-cells": 2, "#size-cells": 2, "ranges": b""}


def test_reserved_ranges_of_the_live_tree_are_added_without_phandle() -> None:
    optee = {"reg": [0, 0x7E000000, 0, 0x1000], "phandle": 1, "compatible": "x"}
    live = tree(live_board(**{"reserved-memory": POOL | {"optee@7e000000": optee}}))
    result = merged(tree(board()), live)
    node = result.fdt.find("/reserved-memory/optee@7e000000")
    assert node is not None
    assert node.properties == {"reg": encode([0, 0x7E000000, 0, 0x1000]), "no-map": b""}
    assert result.fdt.get("/reserved-memory", "ranges") == b""


def test_a_range_that_both_reserve_stays_the_dtbs_node() -> None:
    ours = POOL | {"tee@7e000000": {"reg": [0, 0x7E000000, 0, 0x1000], "phandle": 7}}
    theirs = POOL | {"optee@7e000000": {"reg": [0, 0x7E000000, 0, 0x1000]}}
    result = merged(
        tree(board(**{"reserved-memory": ours})), tree(live_board(**{"reserved-memory": theirs}))
    )
    assert not [f for f in result.facts if f.path.startswith("/reserved-memory")]


def test_overlapping_reserved_ranges_are_both_kept() -> None:
    ours = POOL | {"dsp@92400000": {"reg": [0, 0x92400000, 0, 0x2000]}}
    theirs = POOL | {"dsp@92400000": {"reg": [0, 0x92400000, 0, 0x1000]}}
    result = merged(
        tree(board(**{"reserved-memory": ours})), tree(live_board(**{"reserved-memory": theirs}))
    )
    added = fact(result, "/reserved-memory/dsp@92400000-1000", "reg")
    assert "overlaps" in added.reason


def test_a_reusable_pool_is_the_next_kernels_own_choice() -> None:
    cma = POOL | {"linux,cma@50000000": {"reg": [0, 0x50000000, 0, 0x1000], "reusable": b""}}
    result = merged(tree(board()), tree(live_board(**{"reserved-memory": cma})))
    assert result.fdt.find("/reserved-memory") is None
    assert fact(result, "/reserved-memory/linux,cma@50000000", "").action is FactAction.REFUSE


def cpus(*numbers: int, **more: str) -> dict[str, object]:
    return {f"cpu@{n}": cpu(n, **more) for n in numbers}


CPUS = {"#address-cells": 1, "#size-cells": 0}


def test_cpus_start_as_this_boards_firmware_starts_them() -> None:
    holder = CPUS | {
        "cpu@0": cpu(0, **{"enable-method": "psci"}),
        "cpu@1": cpu(1, **{"enable-method": "spin-table", "cpu-release-addr": [0, 0xD8]}),
    }
    result = merged(tree(board()), tree(live_board(cpus=holder)))
    assert result.fdt.get("/cpus/cpu@0", "enable-method") == b"psci\0"
    assert result.fdt.get("/cpus/cpu@1", "cpu-release-addr") == encode([0, 0xD8])


def test_a_fused_off_cpu_is_disabled_and_not_deleted() -> None:
    result = merged(tree(board()), tree(live_board(cpus=CPUS | {"cpu@0": cpu(0)})))
    assert result.fdt.get("/cpus/cpu@1", "status") == b"disabled\0"
    assert result.fdt.get("/cpus/cpu@0", "status") is None


def test_the_boot_cpu_is_never_disabled() -> None:
    holder = CPUS | {"cpu@0": cpu(0, status="disabled"), "cpu@1": cpu(1)}
    result = merged(tree(board()), tree(live_board(cpus=holder)))
    assert result.fdt.get("/cpus/cpu@0", "status") is None
    assert fact(result, "/cpus/cpu@0", "status").action is FactAction.REFUSE


def test_no_cpu_is_disabled_when_the_trees_number_them_differently() -> None:
    holder = CPUS | {"cpu@100": cpu(0x100), "cpu@101": cpu(0x101)}
    result = merged(tree(board()), tree(live_board(cpus=holder)))
    assert fact(result, "/cpus", "").action is FactAction.REFUSE
    assert result.fdt.get("/cpus/cpu@0", "status") is None
    assert result.fdt.get("/cpus/cpu@1", "status") is None


def test_a_cpu_that_the_dtb_lacks_is_added_without_phandle() -> None:
    holder = CPUS | {f"cpu@{n}": cpu(n, phandle=n + 1) for n in range(3)}
    result = merged(tree(board()), tree(live_board(cpus=holder)))
    node = result.fdt.find("/cpus/cpu@2")
    assert node is not None
    assert "phandle" not in node.properties
    assert node.properties["reg"] == encode(2)


def test_a_cpu_that_refers_to_other_nodes_is_not_added() -> None:
    holder = CPUS | {"cpu@0": cpu(0), "cpu@1": cpu(1), "cpu@2": cpu(2, clocks=[5])}
    result = merged(tree(board()), tree(live_board(cpus=holder)))
    assert result.fdt.find("/cpus/cpu@2") is None
    assert fact(result, "/cpus/cpu@2", "").action is FactAction.REFUSE


def test_the_boot_cpu_is_named_in_the_header() -> None:
    live = tree(live_board())
    live.boot_cpu = 1
    assert merged(tree(board()), live).fdt.boot_cpu == 1


def test_psci_is_that_of_the_installed_firmware() -> None:
    ours = {"compatible": ["arm,psci-0.2", "arm,psci"], "method": "smc", "cpu_on": 1}
    theirs = {"compatible": "arm,psci-1.0", "method": "hvc", "cpu_off": 2}
    result = merged(tree(board(psci=ours)), tree(live_board(psci=theirs)))
    node = result.fdt.find("/psci")
    assert node is not None
    assert node.properties == {
        "compatible": b"arm,psci-1.0\0",
        "method": b"hvc\0",
        "cpu_off": encode(2),
    }


def test_optee_comes_along_when_the_dtb_does_not_know_it() -> None:
    optee = {"compatible": "linaro,optee-tz", "method": "smc"}
    result = merged(tree(board()), tree(live_board(firmware={"optee": optee})))
    assert result.fdt.get("/firmware/optee", "method") == b"smc\0"


def test_a_firmware_node_with_references_is_refused() -> None:
    optee = {"compatible": "linaro,optee-tz", "method": "smc", "interrupts": [0, 1, 2]}
    result = merged(tree(board()), tree(live_board(firmware={"optee": optee})))
    assert result.fdt.find("/firmware") is None
    assert fact(result, "/firmware/optee", "").action is FactAction.REFUSE


MAC = b"\x02\0\0\0\0\1"


def ethernet(address: int, mac: bytes = b"") -> dict[str, object]:
    more = {"local-mac-address": mac} if mac else {}
    return {"compatible": "acme,eth", "reg": [0, address, 0, 0x100], **more}


def test_firmware_that_describes_itself_otherwise_is_told_and_stays_as_shipped() -> None:
    ours = {"optee": {"compatible": "linaro,optee-tz", "method": "smc"}}
    theirs = {"optee": {"compatible": "linaro,optee-tz", "method": "hvc"}}
    result = merged(tree(board(firmware=ours)), tree(live_board(firmware=theirs)))
    assert result.fdt.get("/firmware/optee", "method") == b"smc\0"
    assert fact(result, "/firmware/optee", "method") in result.told


def test_the_names_that_the_running_tree_has_for_the_board_are_recorded() -> None:
    live = live_board(compatible=["acme,board", "acme,old-soc"], model="Acme Board Rev 1.2")
    result = merged(tree(board()), tree(live))
    assert result.fdt.get("/", "model") == b"Acme acme,board\0"
    assert "Acme Board Rev 1.2" in fact(result, "/", "model").reason
    assert "acme,old-soc" in fact(result, "/", "compatible").reason


def test_the_limit_of_a_crash_kernel_goes_from_the_running_tree() -> None:
    memory = {"device_type": "memory", "reg": [0, 0x40000000, 0, 0x20000000]}
    limited = {**memory, "linux,usable-memory": [0, 0x41000000, 0, 0x1000000]}
    result = rewrite(tree(live_board(**{"memory@40000000": limited})), CMDLINE)
    assert result.fdt.get("/memory@40000000", "linux,usable-memory") is None


def test_an_address_goes_to_the_matched_node_and_not_to_the_alias() -> None:
    shipped = board(
        aliases={"ethernet0": "/ethernet@3000"},
        **{"ethernet@2000": ethernet(0x2000), "ethernet@3000": ethernet(0x3000)},
    )
    live = live_board(
        aliases={"ethernet0": "/eth@2000"},
        **{"eth@2000": ethernet(0x2000, MAC), "eth@3000": ethernet(0x3000)},
    )
    result = merged(tree(shipped), tree(live))
    assert result.fdt.get("/ethernet@2000", "local-mac-address") == MAC
    assert result.fdt.get("/ethernet@3000", "local-mac-address") is None


def test_an_address_without_a_sure_owner_is_refused() -> None:
    result = merged(tree(board()), tree(live_board(**{"eth@2000": ethernet(0x2000, MAC)})))
    assert fact(result, "/eth@2000", "local-mac-address").action is FactAction.REFUSE


def test_an_empty_address_is_none() -> None:
    pair = {"eth@2000": ethernet(0x2000)}
    result = merged(
        tree(board(**pair)), tree(live_board(**{"eth@2000": ethernet(0x2000, bytes(6))}))
    )
    assert result.fdt.get("/eth@2000", "local-mac-address") is None


def test_the_serial_number_comes_along() -> None:
    result = merged(tree(board()), tree(live_board(**{"serial-number": "0042"})))
    assert result.fdt.get("/", "serial-number") == b"0042\0"


def test_the_command_line_is_the_entrys_and_nothing_else() -> None:
    shipped = board(chosen={"bootargs": "shipped", "stdout-path": "/serial@1000"})
    result = merged(tree(shipped), tree(live_board(chosen={"bootargs": "live"})))
    assert result.fdt.get("/chosen", "bootargs") == CMDLINE.encode() + b"\0"
    assert fact(result, "/chosen", "bootargs").source is FactSource.BOOT_OPTION


def test_nothing_stale_is_copied_into_chosen() -> None:
    stale = {
        "linux,initrd-start": 1,
        "linux,initrd-end": 2,
        "kaslr-seed": bytes(range(8)),
        "rng-seed": bytes(range(32)),
        "linux,elfcorehdr": [0, 1, 0, 1],
        "u-boot,version": "2025.01",
    }
    result = merged(tree(board(chosen=stale)), tree(live_board(chosen=stale)))
    node = result.fdt.find("/chosen")
    assert node is not None
    assert set(node.properties) == {"bootargs", "linux,booted-from-kexec"}


def test_the_console_is_resolved_in_the_live_tree() -> None:
    uart = {"compatible": "acme,uart", "reg": [0, 0x2000, 0, 0x100]}
    shipped = board(
        aliases={"serial0": "/serial@1000", "serial1": "/soc/serial@2000"},
        soc={"#address-cells": 2, "#size-cells": 2, "ranges": b"", "serial@2000": uart},
    )
    live = live_board(
        aliases={"serial0": "/serial@2000"},
        chosen={"stdout-path": "serial0:115200n8"},
        **{"serial@2000": uart},
    )
    result = merged(tree(shipped), tree(live))
    assert result.fdt.get("/chosen", "stdout-path") == b"/soc/serial@2000:115200n8\0"


def test_a_console_that_the_dtb_already_means_stays_as_written() -> None:
    shipped = board(aliases={"serial0": "/serial@1000"}, chosen={"stdout-path": "serial0:9600"})
    live = live_board(chosen={"stdout-path": "/serial@1000"})
    assert merged(tree(shipped), tree(live)).fdt.get("/chosen", "stdout-path") == b"serial0:9600\0"


LOST = {"chosen": {"stdout-path": "/uart@9"}, "uart@9": {"compatible": "acme,other"}}


def test_an_unknown_console_leaves_the_dtbs_own() -> None:
    result = merged(tree(board()), tree(live_board(**LOST)))
    assert result.fdt.get("/chosen", "stdout-path") == b"/serial@1000\0"
    assert fact(result, "/chosen", "stdout-path").action is FactAction.REFUSE


def test_a_console_that_is_off_in_the_dtb_leaves_the_dtbs_own() -> None:
    off = {"compatible": "acme,uart", "reg": [0, 0x2000, 0, 0x100], "status": "disabled"}
    live = {"serial@2000": {**off, "status": "okay"}, "chosen": {"stdout-path": "/serial@2000"}}
    result = merged(tree(board(**{"serial@2000": off})), tree(live_board(**live)))
    assert result.fdt.get("/chosen", "stdout-path") == b"/serial@1000\0"
    assert fact(result, "/chosen", "stdout-path").action is FactAction.REFUSE


def test_a_board_that_would_fall_silent_is_refused() -> None:
    with pytest.raises(MergeRefusedError, match="silent"):
        merge(tree(board(chosen={})), tree(live_board(**LOST)), CMDLINE)


def test_everything_else_is_the_dtbs() -> None:
    more = {"clock": {"compatible": "fixed-clock", "clock-frequency": 1, "phandle": 5}}
    less = {"clock": {"compatible": "fixed-clock", "clock-frequency": 2, "phandle": 9}}
    result = merged(tree(board(**more)), tree(live_board(**less)))
    assert result.fdt.get("/clock", "clock-frequency") == encode(1)
    assert result.fdt.get("/clock", "phandle") == encode(5)


def test_neither_input_is_changed() -> None:
    shipped, live = tree(board()), tree(live_board())
    before = write(shipped), write(live)
    merge(shipped, live, CMDLINE)
    assert (write(shipped), write(live)) == before


def test_in_shipped_mode_only_the_essential_comes_along() -> None:
    live = live_board(**{"serial-number": "0042"}, cpus=CPUS | {"cpu@0": cpu(0)})
    result = merged(tree(board()), tree(live), TreeMode.SHIPPED)
    assert result.fdt.get("/", "serial-number") is None
    assert result.fdt.get("/cpus/cpu@1", "status") is None
    assert result.fdt.get("/memory@0", "reg") == encode([0, 0x40000000, 0, 0x20000000])


def test_a_dtb_of_another_board_is_refused_with_both_names() -> None:
    with pytest.raises(MergeRefusedError, match=r"another board.*acme,other.*acme,board"):
        merge(tree(board("acme,other")), tree(live_board()), CMDLINE)


def test_a_dtb_that_shares_only_the_soc_is_refused() -> None:
    assert "acme,soc" in str(board("acme,other")["compatible"])
    with pytest.raises(MergeRefusedError, match="another board"):
        merge(tree(board("acme,other")), tree(live_board()), CMDLINE)


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ({"chosen": {}}, "ACPI"),
        (live_board("apple,j314s"), "m1n1"),
        (live_board(**{"ibm,opal": {}}), "OPAL"),
        (live_board(hypervisor={"compatible": "xen,xen"}), "Xen"),
    ],
)
def test_machines_whose_firmware_alone_can_describe_them_are_refused(
    live: dict[str, object], words: str
) -> None:
    with pytest.raises(MergeRefusedError, match=words):
        merge(tree(board()), tree(live), CMDLINE)


def test_the_running_tree_changes_only_in_chosen_and_stale_reservations() -> None:
    chosen = {
        "bootargs": "old",
        "kaslr-seed": bytes(8),
        "linux,initrd-start": 0x48000000,
        "linux,initrd-end": 0x48001000,
        "u-boot,version": "2025.01",
    }
    live = tree(live_board(chosen=chosen), reservations=((0x48000000, 0x1000), (0x1000, 0x1000)))
    result = rewrite(live, CMDLINE)
    verify(write(result.fdt), live, live, result.facts, CMDLINE)
    node = result.fdt.find("/chosen")
    assert node is not None
    assert set(node.properties) == {"bootargs", "u-boot,version", "linux,booted-from-kexec"}
    assert result.fdt.reservations == [(0x1000, 0x1000)]
