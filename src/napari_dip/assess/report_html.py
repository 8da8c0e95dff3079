"""Write a report as one HTML file: all text is escaped, and all pictures are inside."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.assess.checklist import CHECKLIST_SOURCES
from napari_dip.assess.curve_svg import curve_svg
from napari_dip.assess.report_style import STYLE
from napari_dip.assess.thumbnails import thumbnail
from napari_dip.plaintext import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_dip.assess.checklist import ChecklistItem
    from napari_dip.assess.report_content import ReportContent
    from napari_dip.assess.section import Picture, Section

__all__ = ["render"]

MAX_PICTURES = 8  # two rows: more would move the methods to a third page


def render(report: ReportContent) -> str:
    """Return the report as the text of an HTML file."""
    title = f"Restoration report: {report.labels.result or 'result'}"
    body = "\n".join(
        [
            _header(report),
            _warnings(report),
            _pictures(report),
            _sections(report),
            _methods(report),
            f'<div class="two"><div>{_settings(report)}</div><div>{_machine(report)}</div></div>',
            _checklists(report),
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _text(value: object) -> str:
    """Escape a text: names and metadata can hold any characters."""
    return escape(plain(value))


def _heading(text: str) -> str:
    return f"<h2>{_text(text)}</h2>"


def _list(sentences: Iterable[str], kind: str = "ul") -> str:
    return f"<{kind}>{''.join(f'<li>{_text(one)}</li>' for one in sentences)}</{kind}>"


def _header(report: ReportContent) -> str:
    record, settings = report.record, report.settings
    names = [name for name in (report.labels.input, report.labels.result) if name]
    form = record.get("input", {})
    shape = " x ".join(map(str, form.get("shape", ())))
    facts = [
        " → ".join(names),
        f"{settings.task.spec.panel}, preset {settings.preset}, napari-dip {record['napari-dip']}",
        f"{shape} ({form.get('axes', '')}), {form.get('dtype', '')}" if shape else "",
        record.get("plan", ""),
    ]
    said = " · ".join(_text(fact) for fact in facts if fact)
    return f'<h1>Restoration report</h1><p class="sub">{said}</p>'


def _warnings(report: ReportContent) -> str:
    """Show first what is wrong, so that nobody has to search for it."""
    warnings = report.assessment.warnings()
    if not warnings:
        return ""
    return f'<div class="warnings"><h2>Read this first</h2>{_list(warnings)}</div>'


def _pictures(report: ReportContent) -> str:
    planes = report.planes
    of_sections = [
        replace(one, name=f"{one.name}{_range_in_words(one)}")
        for section in report.assessment.sections
        for one in section.pictures()
        if _has_contrast(one)
    ]
    shown = [*planes.pictures, *of_sections][:MAX_PICTURES]
    figures = []
    for picture in shown:
        bar = report.bars.get(picture.pixels.shape[1])
        made = thumbnail(picture, bar.pixels if bar else 0.0)
        figures.append(
            f'<figure><img src="{made.address}" alt="{_text(made.caption)}">'
            f"<figcaption>{_text(made.caption)}</figcaption></figure>"
        )
    low, high = planes.limits
    caption = [
        planes.place and f"{planes.place[0].upper()}{planes.place[1:]}.",
        f"Input and result are shown linearly from {low:.5g} (black) to {high:.5g} (white).",
        _bars_in_words(report),
        "Missing pixels are blue-grey." if report.record.get("input", {}).get("known") else "",
    ]
    said = " ".join(part for part in caption if part)
    return f'<div class="pictures">{"".join(figures)}</div><p class="small">{_text(said)}</p>'


def _bars_in_words(report: ReportContent) -> str:
    bars = [bar.length for bar in report.bars.values()]
    if not bars:
        return "The pixel size is not known, so there is no scale bar."
    detail = f" (whole images), {bars[1]} (details)" if len(bars) > 1 else ""
    return f"Scale bar: {bars[0]}{detail}."


def _has_contrast(picture: Picture) -> bool:
    known = picture.pixels[np.isfinite(picture.pixels)]
    return bool(known.size) and known.min() < known.max()


def _range_in_words(picture: Picture) -> str:
    low, high = picture.limits
    ends = ("blue", "red") if picture.diverging else ("black", "white")
    return f": {low:.3g} ({ends[0]}) to {high:.3g} ({ends[1]})"


def _steps(report: ReportContent) -> str:
    steps = report.record.get("steps") or ["Leave the image unchanged."]
    return _heading("What was done") + _list(steps, "ol")


def _curve(report: ReportContent) -> str:
    units = report.record.get("units", ())
    fitted = [unit for unit in units if unit.get("iterations")]
    if not fitted:
        return _heading("Stop of the fit") + "<p>Nothing was fitted.</p>"
    first = fitted[0]
    counts = [unit["iterations"] for unit in fitted]
    span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    parts = f" in {len(fitted)} parts" if len(fitted) > 1 else ""
    of_first = " The curve is that of the first part." if len(fitted) > 1 else ""
    curve = curve_svg(first)
    dashed = " Dashed: the iteration whose estimate was kept." if "dasharray" in curve else ""
    rule = f" Vertical: criterion of the stopping rule {first.get('rule', '')}, best where lowest."
    lines = f"{rule}{dashed} Solid: the end." if curve else ""
    said = f"{span} iterations{parts}: {first['reason']}.{of_first if curve else ''}{lines}"
    return f'{_heading("Stop of the fit")}{curve}<p class="small">{_text(said)}</p>'


def _sections(report: ReportContent) -> str:
    caveats = _heading("What the restored image does not show") + _list(report.caveats)
    # A section of nothing but warnings is above the pictures.
    told = [one for one in report.assessment.sections if one.sentences() != one.warnings()]
    said = [_steps(report), _curve(report), *map(_section, told), caveats]
    return f'<div class="sections">{"".join(f"<section>{one}</section>" for one in said)}</div>'


def _section(section: Section) -> str:
    verdict, *details = section.sentences() or ("",)
    said = f"<p><b>{_text(verdict)}</b></p>" if verdict else ""
    return _heading(section.heading) + said + (_list(details) if details else "")


def _methods(report: ReportContent) -> str:
    references = "".join(f"<li>{_text(one)}</li>" for one in report.methods.references)
    return (
        f"{_heading('Methods paragraph, to paste')}"
        f'<p class="paste">{_text(report.methods.paragraph)}</p>'
        f'<ul class="columns">{references}</ul>'
    )


def _settings(report: ReportContent) -> str:
    changes = report.settings.changes()
    changed = {name: value for name, value in changes.items() if name != "preset"}
    rows = {"task": report.settings.task.kind, "preset": report.settings.preset, **changed}
    rest = "All others have the defaults of the preset."
    return f'{_heading("Settings")}{_table(rows)}<p class="small">{_text(rest)}</p>'


def _machine(report: ReportContent) -> str:
    record = report.record
    machine, tiling = record.get("machine", {}), record.get("tiling", {})
    arithmetic = dict.fromkeys(
        unit["arithmetic"] for unit in record.get("units", ()) if unit.get("arithmetic")
    )
    versions = {"napari-dip": record.get("napari-dip"), **record.get("versions", {})}
    rows = {
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "device": ", ".join(filter(None, [record.get("device"), machine.get("gpu")])),
        "processor": ", ".join(
            filter(None, [machine.get("system"), machine.get("processor"), _threads(machine)])
        ),
        "precision": "; ".join(arithmetic),
        "tiles": tiling.get("tile") and f"{tiling['tile']} pixels wide",
        "concurrent fits": tiling.get("at_once"),
        "seed": record.get("seed"),
        "time": f"{record.get('elapsed_s', 0):.3g} s",
        "digest of the input pixels": record.get("input", {}).get("pixels"),
        "digest of the result pixels": record.get("result", {}).get("pixels"),
    }
    name = report.labels.result
    of_file = re.search(r"\.\w+$", name)  # a layer has another name than its file
    what, file = ("it", shlex.quote(name)) if of_file else ("a saved result", "FILE")
    command = f"<code>napari-dip reproduce {_text(file)}</code>"
    again = f"<p class='small'>Repeat {what}: {command}</p>"
    known = {label: value for label, value in rows.items() if value not in (None, "")}
    return _heading("How to repeat it") + _table(known) + again


def _threads(machine: Mapping[str, Any]) -> str:
    threads = machine.get("threads")
    return f"{threads} thread{'s' * (threads != 1)}" if threads else ""


def _table(rows: Mapping[str, Any]) -> str:
    cells = (
        f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"


def _checklists(report: ReportContent) -> str:
    lists = (
        ("Checklist for published images and analyses", report.checklist, CHECKLIST_SOURCES[0]),
        ("Minimal metadata of microscopy", report.metadata, CHECKLIST_SOURCES[1]),
    )
    said = []
    for title, items, source in lists:
        left = sum(not item.answer for item in items)
        said.append(_heading(f"{title}: {left} of {len(items)} to fill in"))
        said.append(f'<div class="columns">{_items(items)}</div>')
        said.append(f'<p class="small">Paraphrased from {_text(source)}.</p>')
    return "".join(said)


def _items(items: Iterable[ChecklistItem]) -> str:
    said, group = [], ""
    for item in items:
        if item.group != group:
            group = item.group
            said.append(f"<h3>{_text(group)}</h3>")
        level = f" ({item.level})" if item.level and item.level != "minimal" else ""
        if item.answer:
            content = f"☑ {_text(item.item)}{level}: <b>{_text(item.answer)}</b>"
        else:
            hint = _text(item.hint or "to fill in")
            content = f'<span class="todo">☐ {_text(item.item)}{level}: {hint}</span>'
        said.append(f'<div class="item">{content}</div>')
    return "".join(said)
