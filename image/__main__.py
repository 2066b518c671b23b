"""`python -m image`: build the board image, or boot it."""

import sys

from image.build import Products, everything


def main() -> int:
    """Build everything that is not up to date."""
    everything(Products())
    return 0


if __name__ == "__main__":
    sys.exit(main())
