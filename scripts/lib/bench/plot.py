# SPDX-License-Identifier: BSD-3-Clause
"""The ratios as a bar chart in SVG, written by hand: a bar per case, a mark at its goal, a line
where Redis is. Legible on light and dark ground."""

from xml.sax.saxutils import escape

ROW, BAR, TOP, LABELS, WIDTH, RIGHT = 30, 16, 56, 300, 420, 90

# Without variables: renderers outside of browsers do not know them.
STYLE = """
  .ground { fill: #ffffff; } .good { fill: #2f6fde; } .bad { fill: #c4561a; }
  text { font-family: system-ui, sans-serif; font-size: 13px; fill: #1f2328; }
  .faint { fill: #6e7781; font-size: 12px; } .end { text-anchor: end; }
  .middle { text-anchor: middle; } .title { font-weight: 600; font-size: 15px; }
  .redis { stroke: #6e7781; stroke-dasharray: 4 3; } .goal { stroke: #1f2328; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } .good { fill: #5b93f5; } .bad { fill: #e8834a; }
    text { fill: #e6edf3; } .faint { fill: #8b949e; }
    .redis { stroke: #8b949e; } .goal { stroke: #e6edf3; }
  }
"""


def _row(index, result, scale):
    """A case: its name, its bar, the mark of its goal, its figure."""
    top = TOP + index * ROW
    middle = top + ROW / 2
    length = min(result.ratio, scale) / scale * WIDTH
    goal = LABELS + result.goal / scale * WIDTH
    return f"""  <text class="end" x="{LABELS - 10}" y="{middle + 4:.1f}">{escape(result.title)}</text>
  <rect class="{'good' if result.reached else 'bad'}" x="{LABELS}" y="{middle - BAR / 2:.1f}" \
width="{length:.1f}" height="{BAR}" rx="2"/>
  <line class="goal" x1="{goal:.1f}" x2="{goal:.1f}" y1="{top + 3}" y2="{top + ROW - 3}"/>
  <text class="end" x="{LABELS + WIDTH + RIGHT - 20}" y="{middle + 4:.1f}">{result.ratio:.2f}</text>
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
