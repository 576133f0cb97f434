"""Push a finished folder to the Hub: a model, an adapter, a processor, a data set with its configs, or a Space.

    python -m model_cards.push --folder mmclip --repo_id org/mmclip --dry_run
    python -m model_cards.push --folder mmclip --repo_id org/mmclip --private

The folder is checked first (`model_cards.folder_check`): safetensors only, a card, nothing unfinished. Everything goes
into one commit, so that whoever loads the repository meanwhile gets the old version or the new one, never a mixture;
therefore `create_commit` and not `upload_folder`, which splits large folders into several commits. Weights, code and
parquet files of an older version that the folder no longer has are removed in the same commit; git keeps them.

An upload that broke off is repeated by the same command: files that arrived are not sent again. The folder is only
read. The token is that of `hf auth login` or HF_TOKEN, and is never shown.
"""

import fnmatch
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from trl import TrlParser

from data_scripts.cli import run_command
from data_scripts.hub_errors import explained
from evaluation.result_tables import HUB_ID
from model_cards.folder_check import EXPORTS, FolderContents, check_folder

MAIN = "main"
CODE_AND_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.py")
# What loading would pick up by its name or place if an older version left it beside the new files.
REPLACED = {
    "mmclip": CODE_AND_WEIGHTS,
    "mmgeolm": CODE_AND_WEIGHTS,
    **dict.fromkeys(EXPORTS, CODE_AND_WEIGHTS),
    "adapter": ("adapter_model*.safetensors*",),
    "processor": (),
    "dataset": ("*.parquet",),
    "space": CODE_AND_WEIGHTS,
}
UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass
class PushArguments:
    """Check a finished folder and push it to the Hub in one commit."""

    folder: str = field(metadata={"help": "Folder of a saved model, adapter or processor, of a data set or a Space."})
    repo_id: str = field(metadata={"help": "Hub id to push to, such as org/name; created if it is not there."})
    private: bool = field(default=False, metadata={"help": "Only you and your organisation see the repository."})
    revision: str | None = field(
        default=None, metadata={"help": "Branch to push to, created if it is not there (default: main)."}
    )
    dry_run: bool = field(
        default=False, metadata={"help": "Check, and list what would be pushed; nothing is sent and no token needed."}
    )

    def __post_init__(self) -> None:
        if not HUB_ID.fullmatch(self.repo_id):
            raise ValueError(f"--repo_id {self.repo_id!r} is no Hub id: it should read like org/name")


def readable_size(size: float) -> str:
    """Bytes as people read them, such as 1.2 MB."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {UNITS[-1]}"


def listing(contents: FolderContents) -> str:
    """The files that go to the Hub with their sizes, one a line, and what stays at home."""
    lines = [f"{readable_size(size):>10}  {name}" for name, size in contents.files.items()]
    lines += [f"{'left out':>10}  {name}" for name in contents.left_out]
    return "\n".join(lines)


def stale_files(contents: FolderContents, remote: list[str]) -> list[str]:
    """Remote files that an older version left in the same places and that loading could take for part of this one."""
    places = {PurePosixPath(name).parent for name in contents.files}
    return [
        name
        for name in remote
        if name not in contents.files
        and PurePosixPath(name).parent in places
        and any(fnmatch.fnmatchcase(PurePosixPath(name).name, pattern) for pattern in REPLACED[contents.kind])
    ]


def push(arguments: PushArguments) -> str:
    """Check the folder and push it; returns one line that says what was done, with the address.

    Raises:
        ValueError: if the folder is not fit for the Hub, or if the Hub cannot be reached or refuses.
    """
    folder = Path(arguments.folder)
    contents = check_folder(folder)
    branch = arguments.revision or MAIN
    summary = f"{contents.kind}, {len(contents.files)} files, {readable_size(contents.size)}"
    if arguments.dry_run:
        print(listing(contents))
        return f"would push to branch {branch} of {arguments.repo_id}: {summary}"
    if get_token() is None:
        raise ValueError("there is no token: log in with `hf auth login`, or set HF_TOKEN to a token that may write")
    api = HfApi(library_name="mmgeo")
    place = {"repo_id": arguments.repo_id, "repo_type": contents.repo_type}
    with explained(f"preparing {arguments.repo_id} at {api.endpoint}"):
        sdk = {"space_sdk": "gradio"} if contents.kind == "space" else {}
        address = api.create_repo(**place, **sdk, private=arguments.private or None, exist_ok=True)
        if arguments.private and not api.repo_info(**place).private:
            raise ValueError(f"{address} is there already and public: make it private first, or drop --private")
        if branch != MAIN:
            api.create_branch(**place, branch=branch, exist_ok=True)
        before = api.repo_info(**place, revision=branch)
    remote = [file.rfilename for file in before.siblings or []]
    stale = stale_files(contents, remote)
    with explained(f"pushing {folder} to {address}"):
        commit = api.create_commit(
            **place,
            operations=[
                *(CommitOperationDelete(path_in_repo=name, is_folder=False) for name in stale),
                *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in contents.files),
            ],
            commit_message=f"Push {contents.kind}",
            revision=branch,
            parent_commit=before.sha,
        )
    if commit.oid == before.sha:
        return f"{address} holds these files already ({summary}; branch {branch}, revision {commit.oid})"
    removed = f", {len(stale)} of an older version removed" if stale else ""
    return f"pushed to {address} ({summary}{removed}; branch {branch}, revision {commit.oid})"


def main() -> None:
    (arguments,) = TrlParser(PushArguments).parse_args_and_config()
    print(push(arguments))


if __name__ == "__main__":
    run_command(main)
