"""Pushing to a Hub that works and to one that does not: one clear message, nothing half done, the folder untouched."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_scripts.hub_errors import explained
from model_cards.folder_check import FolderContents, check_folder
from model_cards.push import PushArguments, push, readable_size, stale_files
from tests.hub.loopback import TOKEN, LoopbackHub
from tests.model_cards.folders import digest, rows_folder

CREATE, PREUPLOAD, BATCH, PUT, COMMIT = "repos/create", "/preupload/", "objects/batch", "^/lfs/", "/commit/"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rows_folder(tmp_path_factory.mktemp("push") / "rows")


@pytest.fixture
def broken(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """The Hub, without faults until the test adds them, and healed after it."""
    hub.heal()
    yield hub
    hub.heal()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository of the test's own."""
    return "org/" + re.sub(r"\W+", "-", request.node.name).strip("-").removeprefix("test_")


def uploads(hub: LoopbackHub) -> int:
    return sum(request.startswith("PUT /lfs/") for request in hub.requests)


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("POST", CREATE, 401, "401, and says: scripted fault.*hf auth login"),
        ("POST", CREATE, 403, "403.*scripted fault.*write access"),
        ("POST", CREATE, 429, "429.*slow down.*same command again"),
        ("POST", CREATE, 0, "connection broke off.*same command again"),
        ("POST", PREUPLOAD, 404, "404.*Check --repo_id and --revision"),
        ("POST", PREUPLOAD, 429, "429.*slow down.*same command again"),
        ("POST", BATCH, 500, "500.*trouble of its own.*same command again"),
        ("PUT", PUT, 500, "500.*uploading '.*(parquet|png)'.*trouble of its own.*same command again"),
        ("PUT", PUT, 0, "uploading '.*(parquet|png)'.*connection broke off.*same command again"),
        ("POST", COMMIT, 400, "400.*scripted fault.*See its message"),
        ("POST", COMMIT, 412, "412.*somebody else.*same command again"),
        ("POST", COMMIT, 0, "connection broke off.*same command again"),
    ],
)
def test_a_hub_in_trouble(pusher, broken, rows, name, method, path, status, said) -> None:
    before = digest(rows)
    broken.fail(method, path, status)
    ended = pusher.push(rows, name)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: ") and ended.err.count("\n") == 1
    assert re.search(said, ended.err), ended.err
    assert name in ended.err and "folder on this machine is unchanged" in ended.err
    assert digest(rows) == before
    if ("dataset", name) in broken.repositories:  # nothing became visible
        assert list(broken.files("dataset", name)) == [".gitattributes"]


def test_a_token_that_comes_back_is_not_shown(pusher, broken, rows, name) -> None:
    broken.fail("POST", CREATE, 401, message=f"Bearer {TOKEN} is no good")
    ended = pusher.push(rows, name)  # the fixture's `send` fails where the token shows
    assert "Bearer *** is no good" in ended.err


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HF_TOKEN": None}, "there is no token.*hf auth login"),
        ({"HF_TOKEN": "hf_anotherToken"}, "401, and says: Invalid username or password.*hf auth login"),
    ],
)
def test_without_a_good_token(pusher, broken, rows, name, environment, said) -> None:
    ended = pusher.push(rows, name, environment=environment)
    assert ended.status == 2 and re.search(said, ended.err), ended.err
    assert ("dataset", name) not in broken.repositories and "hf_anotherToken" not in ended.err


def test_short_troubles_are_sat_out(pusher, broken, rows, name) -> None:
    broken.fail("PUT", PUT, 500, times=2)
    broken.fail("PUT", PUT, 0, times=2)
    broken.fail("POST", PREUPLOAD, 503, times=1)
    ended = pusher.push(rows, name)
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize("path", [PUT, COMMIT])
def test_an_interrupted_push_is_repeated(pusher, broken, rows, name, path) -> None:
    contents = check_folder(rows)
    large = sum(file.endswith((".parquet", ".png")) for file in contents.files)
    broken.fail("PUT" if path == PUT else "POST", path, after=2 if path == PUT else 0)
    assert pusher.push(rows, name).status == 2
    arrived = large if path == COMMIT else 2
    broken.heal()
    ended = pusher.push(rows, name)
    assert ended.status == 0 and uploads(broken) == large - arrived  # what arrived is not sent again
    pushed = broken.files("dataset", name)
    assert {file: pushed[file] for file in contents.files} == {
        file: (rows / file).read_bytes() for file in contents.files
    }
    repository = broken.repositories["dataset", name]
    assert repository.messages == ["initial commit", "Push dataset"]  # in one commit
    first, _ = repository.commits
    assert set(repository.expected_parents) == {first}  # a commit of somebody else in between would be refused

    broken.heal()
    ended = pusher.push(rows, name)
    assert ended.status == 0 and "holds these files already" in ended.out and uploads(broken) == 0
    assert len(repository.messages) == 2


