"""The products under test, built when they are not up to date."""

import pytest

from image.build import Products, everything


@pytest.fixture(scope="session")
def products() -> Products:
    built = Products()
    everything(built)
    return built
