"""Arrays as .npy bytes, honest and hostile."""

import io
import pickle

import numpy as np
import pytest

from autograde.kernel.arrays import from_npy, to_npy


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="float32").reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(1.5),
        np.zeros((0, 4), dtype="int8"),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array(["a", "bc"]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.array([1, 2], dtype=">i4"),
    ],
    ids=str,
)
def test_there_and_back(array):
    came = from_npy(to_npy(array))
    assert came.dtype == array.dtype
    assert came.shape == array.shape
    assert came.tobytes() == array.tobytes()
    assert came.flags.writeable


def test_objects_are_not_sent():
    with pytest.raises(ValueError, match="allow_pickle"):
        to_npy(np.array([object()]))


def npy(header, content=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def with_objects():
    file = io.BytesIO()
    np.save(file, np.array([print], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\x93NUMPY",
        pickle.dumps(1),
        with_objects(),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", bytes(8)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"),
        npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}"),
        npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        npy("{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (1,)}", bytes(16)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", bytes(9)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}", bytes(8))[:-3],
        npy("(" * 5000),
        npy("__import__('os').system('false')"),
        to_npy(np.zeros(1)).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x03"),
    ],
    ids=lambda hostile: repr(hostile[:60]),
)
def test_what_is_no_plain_array_is_refused(hostile):
    with pytest.raises(ValueError, match=r"no array|not plain|does not fit"):
        from_npy(hostile)
