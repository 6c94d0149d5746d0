"""numpy arrays as the Arrow columns of a canonical table, without a Python object per value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from portrait_assets.schema.table import Type
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.synthetic.common.randomness import Ints, Mask

Bytes = npt.NDArray[np.uint8]

ARROW_TYPES: dict[Type, pa.DataType] = {
    Type.TEXT: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.MONEY: pa.decimal128(18, 2),
    Type.QUANTITY: pa.decimal128(18, 3),
    Type.DATE: pa.date32(),
    Type.TIMESTAMP: pa.timestamp("us"),
    Type.BOOLEAN: pa.bool_(),
}
_THREE_DIGITS: Bytes = np.array(
    [[48 + n // 100, 48 + n // 10 % 10, 48 + n % 10] for n in range(1000)], dtype=np.uint8
)


def _validity(missing: Mask | None) -> pa.Buffer | None:
    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little"))


def money(cents: Ints, missing: Mask | None = None) -> pa.Array:
    """DECIMAL(18,2) from whole cents, null where `missing`."""
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    np.right_shift(cents, 63, out=wide[:, 1])  # the sign fills the upper half
    return pa.Array.from_buffers(
        pa.decimal128(18, 2), len(cents), [_validity(missing), pa.py_buffer(wide)]
    )


def timestamps(microseconds: Ints, missing: Mask | None = None) -> pa.Array:
    """Local time stamps from microseconds since 1970-01-01, null where `missing`."""
    return pa.Array.from_buffers(
        pa.timestamp("us"),
        len(microseconds),
        [_validity(missing), pa.py_buffer(np.ascontiguousarray(microseconds))],
    )


def dates(days: Ints, missing: Mask | None = None) -> pa.Array:
    """Dates from days since 1970-01-01, null where `missing`."""
    return pa.Array.from_buffers(
        pa.date32(), len(days), [_validity(missing), pa.py_buffer(days.astype(np.int32))]
    )


def codes(
    positions: npt.NDArray[np.integer], names: Sequence[str] | pa.Array, missing: Mask | None = None
) -> pa.Array:
    """Text given as positions in a short list of names, null where `missing`."""
    dictionary = names if isinstance(names, pa.Array) else pa.array(list(names), pa.string())
    indices = pa.Array.from_buffers(
        pa.int32(),
        len(positions),
        [_validity(missing), pa.py_buffer(positions.astype(np.int32))],
    )
    return pa.DictionaryArray.from_arrays(indices, dictionary)


def digits(numbers: Ints, width: int) -> Bytes:
    """Decimal digits as ASCII, shape (len(numbers), width), padded with zeros."""
    text = np.empty((len(numbers), width), dtype=np.uint8)
    left = numbers.copy()
    for place in range(width - 1, -1, -1):
        left, digit = np.divmod(left, 10)
        text[:, place] = digit + 48
    return text


def three_digits(numbers: Ints) -> Bytes:
    """`digits` of width 3 by a table."""
    return _THREE_DIGITS[numbers]


def prefixed(prefix: str, numbers: Ints, width: int) -> Bytes:
    """Identifiers such as C0000001 as ASCII, one row each."""
    start = np.frombuffer(prefix.encode(), dtype=np.uint8)
    return np.hstack([np.broadcast_to(start, (len(numbers), len(start))), digits(numbers, width)])


def fixed_text(characters: Bytes, missing: Mask | None = None) -> pa.Array:
    """Text of one fixed width from ASCII, one row of characters each, null where `missing`."""
    count, width = characters.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(
        count,
        pa.py_buffer(offsets),
        pa.py_buffer(np.ascontiguousarray(characters)),
        _validity(missing),
    )


def repeated(value: str, count: int) -> pa.Array:
    """The same text in every row."""
    return codes(np.zeros(count, dtype=np.int32), [value])


def canonical(name: str, columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """The canonical table of that name: columns in the contract's order, null where not given.

    Raises:
        KeyError: when a column is given that the contract does not know.
    """
    table = CANONICAL_BY_NAME[name]
    if unknown := columns.keys() - {column.name for column in table.columns}:
        raise KeyError(f"{name} has no column {sorted(unknown)[0]}")
    given = {
        column.name: columns[column.name]
        if column.name in columns
        else pa.nulls(rows, ARROW_TYPES[column.type])
        for column in table.columns
    }
    return pa.table(given)
