"""bootd: a boot loader that runs on Linux and gets the device tree right."""

from typing import Final

VERSION: Final = "0.1.0"
