"""uEnv.txt that boots by itself: no script imports it, the firmware's own environment does.

What these firmwares do with it is written down as the script that it is:
- BeagleBoard (`uname_r`, `dtb`, `dtb_overlay`, `uboot_overlay_addr0` …, `cmdline`): the environment
  of its U-Boot, include/environment/ti/mmc.env and its own patches;
- Amlogic boxes (`LINUX`, `INITRD`, `FDT`, `APPEND`);
- any board with `uenvcmd`: a script in a variable;
- old boards of TI, whose `loaduimage` some images have boot.
"""

import re
from typing import Final

_BOOTS: Final = re.compile(
    r"^[ \t]*(?:(?:uenvcmd|uname_r|LINUX)=|loaduimage=.*\bboot[imz]?\b)", re.MULTILINE
)

SCRIPT: Final = """
load ${devtype} ${devnum}:1 ${loadaddr} @PATH@ && env import -t ${loadaddr} ${filesize}
if test -n "${uenvcmd}"; then run uenvcmd; fi
if test -n "${loaduimage}"; then run loaduimage; fi
if test -n "${LINUX}"; then
  load mmc 0:1 ${kernel_addr_r} ${LINUX}
  load mmc 0:1 ${fdt_addr_r} ${FDT}
  setenv bootargs ${APPEND}
  if load mmc 0:1 ${ramdisk_addr_r} ${INITRD}; then
    booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r}
  else
    booti ${kernel_addr_r} - ${fdt_addr_r}
  fi
fi
if test -n "${uname_r}"; then
  load mmc 0:1 ${kernel_addr_r} /boot/vmlinuz-${uname_r}
  for folder in /boot/dtbs/${uname_r} /boot/dtbs/${uname_r}/ti/omap /boot/dtbs/${uname_r}/ti \\
                /usr/lib/linux-image-${uname_r} /usr/lib/linux-image-${uname_r}/ti/omap \\
                /usr/lib/linux-image-${uname_r}/ti /boot/dtb-${uname_r} /boot/dtbs /boot/dtb; do
    if test -z "${found}"; then
      if test -n "${dtb}"; then
        load mmc 0:1 ${fdt_addr_r} ${folder}/${dtb} && found=yes
      else
        load mmc 0:1 ${fdt_addr_r} ${folder}/${fdtfile} && found=yes
      fi
    fi
  done
  fdt addr ${fdt_addr_r}
  if test "${enable_uboot_overlays}" = 1; then
    for overlay in ${uboot_overlay_addr0} ${uboot_overlay_addr1} ${uboot_overlay_addr2} \\
                   ${uboot_overlay_addr3} ${uboot_overlay_addr4} ${uboot_overlay_addr5} \\
                   ${uboot_overlay_addr6} ${uboot_overlay_addr7} ${dtb_overlay}; do
      load mmc 0:1 ${fdtoverlay_addr_r} ${overlay} && fdt apply ${fdtoverlay_addr_r}
    done
  fi
  if test -n "${uuid}"; then
    setenv root "UUID=${uuid}"
  elif test -n "${mmcroot}"; then
    setenv root "${mmcroot}"
  else
    part uuid mmc 0:1 own && setenv root "PARTUUID=${own}"
  fi
  setenv bootargs console=${console:-ttyS0,115200n8} ${optargs} root=${root} ro \\
    rootfstype=${mmcrootfstype:-ext4 rootwait} ${cmdline}
  if load mmc 0:1 ${ramdisk_addr_r} /boot/initrd.img-${uname_r}; then
    bootz ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r}
  else
    bootz ${kernel_addr_r} - ${fdt_addr_r}
  fi
fi
"""
"""`@PATH@` is the file's own path."""


def boots(text: str) -> bool:
    """Say whether a uEnv.txt holds what one of these firmwares boots by."""
    return _BOOTS.search(text) is not None
