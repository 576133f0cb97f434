"""One loopback Hub and processes for which it is the Hub; a folder of tests takes them by importing them."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.hub.loopback import LoopbackHub


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path_factory.mktemp("hub")) as server:
        yield server


@pytest.fixture(scope="package")
def fresh_environment(hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    """Variables of a fresh process of that name, with caches of its own, for which the loopback Hub is the Hub."""

    def make(name: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return kept | hub.environment(tmp_path_factory.mktemp(name)) | {"OMP_NUM_THREADS": "1"}

    return make
