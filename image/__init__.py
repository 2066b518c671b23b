"""Builds the board image (kernel and initramfs) and the demo disks; nothing here is installed.

`python -m image build` makes everything below `build/board/`, `python -m image run` boots it in
QEMU. Neither root nor loop devices are needed: packages are unpacked, file systems are filled from
directories, and the initramfs is written file by file.
"""
