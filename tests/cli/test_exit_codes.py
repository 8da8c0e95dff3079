"""Test exit codes, and that an error is one line."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_dip.cli.app import app
from napari_dip.errors import Diverged, FileProblem
from napari_dip.files import file_run as files
from napari_dip.files.image_io import StoredImage, write_image

QUICK = ("--iterations", "2", "--stopping", "fixed", "--device", "cpu")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("denoise",), "Missing argument", id="no file"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--colour"), "No such option", id="option"),
        pytest.param(("denoise", "absent.tif", "o.tif"), "absent.tif does not exist", id="absent"),
        pytest.param(("denoise", "text.tif", "o.tif"), "in no format", id="no image"),
        pytest.param(("denoise", "cells.tif", "o.jpg"), "no known suffix", id="suffix"),
        pytest.param(("denoise", "cells.tif", "no/o.tif"), "does not exist", id="folder"),
        pytest.param(("denoise", "cells.tif", "old.tif"), "old.tif exists", id="exists"),
        pytest.param(
            ("denoise", "cells.tif", "o.tif", "--uncertainty", "o.tif"),
            "choose another name for --uncertainty",
            id="same name",
        ),
        pytest.param(
            ("denoise", "cells.tif", "o.tif", "--noise", "1,2"), "GAIN,OFFSET,READ", id="noise"
        ),
        pytest.param(
            ("denoise", "cells.tif", "cells.tif", "--overwrite"), "the input itself", id="input"
        ),
        pytest.param(
            ("inpaint", "cells.tif", "old.tif", "old.tif", "--overwrite"),
            "the input itself",
            id="mask",
        ),
        pytest.param(("inpaint", "cells.tif", "old.tif", "o.tif"), "mask", id="mask's shape"),
        pytest.param(("denoise", "cells.tif", "o.png", "--dtype", "float32"), "PNG", id="png"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--axes", "ZYX"), "axes='ZYX'", id="axes"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--axes", "YW"), "axes='YW'", id="letter"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--iterations", "0"), "=0", id="iterations"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--noise", "loud"), "loud", id="noise"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--preset", "slow"), "slow", id="preset"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--device", "cuda:99"), "cuda", id="device"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--ndim", "3"), "ndim=3", id="ndim"),
        pytest.param(("super-resolve", "cells.tif", "o.tif", "--factor", "9"), "=9", id="factor"),
        pytest.param(
            ("denoise", "cells.tif", "o.tif", "--settings", "absent.json"), "absent.json", id="json"
        ),
    ],
)
def test_a_wrong_call_gives_one_line(cells, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.tif").write_text("no image")
    write_image(tmp_path / "old.tif", StoredImage(np.eye(16, dtype=np.uint8), "YX"))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert not result.stdout
    if result.stderr.startswith("Error"):
        assert result.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Diverged("it kept jumping"), 1, "it kept jumping"),
        (MemoryError(), 1, "too little memory"),
        (KeyboardInterrupt(), 130, "nothing was written"),
    ],
)
def test_a_failed_run_leaves_no_file(cells, tmp_path, monkeypatch, error, code, says):
    def failing(*_, **__):
        raise error
        yield

    monkeypatch.setattr(files, "run", failing)
    result = call("denoise", cells, tmp_path / "out.tif")
    assert result.exit_code == code
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == [cells]


def test_warnings_are_printed_in_one_line(cells, tmp_path, monkeypatch):
    def read(*arguments, **options):
        warnings.warn("odd\n\x1b[31mEXIF", UserWarning, stacklevel=1)
        raise FileProblem("that was all")

    before = warnings.showwarning
    monkeypatch.setattr("napari_dip.files.file_run.open_run", read)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = call("denoise", cells, tmp_path / "o.tif")
    assert result.stderr == "Warning: odd \\x1b[31mEXIF\nError: that was all\n"
    assert warnings.showwarning is before
