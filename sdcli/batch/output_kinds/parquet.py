"""Parquet with the pictures inside, as the Hugging Face hub and `datasets` show them: a file a shard."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdcli.batch.output_kinds.kind import OutputKind
from sdcli.batch.staging import StagedSample, read_staged
from sdcli.batch.store import Store
from sdcli.library.extras import import_extra

EXTRA = "parquet"
GROUP = 100  # pictures that a reader has in memory together


def write_parquet(store: Store, shard: str, samples: Sequence[StagedSample]) -> Mapping[str, str]:
    """One file, a group of pictures at a time, put whole."""
    if not samples:
        return {}
    parquet = import_extra("pyarrow.parquet", EXTRA, "`--to parquet`")
    name = f"{shard}.parquet"
    built = samples[0].path.parent / name
    schema = _schema(sorted({m for s in samples for m in s.row.get("measured", {})}))
    with parquet.ParquetWriter(built, schema, compression="zstd") as writer:
        for begin in range(0, len(samples), GROUP):
            writer.write_table(_table(samples[begin : begin + GROUP], schema))
    with built.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    store.put(name, built)
    return {name: sha256}


def _schema(measures: Sequence[str]) -> Any:
    """The columns, with the word by which viewers know that `image` is a picture."""
    arrow = import_extra("pyarrow", EXTRA, "`--to parquet`")
    texts = ("text", "negative", "key", "sha256", "plan")
    columns = [
        ("image", arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])),
        *((name, arrow.string()) for name in texts),
        ("seed", arrow.uint64()),
        ("width", arrow.int32()),
        ("height", arrow.int32()),
        *((f"measured_{name}", arrow.float64()) for name in measures),
    ]
    features = {"image": {"_type": "Image"}}
    known = json.dumps({"info": {"features": {**features, **_value_features(columns)}}})
    return arrow.schema(columns, metadata={"huggingface": known})


def _value_features(columns: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    names = {"double": "float64"}
    return {
        name: {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}
        for name, kind in columns
        if name != "image"
    }


def _table(samples: Sequence[StagedSample], schema: Any) -> Any:
    arrow = import_extra("pyarrow", EXTRA, "`--to parquet`")
    return arrow.Table.from_pylist([_columns(sample) for sample in samples], schema=schema)


def _columns(sample: StagedSample) -> dict[str, Any]:
    row = sample.row
    measured = {f"measured_{name}": value for name, value in row.get("measured", {}).items()}
    return {
        "image": {"bytes": read_staged(sample), "path": sample.path.name},
        "text": _whole_letters(row["prompt"]),
        "negative": _whole_letters(row["negative"]),
        "plan": json.dumps(row["plan"]),
        **{name: row[name] for name in ("key", "sha256", "seed", "width", "height")},
        **measured,
    }


def _whole_letters(text: str) -> str:
    """The text without halves of letters, which Parquet does not take."""
    return text.encode("utf-8", "replace").decode()


def read_parquet(store: Store, objects: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The pictures in the files, as far as they can be read."""
    parquet = import_extra("pyarrow.parquet", EXTRA, "reading Parquet")
    arrow = import_extra("pyarrow", EXTRA, "reading Parquet")
    for name in objects:
        if not store.has(name):
            continue
        try:
            table = parquet.ParquetFile(io.BytesIO(store.read(name)))
            for batch in table.iter_batches(GROUP, columns=["key", "image"]):
                for row in batch.to_pylist():
                    yield row["key"], row["image"]["bytes"]
        except (arrow.ArrowException, OSError):
            continue


PARQUET = OutputKind(
    "parquet",
    "a Parquet file for each shard, the pictures inside",
    write_parquet,
    read_parquet,
    libraries=(("pyarrow", EXTRA),),
)
