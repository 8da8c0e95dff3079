"""The command line: a file in, a file out, an exit code, and a sentence when something is wrong."""

from __future__ import annotations

import itertools
import json
import os
import pty
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from napari_dip.cli import console
from napari_dip.cli.app import app
from napari_dip.errors import Diverged, FileProblem
from napari_dip.files import file_run as files
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.settings import SensorNoise, Settings, SuperResolve

QUICK = ("--iterations", "2", "--stopping", "fixed", "--device", "cpu")
COMMAND = (sys.executable, "-c", "from napari_dip.cli.app import app; app()")
ENDLESS = ("--iterations", "1000000", "--stopping", "fixed", "--device", "cpu")

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A calibrated 16-bit image of 24x20 pixels."""
    image = np.random.default_rng(0).poisson(50, (24, 20)).astype(np.uint16)
    sizes = {"Y": 0.5, "X": 0.5}
    write_image(tmp_path / "cells.tif", StoredImage(image, "YX", sizes, dict.fromkeys("YX", "µm")))
    return tmp_path / "cells.tif"


@pytest.fixture
def hole(tmp_path: Path) -> Path:
    """A mask of the cells: a white square."""
    mask = np.zeros((24, 20), dtype=np.uint8)
    mask[8:14, 5:12] = 255
    Image.fromarray(mask).save(tmp_path / "hole.png")
    return tmp_path / "hole.png"


# ---- the three tasks ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tif", ".ome.tif", ".png", ".ome.zarr"])
def test_denoise_keeps_dtype_axes_and_pixel_size(cells, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    result = call("denoise", cells, out, *QUICK)
    assert result.exit_code == 0, result.stderr
    before, after = read_image(cells), read_image(out)
    assert (after.image.dtype, after.image.shape) == (before.image.dtype, before.image.shape)
    assert after.axes == "YX"
    assert dict(after.pixel_size) == pytest.approx(dict(before.pixel_size), rel=1e-4)
    assert (after.whole() != before.image).any()


def test_a_zarr_and_a_series_of_files_are_taken_too(cells, tmp_path):
    plane = read_image(cells)
    for number in (9, 10):
        write_image(tmp_path / f"frame_t{number}.tif", plane)
    result = call("denoise", tmp_path / "frame_t*.tif", tmp_path / "a.zarr", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "2 files" in result.stderr
    result = call("denoise", tmp_path / "a.zarr", tmp_path / "b.zarr", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "b.zarr").axes == "TYX"
    assert read_provenance(tmp_path / "b.zarr")["settings"]["iterations"] == 2
    assert call("denoise", tmp_path / "b.zarr", tmp_path / "a.zarr", *QUICK).exit_code == 2
    result = call("denoise", tmp_path / "b.zarr", tmp_path / "b.zarr", "--overwrite", *QUICK)
    assert "is the input itself" in result.stderr


def test_super_resolve_divides_the_pixel_size(cells, tmp_path):
    out = tmp_path / "out.ome.tif"
    result = call("super-resolve", cells, out, "--factor", 4, "--downsampler", "box", *QUICK)
    assert result.exit_code == 0, result.stderr
    after = read_image(out)
    assert after.image.shape == (96, 80)
    assert dict(after.pixel_size) == pytest.approx({"Y": 0.125, "X": 0.125})
    task = read_provenance(out)["settings"]["task"]
    assert task == {"kind": "super-resolve", "factor": 4, "axis": None, "downsampler": "box"}


@pytest.mark.parametrize(("marks", "hidden"), [("missing", 6 * 7), ("known", 24 * 20 - 6 * 7)])
def test_inpaint_fills_what_the_mask_marks_and_nothing_else(cells, hole, tmp_path, marks, hidden):
    out = tmp_path / "out.tif"
    result = call("inpaint", cells, hole, out, "--mask-marks", marks, *QUICK)
    assert result.exit_code == 0, result.stderr
    before, after = read_image(cells).image, read_image(out).image
    missing = (np.asarray(Image.open(hole)) > 0) == (marks == "missing")
    assert missing.sum() == hidden
    np.testing.assert_array_equal(after[~missing], before[~missing])
    assert (after[missing] != before[missing]).any()
    assert f"{hidden / 480:.1%} of the pixels are missing" in result.stderr


def test_of_a_stack_only_the_planes_with_a_gap_take_time(tmp_path):
    stack = np.random.default_rng(0).poisson(50, (3, 16, 16)).astype(np.uint16)
    missing = np.zeros(stack.shape, np.uint8)
    missing[1, 4:7, 4:12] = 1
    stack_tif, mask_tif, out = (tmp_path / name for name in ("stack.tif", "mask.tif", "out.tif"))
    tifffile.imwrite(stack_tif, stack, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(mask_tif, missing, photometric="minisblack")
    result = call("inpaint", stack_tif, mask_tif, out, *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "up to 1 s (planes without a gap take no time) on cpu" in result.stderr
    np.testing.assert_array_equal((read_image(out).image != stack).any((1, 2)), [0, 1, 0])


def test_a_stack_keeps_its_axes(tmp_path):
    stack = np.random.default_rng(0).poisson(50, (2, 16, 16)).astype(np.uint8)
    write_image(tmp_path / "in.tif", StoredImage(stack, "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5}))
    result = call("super-resolve", tmp_path / "in.tif", tmp_path / "out.tif", *QUICK, "--json")
    assert result.exit_code == 0, result.stderr
    after, record = read_image(tmp_path / "out.tif"), json.loads(result.stdout)
    assert (after.axes, after.image.shape) == ("ZYX", (2, 32, 32))
    assert dict(after.pixel_size) == pytest.approx({"Z": 2.0, "Y": 0.25, "X": 0.25})
    assert [unit["index"] for unit in record["units"]] == [[0], [1]]


def test_axes_on_the_command_line_win_over_the_files(tmp_path):
    stack = np.random.default_rng(0).random((3, 16, 16), "float32")
    tifffile.imwrite(tmp_path / "in.tif", stack, photometric="minisblack")
    result = call("denoise", tmp_path / "in.tif", tmp_path / "out.tif", "--axes", "zyx", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "out.tif").axes == "ZYX"


def test_float32_on_request(cells, tmp_path):
    result = call("denoise", cells, tmp_path / "out.tif", "--dtype", "float32", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "out.tif").image.dtype == np.float32


def test_the_same_seed_gives_the_same_file_and_another_does_not(cells, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert (
            call("denoise", cells, tmp_path / f"{name}.tif", "--seed", seed, *QUICK).exit_code == 0
        )
    a, b, c = (read_image(tmp_path / f"{name}.tif").image for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


# ---- settings ----------------------------------------------------------------------------------


def settings_of(cells: Path, command: str, *arguments: object) -> Settings:
    out = cells.with_name("out.tif")
    result = call(command, cells, out, *arguments, "--device", "cpu", "--json", "--overwrite")
    assert result.exit_code == 0, result.stderr
    return Settings(**json.loads(result.stdout)["settings"])


def test_options_win_over_the_settings_file_and_the_rest_of_it_holds(cells, tmp_path):
    said = Settings(
        task=SuperResolve(factor=3, downsampler="box"),
        iterations=2,
        seed=5,
        prior={"code_noise": 0.01},
        stopping="fixed",
    )
    (tmp_path / "run.json").write_text(said.to_json())
    used = settings_of(
        cells, "super-resolve", "--settings", tmp_path / "run.json", "--factor", 2,
        "--seed", 7, "--network", "hourglass", "--noise", "3.5",
    )  # fmt: skip
    assert used.task == SuperResolve(factor=2, downsampler="box")
    assert (used.iterations, used.seed, used.noise) == (2, 7, 3.5)
    assert (used.prior.network, used.prior.code_noise) == ("hourglass", 0.01)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("3.5", 3.5),
        ("gaussian", "gaussian"),
        ("auto", "auto"),
        ("2,1.5,3", SensorNoise(gain=2, offset=1.5, read=3)),
    ],
)
def test_noise_is_a_word_a_number_or_a_camera(cells, typed, meant):
    assert settings_of(cells, "denoise", "--noise", typed, "--iterations", 1).noise == meant


def test_the_uncertainty_is_written_as_an_image_of_its_own(cells, tmp_path):
    out, spread = tmp_path / "out.tif", tmp_path / "spread.tif"
    options = ("--iterations", 2, "--members", 2, "--device", "cpu", "--uncertainty", spread)
    assert call("denoise", cells, out, *options).exit_code == 0
    pixels = tifffile.imread(spread)
    assert pixels.dtype == np.float32
    assert pixels.shape == tifffile.imread(out).shape
    assert pixels.max() > 0


def test_a_rule_keeps_the_files_numbers_when_it_is_named_again(cells, tmp_path):
    (tmp_path / "run.json").write_text('{"stopping": {"rule": "es-wmv", "window": 7}}')
    options = ("--settings", tmp_path / "run.json", "--iterations", 2)
    assert settings_of(cells, "denoise", *options, "--stopping", "es-wmv").stopping.window == 7
    assert settings_of(cells, "denoise", *options, "--stopping", "fixed").stopping.rule == "fixed"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"task": {"kind": "inpaint"}}', "is for inpaint"),
        ('{"iterations": 0}', "iterations=0"),
        ('{"iteration": 5}', "iteration"),
        ("not json", "run.json"),
    ],
)
def test_a_bad_settings_file_is_a_bad_call(cells, tmp_path, text, says):
    (tmp_path / "run.json").write_text(text)
    result = call("denoise", cells, tmp_path / "o.tif", "--settings", tmp_path / "run.json")
    assert result.exit_code == 2
    assert says in result.stderr


# ---- what is printed ---------------------------------------------------------------------------


def test_json_is_one_record_on_stdout_and_nothing_else(cells, tmp_path):
    out = tmp_path / "out.tif"
    result = call("denoise", cells, out, *QUICK, "--seed", 4, "--json")
    record = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert not result.stderr
    assert (record["input"], record["output"]) == (str(cells), str(out))
    assert (record["axes"], record["shape"], record["dtype"]) == ("YX", [24, 20], "uint16")
    assert (record["iterations"], record["settings"]["seed"]) == (2, 4)
    assert record["stop_reason"]
    assert record["seconds"] > 0
    assert read_provenance(out)["settings"] == record["settings"]


def test_the_settings_are_said_before_and_the_outcome_after(cells, tmp_path):
    result = call("denoise", cells, tmp_path / "out.tif", *QUICK, "--noise", 3)
    assert "Denoising" in result.stderr
    assert "(24 x 20, YX, uint16)" in result.stderr
    assert "noise 3" in result.stderr
    assert "2 iterations" in result.stdout


def test_quiet_prints_nothing(cells, tmp_path):
    result = call("denoise", cells, tmp_path / "out.tif", *QUICK, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_what_was_done_to_the_files_is_said(cells, tmp_path):
    soft = np.full((24, 20), 255, dtype=np.uint8)
    soft[:8] = 90
    soft[:4] = 0
    Image.fromarray(soft).save(tmp_path / "soft.png")
    marks = ("--mask-marks", "known")
    result = call("inpaint", cells, tmp_path / "soft.png", tmp_path / "o.tif", *marks, *QUICK)
    assert result.exit_code == 0, result.stderr
    assert "soft.png: It has grey levels: those above 127.5 count as known." in result.stderr


def test_what_was_done_to_the_files_stands_in_the_record(cells, hole, tmp_path):
    record = json.loads(call("inpaint", cells, hole, tmp_path / "o.tif", *QUICK, "--json").stdout)
    assert record["notes"] == [f"{hole}: 8.8% of the pixels are missing."]
    assert record["mask"] == str(hole)


def test_info_names_versions_devices_and_memory():
    text = call("info")
    assert text.exit_code == 0
    assert "napari-dip" in text.stdout
    assert "GiB" in text.stdout
    record = json.loads(call("info", "--json").stdout)
    assert "torch" in record["versions"]
    assert record["devices"][-1]["name"] == "cpu"
    assert record["devices"][-1]["memory_bytes"] > 0
    assert "an iteration" in text.stdout
    measured = record["devices"][-1]["arithmetic"]
    assert measured["chosen"] in measured["milliseconds"]


@pytest.mark.parametrize("command", ["denoise", "super-resolve", "inpaint", "demo", "info"])
def test_every_command_explains_itself(command):
    assert command in call("--help").stdout
    assert call(command, "--help").exit_code == 0


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("denoise",), "Missing argument", id="no file"),
        pytest.param(("denoise", "cells.tif", "o.tif", "--colour"), "No such option", id="option"),
        pytest.param(("denoise", "absent.tif", "o.tif"), "absent.tif does not exist", id="absent"),
        pytest.param(("denoise", "text.tif", "o.tif"), "no image", id="no image"),
        pytest.param(("denoise", "cells.tif", "o.jpg"), "no format that is written", id="suffix"),
        pytest.param(("denoise", "cells.tif", "no/o.tif"), "does not exist", id="folder"),
        pytest.param(("denoise", "cells.tif", "old.tif"), "old.tif exists", id="exists"),
        pytest.param(
            ("denoise", "cells.tif", "o.tif", "--uncertainty", "u.tif"),
            "a single fit has no spread",
            id="no spread",
        ),
        pytest.param(
            ("denoise", "cells.tif", "o.tif", "--members", "2", "--uncertainty", "o.tif"),
            "give --uncertainty another name",
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
def test_a_bad_call_is_refused_in_one_line_before_any_work(
    cells, tmp_path, monkeypatch, arguments, says
):
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


def test_overwrite_replaces_an_older_result(cells, tmp_path):
    write_image(tmp_path / "old.tif", StoredImage(np.eye(16, dtype=np.uint8), "YX"))
    assert call("denoise", cells, tmp_path / "old.tif", "--overwrite", *QUICK).exit_code == 0
    assert read_image(tmp_path / "old.tif").image.shape == (24, 20)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Diverged("it kept jumping"), 1, "it kept jumping"),
        (MemoryError(), 1, "too little memory"),
        (KeyboardInterrupt(), 130, "nothing was written"),
    ],
)
def test_a_failure_in_mid_run_has_its_exit_code_and_leaves_no_file(
    cells, tmp_path, monkeypatch, error, code, says
):
    def failing(*_, **__):
        raise error
        yield

    monkeypatch.setattr(files, "run", failing)
    result = call("denoise", cells, tmp_path / "out.tif")
    assert result.exit_code == code
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == [cells]


# ---- as a process of its own -------------------------------------------------------------------


def start(*arguments: object, **options) -> subprocess.Popen[str]:
    """Start a run, and come back once it is under way."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stderr is not None
    assert "Denoising" in process.stderr.readline()
    time.sleep(1.5)  # some iterations
    return process


