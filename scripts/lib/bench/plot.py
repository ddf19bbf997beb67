# SPDX-License-Identifier: BSD-3-Clause
"""The ratios as a bar chart in SVG, written by hand: a bar per case, a mark at its goal, a line
where Redis is. Legible on light and dark ground."""

from xml.sax.saxutils import escape

ROW, BAR, TOP, LABELS, WIDTH, RIGHT = 30, 16, 56, 300, 420, 90

STYLE = """
  svg { --ink: #1f2328; --faint: #8c959f; --good: #2f6fde; --bad: #c4561a; --ground: #ffffff; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #7d8590; --good: #5b93f5; --bad: #e8834a; --ground: #0d1117; }
  }
  .ground { fill: var(--ground); } .good { fill: var(--good); } .bad { fill: var(--bad); }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); }
  .faint { fill: var(--faint); font-size: 12px; } .end { text-anchor: end; }
  .middle { text-anchor: middle; } .title { font-weight: 600; font-size: 15px; }
  .redis { stroke: var(--faint); stroke-dasharray: 4 3; } .goal { stroke: var(--ink); stroke-width: 2; }
"""


def _row(index, result, scale):
    """A case: its name, its bar, the mark of its goal, its figure."""
    top = TOP + index * ROW
    middle = top + ROW / 2
    length = min(result.ratio, scale) / scale * WIDTH
    goal = LABELS + result.goal / scale * WIDTH
    # The figure goes behind whichever ends further right, so that the mark never crosses it.
    behind = max(LABELS + length, goal) + 8
    return f"""  <text class="end" x="{LABELS - 10}" y="{middle + 4:.1f}">{escape(result.title)}</text>
  <rect class="{'good' if result.reached else 'bad'}" x="{LABELS}" y="{middle - BAR / 2:.1f}" \
width="{length:.1f}" height="{BAR}" rx="2"/>
  <line class="goal" x1="{goal:.1f}" x2="{goal:.1f}" y1="{top + 3}" y2="{top + ROW - 3}"/>
  <text x="{behind:.1f}" y="{middle + 4:.1f}">{result.ratio:.2f}</text>
"""


def svg(results):
    """The chart of the results that are judged by their ratio."""
    results = [result for result in results if not result.absolute]
    scale = max([1.1] + [min(result.ratio, 2.0) for result in results])
    redis = LABELS + WIDTH / scale
    bottom = TOP + len(results) * ROW
    rows = "".join(_row(index, result, scale) for index, result in enumerate(results))
    width, height = LABELS + WIDTH + RIGHT, bottom + 34
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}" role="img" aria-label="Our cost over Redis's, case by case">
<style>{STYLE}</style>
  <rect class="ground" width="{width}" height="{height}"/>
  <text class="title" x="16" y="24">Our cost over Redis's (CPU per operation, or bytes per key)</text>
  <text class="faint" x="16" y="43">shorter is better; the upright mark is the goal, \
blue reaches it, orange falls short</text>
  <line class="redis" x1="{redis:.1f}" x2="{redis:.1f}" y1="{TOP}" y2="{bottom + 6}"/>
{rows}  <text class="faint middle" x="{redis:.1f}" y="{bottom + 22}">Redis = 1</text>
</svg>
"""
