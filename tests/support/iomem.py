"""/proc/iomem texts in the style of real kernels."""

VIRT_GICV2 = """\
09000000-09000fff : pl011@9000000
  09000000-09000fff : 9000000.pl011 pl011@9000000
10000000-3efeffff : pcie@10000000
40000000-5fffffff : System RAM
  40200000-413cffff : Kernel code
  413d0000-418fffff : reserved
  41900000-41d6ffff : Kernel data
  48000000-481fffff : reserved
  4a000000-4a9c2fff : reserved
  5be00000-5fdfffff : reserved
  5fe00000-5fffffff : reserved
4010000000-401fffffff : PCI ECAM
"""
"""QEMU virt, 512 MiB, kernel 6.1."""

RISCV_VIRT = """\
80000000-8001ffff : Reserved
80020000-9fffffff : System RAM
  80202000-8149bfff : Kernel image
    80202000-80c0ffff : Kernel code
    81000000-813fffff : Kernel rodata
  9f000000-9f0fffff : Reserved
"""
"""QEMU virt riscv64 with OpenSBI; note the capital R."""

CRASH_KERNEL = """\
80000000-ffffffff : System RAM
  80210000-81ffffff : Kernel code
  d0000000-dfffffff : Crash kernel
  e0000000-e0ffffff : reserved
8000000000-81ffffffff : System RAM
  81fffd0000-81ffffffff : reserved
"""
"""Two banks, and memory set aside for a crash kernel."""

HIDDEN = """\
00000000-00000000 : System RAM
  00000000-00000000 : Kernel code
"""
"""What a user without CAP_SYS_ADMIN sees."""
