"""What the tests of the whole route share: one warm sandbox, and leave to ask this machine."""

import pytest

from data_scripts import build_with_llm
from data_scripts.llm.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture
def here(monkeypatch, sandbox):
    """The client may reach this machine, shards are small, and the sandbox is warm already."""

    class Shared:
        def __init__(self, *_: object, **__: object) -> None:
            self.render = sandbox.render

        def __enter__(self) -> "Shared":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(build_with_llm, "Sandbox", Shared)
    monkeypatch.setattr(build_with_llm, "SHARD_SIZE", 2)
    monkeypatch.setattr(build_with_llm, "write_contact_sheet", lambda rows, path: path.write_bytes(b""))  # slow
