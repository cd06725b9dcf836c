"""Each kind of bad input has an error of its own that says where, what was got, what to do."""

import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from igs_env.datasets import open_corpus
from igs_env.errors import ConfigurationError, DataError
from igs_env.types import Document

GOOD = b'{"id": "1", "contents": "\\"A\\"\\nb"}\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("IGS_CACHE", str(tmp_path / "cache"))


BAD_LINES = {
    "half a JSON line": (b'{"id": "2", "cont', r"line 2: not a whole JSON object .*cut short"),
    "not UTF-8": (b'{"id": "2", "contents": "caf\xe9"}', r"line 2: byte 28 \(0xe9\) .*UTF-8"),
    "not an object": (b"[1, 2]", r"line 2: holds a list, needs an object"),
    "no contents": (b'{"id": "2", "passage": "x"}', r"line 2: no field 'contents'; got id, pass"),
    "no id": (b'{"_id": "2", "contents": "x"}', r"line 2: no field 'id'; got _id, contents"),
    "id is null": (b'{"id": null, "contents": "x"}', r"line 2: field 'id' is None"),
    "id is a list": (b'{"id": [2], "contents": "x"}', r"line 2: field 'id' is \[2\]"),
    "id is true": (b'{"id": true, "contents": "x"}', r"line 2: field 'id' is True"),
    "contents is a number": (b'{"id": "2", "contents": 5}', r"'contents' is int 5; needs a str"),
    "title is null": (b'{"id": "2", "title": null, "text": ""}', r"'title' is NoneType None"),
    "half a surrogate pair": (b'{"id": "2", "contents": "\\ud800"}', r"line 2: .*surrogate"),
    "half a pair in an id": (b'{"id": "\\ud800", "contents": ""}', r"line 2: .*surrogate"),
}


@pytest.mark.parametrize("in_memory_below", [0, 2**30], ids=["mapped", "held"])
@pytest.mark.parametrize("case", BAD_LINES)
def test_a_malformed_line_is_named(tmp_path, case, in_memory_below):
    line, message = BAD_LINES[case]
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD + line)
    with pytest.raises(DataError, match=message) as caught:
        open_corpus(path, in_memory_below=in_memory_below)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("in_memory_below", [0, 2**30], ids=["mapped", "held"])
def test_a_repeated_id_is_named_with_both_documents(tmp_path, in_memory_below):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD + b'{"id": "2", "contents": ""}\n' + GOOD)
    with pytest.raises(DataError, match=r"documents 1 and 3 \(from 1\) share id '1'"):
        open_corpus(path, in_memory_below=in_memory_below)


@pytest.mark.parametrize("in_memory_below", [0, 2**30], ids=["mapped", "held"])
@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_an_empty_corpus_is_refused(tmp_path, data, in_memory_below):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"corpus\.jsonl is empty"):
        open_corpus(path, in_memory_below=in_memory_below)


def test_a_missing_file_is_named_with_the_working_folder(tmp_path):
    with pytest.raises(DataError, match=r"does not exist \(working folder: "):
        open_corpus(tmp_path / "no.jsonl")


def test_a_folder_in_place_of_a_file_names_a_file_in_it(tmp_path):
    (tmp_path / "wiki.jsonl").write_bytes(GOOD)
    with pytest.raises(DataError, match=r"is a folder, not a file.*wiki\.jsonl"):
        open_corpus(tmp_path)


def test_an_empty_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is a folder, not a file.*holds no \.jsonl"):
        open_corpus(str(tmp_path))


def test_a_suffix_that_is_not_read_is_refused(tmp_path):
    path = tmp_path / "corpus.tsv"
    path.write_bytes(GOOD)
    with pytest.raises(DataError, match=r"suffix that is not read; use \.jsonl"):
        open_corpus(path)


@pytest.mark.parametrize("damage", ["cut", "not gzip", "bits flipped"])
def test_a_damaged_gzip_file_is_named(tmp_path, damage):
    data = gzip.compress(GOOD * 1000)
    if damage == "bits flipped":
        data = data[:20] + bytes(255 - byte for byte in data[20:40]) + data[40:]
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes({"cut": data[:-20], "not gzip": GOOD}.get(damage, data))
    with pytest.raises(DataError, match="compressed file is cut short or damaged"):
        open_corpus(path)


@pytest.mark.parametrize("name", ["corpus.parquet", "corpus.arrow"])
def test_a_damaged_column_file_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"PAR1 this is no such file")
    with pytest.raises(DataError, match=rf"{name}, after row 0: not a readable"):
        open_corpus(path)


def test_wrong_columns_of_a_parquet_file_are_named(tmp_path):
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"docid": ["1"], "passage": ["x"]}), path)
    with pytest.raises(DataError, match="row 1: no field 'contents'; got docid, passage"):
        open_corpus(path)


def test_json_lines_under_the_name_of_json_are_recognised(tmp_path):
    path = tmp_path / "corpus.json"
    path.write_bytes(GOOD + GOOD)
    with pytest.raises(DataError, match=r"called \.jsonl: rename it"):
        open_corpus(path)


def test_a_json_file_that_holds_no_list_is_refused(tmp_path):
    path = tmp_path / "corpus.json"
    path.write_bytes(GOOD)
    with pytest.raises(DataError, match="holds one object, needs a list"):
        open_corpus(path)


def test_live_documents_are_checked():
    one = Document(id="1", title="", text="")
    with pytest.raises(DataError, match="corpus of live documents is empty"):
        open_corpus([])
    with pytest.raises(DataError, match=r"documents 1 and 2 .* share id '1'"):
        open_corpus([one, one])
    with pytest.raises(DataError, match=r"number 2 is dict; needs igs_env\.types\.Document"):
        open_corpus([one, {"id": "2"}])
    with pytest.raises(DataError, match="corpus is int; give documents, a file or a name"):
        open_corpus(3)


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ConfigurationError, match=r"no corpus 'wiki' \(did you mean 'wiki18'\?\)"):
        open_corpus("wiki")


def test_a_cache_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IGS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set IGS_CACHE to a folder that can be written"):
        open_corpus(path, in_memory_below=0)


@pytest.mark.parametrize(
    ("name", "size"),
    [("documents.arrow", 30), ("hashes.u64", 7), ("rows.u32", 0), ("corpus.json", 5)],
)
def test_a_damaged_converted_folder_says_to_delete_it(tmp_path, name, size):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD)
    folder = open_corpus(path, in_memory_below=0).folder
    os.truncate(folder / name, size)
    with pytest.raises(DataError, match=r"is damaged .* delete the folder and open the source"):
        open_corpus(path, in_memory_below=0)


def test_a_converted_folder_of_another_version_says_so(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD)
    folder = open_corpus(path, in_memory_below=0).folder
    about = json.loads((folder / "corpus.json").read_text())
    (folder / "corpus.json").write_text(json.dumps({**about, "version": 0}))
    with pytest.raises(DataError, match="not written by this version; delete it"):
        open_corpus(folder)