def test_private(pusher, broken, rows, name) -> None:
    assert pusher.push(rows, name, "--private").status == 0
    assert broken.repositories["dataset", name].private
    broken.repositories["dataset", name].private = False
    before = dict(broken.repositories["dataset", name].branches)
    ended = pusher.push(rows, name, "--private", "--revision", "next")
    assert ended.status == 2 and "public: make it private first, or drop --private" in ended.err
    assert broken.repositories["dataset", name].branches == before


def test_dry_run_sends_nothing(pusher, broken, rows, name) -> None:
    before = digest(rows)
    ended = pusher.push(rows, name, "--dry_run", environment={"HF_TOKEN": None})
    assert (ended.status, ended.err, broken.requests) == (0, "", [])
    *files, last = ended.out.splitlines()
    shown = {line.split("  ")[-1]: line.strip().split("  ")[0] for line in files}
    assert shown == {file: readable_size(size) for file, size in check_folder(rows).files.items()}
    assert f"would push to branch main of {name}: dataset, {len(shown)} files" in last
    assert digest(rows) == before


def test_an_unfit_folder_sends_nothing(pusher, broken, tmp_path, name) -> None:
    folder = rows_folder(tmp_path / "rows")
    (folder / "notes.pkl").write_bytes(b"x")
    ended = pusher.push(folder, name)
    assert ended.status == 2 and "notes.pkl" in ended.err and broken.requests == []


def test_offline_is_said(rows, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)  # tests run with HF_HUB_OFFLINE
    with pytest.raises(ValueError, match="HF_HUB_OFFLINE is set") as caught:
        push(PushArguments(folder=str(rows), repo_id="org/rows"))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file", "rows/a.parquet"), "rows/a.parquet cannot be read"),
        (PermissionError("denied"), "the Hub does not accept the token"),  # as hf_xet has it
        (RuntimeError("storage away"), r"RuntimeError \(storage away\): the connection broke off"),
        (TimeoutError(), "TimeoutError: the connection broke off"),
    ],
)
def test_errors_below_the_hub(error, said) -> None:
    with pytest.raises(ValueError, match=f"pushing failed: {said}.*unchanged"), explained("pushing"):
        raise error


@pytest.mark.parametrize("repo_id", ["rows", "org/rows/more", "/data/rows", "org/"])
def test_repo_id(repo_id) -> None:
    with pytest.raises(ValueError, match="no Hub id"):
        PushArguments(folder="rows", repo_id=repo_id)


def test_only_what_loading_could_mistake_is_removed() -> None:
    model = FolderContents("mmclip", {"model.safetensors": 1, "modeling_mmclip.py": 1})
    remote = ["model-00001-of-2.safetensors", "model.safetensors.index.json", "old_mmclip.py", "model.safetensors"]
    kept = ["README.md", "figures/draw.py", ".gitattributes", "results.json"]
    assert stale_files(model, remote + kept) == remote[:3]
    adapter = FolderContents("adapter", {"adapter_model.safetensors": 1, "adapter_config.json": 1})
    assert stale_files(adapter, ["model.safetensors", "modeling_mmgeolm.py"]) == []
    rows = FolderContents("dataset", {"with_markings/train-0-new.parquet": 1, "README.md": 1})
    assert stale_files(rows, ["with_markings/train-0-old.parquet", "other/train-0.parquet", "notes.md"]) == [
        "with_markings/train-0-old.parquet"
    ]


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000, "2.3 MB"), (7e13, "70.0 TB")]
)
def test_readable_size(size, shown) -> None:
    assert readable_size(size) == shown
