"""NumPy arrays as .npy bytes, read as hostile data: no pickle, no more elements than there are bytes."""

from __future__ import annotations

import io

import numpy as np

__all__ = ["from_npy", "to_npy"]


def to_npy(array: np.ndarray) -> bytes:
    """The array as .npy bytes. Raises ValueError for an array of objects."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def from_npy(data: bytes) -> np.ndarray:
    """The array in .npy bytes, a copy. Raises ValueError for everything that is not exactly one plain array."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(file)
    except Exception as error:  # the header is a Python literal: whatever it does to the parser, it is no array
        raise ValueError(f"these bytes are no array: {type(error).__name__}") from None
    if dtype.kind not in "biufcSUmM" or dtype.subdtype is not None or len(shape) > 32 or min(shape, default=0) < 0:
        raise ValueError(f"an array of dtype {dtype!s:.60} and {len(shape)} dimensions is not plain")
    count = 1
    for size in shape:
        count *= size  # Python's integers do not overflow
    content = data[file.tell() :]
    if count * dtype.itemsize != len(content) or (count and not content):
        raise ValueError(f"an array of {count:,} elements does not fit its {len(content):,} bytes")
    flat = np.frombuffer(content, dtype=dtype) if content else np.empty(count, dtype)
    return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")
