"""Rows out of files: every form of JSON, parquet, damage told, nothing held whole."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scripts.sources import row_files
from data_scripts.sources.row_files import rows_of

ROWS = [{"a": 1, "b": "x∠"}, {"a": -2.5, "b": [None, {"c": ""}]}, {"a": 3}]


def read(text: str | bytes, name: str = "rows.json") -> list:
    return list(rows_of(io.BytesIO(text.encode() if isinstance(text, str) else text), name))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\ufeff" + json.dumps(ROWS),
        "\n".join(map(json.dumps, ROWS)),
        json.dumps({"train": ROWS[:2], "test": ROWS[2:]}),
    ],
)
def test_forms_of_json(text):
    assert read(text) == ROWS


def test_rows_by_id_get_it_as_a_column():
    assert read(json.dumps({"7": {"a": 1}, "9": {"a": 2}})) == [{"id": "7", "a": 1}, {"id": "9", "a": 2}]


def test_one_row_alone_and_none():
    assert read('{"question": "?"}') == [{"question": "?"}]
    assert read("") == read("[]") == read(" [ ] ") == []


def test_json_lines_keep_the_place_of_a_bad_one():
    assert read('{"a": 1}\n\nnonsense\n{"a": 2}\n', "rows.jsonl") == [{"a": 1}, None, {"a": 2}]


def test_parquet(tmp_path):
    rows = [{"a": n, "image": {"bytes": b"x", "path": None}} for n in range(70)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    content = (tmp_path / "rows.parquet").read_bytes()
    assert read(content, "rows.parquet") == rows
    with (tmp_path / "rows.parquet").open("rb") as file:
        assert list(rows_of(file, "rows.parquet")) == rows


@pytest.mark.parametrize(
    "text, name, message",
    [
        ('[{"a": 1}, {"a": }]', "x.json", "x.json is no JSON from character 1"),
        ('[{"a": 1}, {"a": 2}', "x.json", "ends in the middle"),
        ('[{"a": 1}, {"a": "cut', "x.json", "x.json is no JSON from character"),
        (b'[{"a": "\xff"}]', "x.json", "not UTF-8"),
        ("[" * 100_000, "x.json", "no JSON|nested too deeply"),
        (b"PAR1 nonsense PAR1", "x.parquet", "cannot be read as parquet"),
    ],
)
def test_damage_is_told(text, name, message):
    with pytest.raises(ValueError, match=message):
        read(text, name)


def test_what_stands_before_damage_is_read():
    rows = rows_of(io.BytesIO(b'[{"a": 1}, {"a": 2}, oops'), "x.json")
    assert [next(rows), next(rows)] == [{"a": 1}, {"a": 2}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(rows=st.lists(json_values, max_size=6), chunk=st.integers(1, 9), indent=st.sampled_from([None, 1]))
def test_any_window_gives_the_same_rows(rows, chunk, indent):
    old, row_files.CHUNK = row_files.CHUNK, chunk
    try:
        assert read(json.dumps(rows, indent=indent, ensure_ascii=False)) == rows
    finally:
        row_files.CHUNK = old


def test_only_a_window_of_a_long_file_is_held(monkeypatch):
    monkeypatch.setattr(row_files, "CHUNK", 1000)
    file = io.BytesIO(json.dumps([{"text": "x" * 50, "n": n} for n in range(5000)]).encode())
    rows = rows_of(file, "x.json")
    assert next(rows)["n"] == 0
    assert file.tell() < 10_000, "the file was read to its end for the first row"
    assert [row["n"] for row in rows] == list(range(1, 5000))
