"""Device trees decided: which DTB, what of the running board goes into it, and whether it is safe.

Pure: file systems come as `FsView`, trees as bytes or `bootd.fdt` values, entropy as arguments.
"""
