# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/digits.npz: handwritten digits, small enough to train with in seconds.

    build-test/venv/bin/python tests/interop/make_digits.py scikit_learn-*.whl fixtures/digits.npz

The data are the test part of Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998, UCI Machine Learning Repository,
doi.org/10.24432/C50P49, CC BY 4.0) as the wheels of scikit-learn carry them: 1,797 lines of 64 numbers from 0 to 16, and the digit. They are
kept as they are, as x U8 [1797, 8, 8] and y U8 [1797].
"""
import gzip
import io
import sys
import zipfile

import numpy

MEMBER = "sklearn/datasets/data/digits.csv.gz"
DATE = (1980, 1, 1, 0, 0, 0)  # as numpy.savez has it


def main():
    wheel, out = sys.argv[1:]
    text = gzip.decompress(zipfile.ZipFile(wheel).read(MEMBER)).decode()
    table = numpy.loadtxt(io.StringIO(text), delimiter=",").astype(numpy.uint8)
    arrays = {"x": table[:, :64].reshape(-1, 8, 8), "y": table[:, 64]}
    # Written by hand, so that the file is the same every time.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            numpy.save(data, numpy.ascontiguousarray(array))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", DATE), data.getvalue(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