@posix
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_writes_nothing(cells, tmp_path, number):
    process = start("denoise", cells, tmp_path / "out.tif", *ENDLESS)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "nothing was written" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == [cells]


def test_an_interrupted_run_into_zarr_says_what_is_there(cells, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(console, "follow", interrupted)
    result = call("denoise", cells, tmp_path / "out.zarr")
    assert result.exit_code == 130
    assert "0 of 1 parts are in" in result.stderr
    assert "--resume" in result.stderr


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Five frames of a time-lapse."""
    image = np.random.default_rng(0).poisson(50, (5, 9, 10)).astype(np.float32)
    write_image(tmp_path / "frames.tif", StoredImage(image, "TYX"))
    return tmp_path / "frames.tif"


@pytest.mark.parametrize("suffix", [".tif", ".ome.zarr"])
@pytest.mark.parametrize("quiet", [(), ("--quiet",), ("--json",)], ids=str)
def test_a_stopped_run_says_which_frames_are_empty(frames, tmp_path, monkeypatch, suffix, quiet):
    asked = itertools.count()

    @contextmanager
    def stopped(_keep):
        yield lambda: next(asked) > 3

    monkeypatch.setattr(console, "interruptible", stopped)
    out = tmp_path / f"out{suffix}"
    options = ("--keep-on-interrupt", "--share", "none", "--at-once", 1, *quiet)
    result = call("denoise", frames, out, *QUICK, *options)
    assert result.exit_code == 130
    said = "frame 1 of 5 denoised; frame 2 stopped after 2 of 2 iterations; frames 3–5 are empty"
    assert f"{said} (NaN)" in result.stderr
    stored = read_image(out)
    assert np.isnan(stored.whole()).any(axis=(1, 2)).tolist() == [False] * 2 + [True] * 3
    planes = read_provenance(out)["planes"]
    assert planes["empty"] == [{"T": 2}, {"T": 3}, {"T": 4}]
    if "--json" in quiet:
        assert json.loads(result.stdout)["planes"] == planes
    if suffix == ".ome.zarr":
        monkeypatch.undo()
        assert "not finished" in stored.notes[-1]
        assert call("denoise", frames, out, *QUICK, *options, "--resume").exit_code == 0
        assert np.isfinite(read_image(out).whole()).all()
        assert read_provenance(out)["planes"]["empty"] == []


@pytest.mark.slow
@posix
def test_an_interrupted_run_writes_the_best_so_far_when_asked(cells, tmp_path):
    out = tmp_path / "out.tif"
    process = start("denoise", cells, out, *ENDLESS, "--keep-on-interrupt")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the best so far" in stderr
    assert "Wrote" in stdout
    assert read_image(out).image.shape == (24, 20)
    record = read_provenance(out)
    assert record["stopped_by_user"]
    assert 0 < record["units"][0]["iterations"] < 1_000_000


@pytest.mark.slow
@posix
def test_a_killed_run_leaves_no_file(cells, tmp_path):
    process = start("denoise", cells, tmp_path / "out.tif", *ENDLESS)
    process.kill()
    process.communicate(timeout=20)
    assert list(tmp_path.iterdir()) == [cells]


@pytest.mark.slow
def test_a_pipe_sees_no_progress_bar(cells, tmp_path):
    arguments = ("denoise", cells, tmp_path / "out.tif", *QUICK)
    run = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    assert len(run.stderr.splitlines()) == 1
    assert len(run.stdout.splitlines()) == 1
    assert "\r" not in run.stdout + run.stderr
    assert "\x1b" not in run.stdout + run.stderr


@pytest.mark.slow
@posix
def test_a_terminal_sees_iterations_and_the_time_left(cells, tmp_path):
    arguments = ("denoise", cells, tmp_path / "out.tif", *QUICK[2:], "--iterations", "20")
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "120", "TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=environment,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says so at the end of a terminal
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    assert b"of 20, loss" in shown
    assert b"left" in shown


def test_help_is_fast_because_torch_is_not_loaded():
    code = (
        "import sys, typer.testing, napari_dip.cli.app as cli\n"
        "typer.testing.CliRunner().invoke(cli.app, ['denoise', '--help'])\n"
        "sys.exit('torch' in sys.modules or 'skimage' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="names that Windows does not have")
@pytest.mark.parametrize("name", ["a\x1b[31m.tif", "a\nb.tif", "a\u202etif.png.tif", "\udcff.tif"])
def test_names_act_on_no_terminal(cells, tmp_path, name):
    odd = tmp_path / name
    odd.write_bytes(cells.read_bytes())
    for more in ((), ("--json", "--overwrite"), ("--seed", -1)):
        result = call("denoise", odd, tmp_path / f"out-{name}", *QUICK, *more)
        assert result.exit_code == (2 if "--seed" in more else 0), result.stderr
        shown = result.stdout + result.stderr
        assert not set(shown) & set("\x1b\u202e\udcff")
        assert "a\nb" not in shown
        if "--json" in more:
            assert json.loads(result.stdout)["input"] == str(odd).replace("\udcff", r"\udcff")
    tifffile.imwrite(odd, np.zeros((2, 2), np.uint8))
    result = call("denoise", odd, tmp_path / "o.tif", *QUICK)
    assert result.exit_code == 2
    assert not set(result.stderr) & set("\x1b\u202e\udcff")


def test_warnings_of_other_packages_are_shown_in_one_line(cells, tmp_path, monkeypatch):
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
