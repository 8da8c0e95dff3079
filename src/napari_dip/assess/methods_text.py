"""Write the paragraph for the methods section of a paper, with its citations, from a record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from napari_dip.assess.past_tense import PATCHES, in_the_past
from napari_dip.errors import NapariDipError
from napari_dip.noise.model import from_record
from napari_dip.plaintext import plain
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["CITATIONS", "MethodsText", "methods_text"]

CITATIONS = {
    "napari-dip": "napari-dip developers, napari-dip, https://github.com/napari-dip/napari-dip",
    "Ulyanov et al., 2020": (
        "D. Ulyanov, A. Vedaldi, V. Lempitsky, Deep Image Prior, International Journal of Computer "
        "Vision 128, 1867-1888 (2020), doi:10.1007/s11263-020-01303-4"
    ),
    "Lebrun et al., 2013": (
        "M. Lebrun, A. Buades, J.-M. Morel, A Nonlocal Bayesian Image Denoising Algorithm, SIAM "
        "Journal on Imaging Sciences 6, 1665-1688 (2013), doi:10.1137/120874989"
    ),
    "Mäkitalo and Foi, 2013": (
        "M. Mäkitalo, A. Foi, Optimal Inversion of the Generalized Anscombe Transformation for "
        "Poisson-Gaussian Noise, IEEE Transactions on Image Processing 22, 91-103 (2013), "
        "doi:10.1109/TIP.2012.2202675"
    ),
    "Wang et al., 2023": (
        "H. Wang, T. Li, Z. Zhuang, T. Chen, H. Liang, J. Sun, Early Stopping for Deep Image "
        "Prior, Transactions on Machine Learning Research (2023)"
    ),
    "Jordan et al., 2024": (
        "K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse, J. Bernstein, Muon: An "
        "Optimizer for Hidden Layers in Neural Networks, https://kellerjordan.github.io/posts/muon "
        "(2024)"
    ),
    "Kingma and Ba, 2015": (
        "D. P. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, International Conference "
        "on Learning Representations (2015), arXiv:1412.6980"
    ),
    "Richardson, 1972": (
        "W. H. Richardson, Bayesian-Based Iterative Method of Image Restoration, Journal of the "
        "Optical Society of America 62, 55-59 (1972), doi:10.1364/JOSA.62.000055"
    ),
    "Lucy, 1974": (
        "L. B. Lucy, An Iterative Technique for the Rectification of Observed Distributions, "
        "Astronomical Journal 79, 745-754 (1974), doi:10.1086/111605"
    ),
    "Biggs and Andrews, 1997": (
        "D. S. C. Biggs, M. Andrews, Acceleration of Iterative Image Restoration Algorithms, "
        "Applied Optics 36, 1766-1775 (1997), doi:10.1364/AO.36.001766"
    ),
    "Paszke et al., 2019": (
        "A. Paszke et al., PyTorch: An Imperative Style, High-Performance Deep Learning Library, "
        "Advances in Neural Information Processing Systems 32 (2019)"
    ),
}
"""Each reference by the words that cite it."""

_OPTIMISERS = {
    "the optimiser Muon": "Jordan et al., 2024",
    "the optimiser Adam": "Kingma and Ba, 2015",
}
_COUNTED = {"T": "time points", "C": "channels", "Z": "planes", "Q": "images"}
_RULES_BY_WANG = ("consensus", "es-wmv", "es-emv")


@dataclass(frozen=True)
class MethodsText:
    """A paragraph for the methods section, and the references that it cites.

    ``str`` gives both, to paste.
    """

    paragraph: str
    references: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.paragraph, "", *self.references])


def methods_text(record: Mapping[str, Any]) -> MethodsText:
    """Write how a result was made, as a paragraph for the methods section of a paper.

    Parameters
    ----------
    record
        From :meth:`Result.provenance`, :func:`napari_dip.files.image_io.read_provenance`, or the
        metadata of a layer.

    Raises
    ------
    BadSettings
        If this version does not know the settings.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> from napari_dip.generators import finished
    >>> noisy = np.random.default_rng(0).poisson(20, (24, 24)).astype(np.uint16)
    >>> result = finished(restore(noisy, Settings(device="cpu", iterations=5)))
    >>> print(methods_text(result.provenance()).paragraph)
    The image (24 x 24 pixels) was denoised with napari-dip ... (preset fast, seed 0), which ...
    """
    settings = Settings(**record["settings"])
    sentences = [
        _what_was_done(record, settings),
        *_noise(record, settings),
        *_steps(record),
        *_end(record),
        *_changes(settings),
        *_by_hand(record),
        _software(record),
    ]
    paragraph = " ".join(plain(sentence) for sentence in sentences if sentence)
    first, cited, rest = paragraph.partition(PATCHES)
    paragraph = first + cited + rest.replace(PATCHES, "")  # once is enough
    for optimiser, source in _OPTIMISERS.items():
        paragraph = paragraph.replace(optimiser, f"{optimiser} ({source})", 1)
    references = [reference for words, reference in CITATIONS.items() if words in paragraph]
    return MethodsText(paragraph, tuple(references))


def _what_was_done(record: Mapping[str, Any], settings: Settings) -> str:
    subject, several = _subject(record)
    task, verb = settings.task, settings.task.spec.done
    if task.fills_gaps:
        kept = "" if task.keeps_known else ", and the other pixels denoised"
        done = f"Missing pixels of t{subject[1:]} were {verb}{kept}"
    elif task.decimates:
        finer = {axis: factor for axis, factor in settings.factors.items() if factor > 1}
        factors = " and ".join(dict.fromkeys(map(str, finer.values())))
        done = f"{subject} was {verb} by a factor of {factors} along {' and '.join(finer)}"
    else:
        done = f"{subject} was {verb} {task.details(settings.factors)}".rstrip()
    program = f"napari-dip {record['napari-dip']} (preset {settings.preset}, seed {settings.seed})"
    if settings.prior.network == "none":
        how = "which filters groups of similar patches; no network was fitted"
    else:
        to = "its planes" if several and settings.ndim == 2 else "the image"
        how = (
            f"which fits convolutional networks to {to} alone, without training data (Deep Image "
            "Prior; Ulyanov et al., 2020)"
        )
    unchanged = " All other pixels were left unchanged." if task.keeps_known else ""
    blurred = _point_spread_function(record, settings)
    return f"{done} with {program}, {how}.{unchanged}{blurred}"


def _point_spread_function(record: Mapping[str, Any], settings: Settings) -> str:
    """Tell where the point spread function comes from; empty without one."""
    task, origin = settings.task, record.get("input", {})
    if not origin.get("psf"):
        return ""
    if task.describes_psf:  # its numbers stand behind the verb
        return " The point spread function was computed from these numbers."
    source = origin["psf"].get("file") or (origin.get("bead") or {}).get("layer") or ""
    named = f" ({PurePath(source).name})" if source else ""
    too = "" if task.spec.needs_psf else ", so that it was deconvolved too"
    return f" The point spread function was given as an image{named}{too}."


def _subject(record: Mapping[str, Any]) -> tuple[str, bool]:
    """Name the image with its size, and tell whether it has several planes."""
    origin = record.get("input", {})
    axes, shape = origin.get("axes", record.get("axes", "YX")), origin.get("shape", ())
    sizes = dict(zip(axes, shape, strict=False))
    counts = [
        f"{sizes[letter]} {_COUNTED[letter]}" for letter in "TCZQ" if sizes.get(letter, 1) > 1
    ]
    pixels = f"{sizes['Y']} x {sizes['X']} pixels" if {"Y", "X"} <= sizes.keys() else ""
    size = ", ".join(filter(None, [*counts, pixels]))
    name = "The image"
    if sizes.get("Z", 1) > 1:
        name = "The z-stack"
    if sizes.get("T", 1) > 1:
        name = "The time-lapse"
    part = ", a part of the field of view" if origin.get("part") else ""
    return (f"{name} ({size}{part})" if size else name), bool(counts)


def _noise(record: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    if settings.noise == "none" or settings.preset == "paper":
        return
    found: dict[str, None] = {}
    for unit in record.get("units", ()):
        noises = unit.get("noise") or []
        for noise in noises if isinstance(noises, list) else [noises]:
            if noise:
                found[_described(noise)] = None
    words = [one for one in found if one and one != "none"]
    if not words:
        return
    source = "estimated from the image" if isinstance(settings.noise, str) else "given"
    listed = words[0] if len(words) == 1 else "; ".join(words)
    yield f"The noise was {source} ({listed}; in units of the image)."


def _described(noise: Mapping[str, Any]) -> str:
    known = {name: value for name, value in noise.items() if value is not None}
    try:
        return from_record(known).describe()
    except (NapariDipError, ValueError):
        return ""


def _steps(record: Mapping[str, Any]) -> Iterator[str]:
    """Write the steps in the past tense; other steps, of extensions, are quoted."""
    for step in record.get("steps", ()):
        # Some steps have several sentences.
        for sentence in re.findall(r"[A-Z](?:[^.]|\.\d)*\.", step.replace("et al.", "et al")):
            yield in_the_past(sentence)


def _end(record: Mapping[str, Any]) -> Iterator[str]:
    """Tell when the fits ended, and by which rule."""
    units = [unit for unit in record.get("units", ()) if unit.get("iterations")]
    if not units:
        return
    denoising = [unit.get("denoising", 0) for unit in units]
    rest = [unit["iterations"] - before for unit, before in zip(units, denoising, strict=True)]
    stages = [_span(units, each) for each in (denoising, rest) if any(each)]
    iterations = " and ".join(stages)
    one = len(units) == 1 and units[0].get("members", 1) == 1
    fitted = "The fit" if one else "Each fit"
    fitted = "The fits of the two stages" if len(stages) > 1 else fitted
    early = any(0 < unit["iterations"] < unit.get("most_iterations", 0) for unit in units)
    rules = {unit.get("rule", "") for unit in units} - {"", "fixed"}
    by = f", by the stopping rule {' or '.join(sorted(rules))}" if early and rules else ""
    source = " (Wang et al., 2023)" if by and rules & {*_RULES_BY_WANG} else ""
    kept = _kept(units)
    yield f"{fitted} ended after {iterations} iterations{by}{source}{kept}."


def _kept(units: Sequence[Mapping[str, Any]]) -> str:
    """Tell which iterations were kept; empty if the last ones were, or if it is not recorded."""
    if any(unit.get("members", 1) > 1 or unit.get("tiles", 1) > 1 for unit in units):
        return ""  # the record has the number of the first fit only
    best = [unit.get("best_iteration") or 0 for unit in units]
    earlier = any(at < unit["iterations"] for at, unit in zip(best, units, strict=True))
    if not (earlier and all(best)):
        return ""
    if len(units) == 1:
        return f", and the estimate of iteration {best[0]} was kept"
    span = f"{min(best)} to {max(best)}" if min(best) < max(best) else f"{best[0]}"
    return f", and their estimates of iteration {span} were kept"


def _span(units: Sequence[Mapping[str, Any]], iterations: Sequence[int]) -> str:
    """Return the least and the most iterations of one fit."""
    fits = [
        round(number / max(1, unit.get("members", 1)) / max(1, unit.get("tiles", 1)))
        for unit, number in zip(units, iterations, strict=True)
    ]
    return f"{max(fits)}" if min(fits) == max(fits) else f"{min(fits)} to {max(fits)}"


def _changes(settings: Settings) -> Iterator[str]:
    """Name the settings that differ from those of the preset and are not told elsewhere."""
    told = {"preset", "seed", "axes", "device", "voxel", "uncertainty"}
    told |= {"preview_every_s", "at_once", "memory"}  # nothing about the method
    changed = {name: value for name, value in settings.changes().items() if name not in told}
    for name in type(settings.task).model_fields:
        changed.pop(name, None)
    if changed:
        listed = ", ".join(f"{name} = {_value(value)}" for name, value in changed.items())
        yield f"Settings other than those of the preset were: {listed}."


def _value(value: Any) -> str:
    if isinstance(value, dict):
        kept = (f"{name} {one}" for name, one in value.items() if one not in (None, ""))
        return "; ".join(kept)
    return str(value)


def _by_hand(record: Mapping[str, Any]) -> Iterator[str]:
    """Tell what the user did to the run or to its result."""
    picture = record.get("picture", {})
    if record.get("stopped_by_user"):
        yield "The run was stopped by hand before its end."
    if record.get("continued_at"):
        after = " and ".join(map(str, record["continued_at"]))
        yield f"The fit was continued by hand after {after} iterations."
    if "iteration" in picture:
        yield f"The estimate at iteration {picture['iteration']} was chosen by hand."
    if "strength_percent" in picture:
        share = picture["strength_percent"]
        yield f"The result was mixed with the raw image ({share:g} % restored)."


def _software(record: Mapping[str, Any]) -> str:
    versions, machine = record.get("versions", {}), record.get("machine", {})
    where = machine.get("gpu") or f"a CPU ({machine.get('processor', 'unknown instructions')})"
    return (
        f"Computations used PyTorch {versions.get('torch', '?')} (Paszke et al., 2019) and Python "
        f"{versions.get('python', '?')} on {where}."
    )
