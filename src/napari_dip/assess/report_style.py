"""The style of the report: a page in a browser, and two A4 pages in print."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 9.5pt/1.35 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1b1f24;
  background: #fff; max-width: 195mm; margin: 8mm auto; padding: 0 4mm; }
h1 { font-size: 15pt; margin: 0; }
h2 { font-size: 10.5pt; margin: 9pt 0 2pt; border-bottom: 0.5pt solid #b8bfc8; color: #143d66; }
h3 { font-size: 8pt; margin: 3pt 0 0.5pt; }
p { margin: 2pt 0; }
ul, ol { margin: 2pt 0; padding-left: 14pt; }
li { margin: 0.5pt 0; }
.sub { color: #525c68; overflow-wrap: anywhere; }
.pictures { display: flex; flex-wrap: wrap; gap: 2mm; margin: 4pt 0; }
figure { margin: 0; width: 45mm; }
figure img { width: 100%; max-height: 46mm; object-fit: contain; object-position: left top;
  image-rendering: pixelated; display: block; }
figcaption { font-size: 7.5pt; line-height: 1.2; color: #38414b; overflow-wrap: anywhere; }
.warnings { border-left: 3pt solid #c0392b; background: #fdf3f1; padding: 2pt 6pt; margin: 4pt 0; }
.warnings h2 { margin-top: 0; border: 0; color: #8c2318; }
.two { display: flex; gap: 6mm; }
.two > div { flex: 1 1 0; min-width: 0; }
svg.curve { width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: 8pt; line-height: 1.25; }
td, th { text-align: left; vertical-align: top; padding: 0.6pt 4pt 0.6pt 0; overflow-wrap: anywhere;
  font-weight: normal; }
th { color: #525c68; white-space: nowrap; width: 1%; }
.paste { border: 0.5pt solid #b8bfc8; padding: 4pt 6pt; background: #f7f9fb; }
.small { font-size: 7.5pt; line-height: 1.22; }
.columns { columns: 2; column-gap: 6mm; font-size: 7.2pt; line-height: 1.17; }
.sections { columns: 2; column-gap: 6mm; font-size: 8.2pt; line-height: 1.24; }
.sections section h2 { margin-top: 0; }
.sections section + section h2 { margin-top: 5pt; }
.columns li { break-inside: avoid; }
.columns h3 { break-after: avoid; }
.item { break-inside: avoid; margin: 0.4pt 0; padding-left: 10pt; text-indent: -10pt; }
.todo { color: #8a3b00; }
code { font-family: ui-monospace, Consolas, "DejaVu Sans Mono", monospace; font-size: 7.5pt;
  overflow-wrap: anywhere; }
@page { size: A4; margin: 11mm 12mm 12mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 7.5pt sans-serif; } }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 8.6pt; line-height: 1.28; }
  h2 { margin-top: 4pt; font-size: 9.5pt; }
  .warnings { font-size: 7.8pt; line-height: 1.22; }
  .sections { font-size: 7.4pt; line-height: 1.18; }
  .sections .small, .columns, table { font-size: 6.9pt; line-height: 1.15; }
  .paste { font-size: 7.8pt; line-height: 1.2; padding: 3pt 5pt; }
  code { font-size: 6.9pt; }
  .pictures { gap: 1.5mm; margin: 3pt 0; }
  figure { width: 35.9mm; }
  figure img { max-height: 36.5mm; }
  figcaption { font-size: 6.8pt; }
  svg.curve { max-width: 70mm; }
  h2, h3 { break-after: avoid; }
  figure, tr, svg { break-inside: avoid; }
}
"""
