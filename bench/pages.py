# SPDX-License-Identifier: Apache-2.0
"""The document and its pictures."""
import html

WIDTH, HEIGHT, LEFT, BAR, GAP = 720, 34, 210, 18, 8
COLOURS = {'exarch': '#246', 'limit': '#7a4'}
OTHER = '#aaa'


def table(head, rows, right_from=1):
    lines = ['| ' + ' | '.join(head) + ' |',
             '|' + '|'.join('---' if i < right_from else '---:' for i in range(len(head))) + '|']
    return '\n'.join(lines + ['| ' + ' | '.join(str(cell) for cell in row) + ' |' for row in rows])


def amount(value):
    """Three digits, no exponents."""
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'


def round_up(value):
    """The least 1, 2 or 5 times a power of ten of which four reach VALUE; times four."""
    step = 0.001
    while True:
        for times in (1, 2, 5):
            if 4 * step * times >= value:
                return 4 * step * times
        step *= 10


def bars(title, unit, values):
    """An SVG: [(name, value)], longest bar as wide as there is room."""
    most = max((v for _, v in values), default=1) or 1
    height = HEIGHT + (BAR + GAP) * len(values) + 12
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="10" y="20" font-size="14">{html.escape(title)}</text>']
    for i, (name, value) in enumerate(values):
        y = HEIGHT + (BAR + GAP) * i
        width = (WIDTH - LEFT - 90) * value / most
        colour = next((c for word, c in COLOURS.items() if name.startswith(word)), OTHER)
        out += [f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{html.escape(name)}</text>',
                f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>',
                f'<text x="{LEFT + width + 6:.1f}" y="{y + 13}">{amount(value)} {html.escape(unit)}</text>']
    return '\n'.join(out + ['</svg>', ''])


def lines(title, unit, names, series):
    """An SVG: NAMES along the bottom, SERIES {name: [value]}; both axes linear, names at equal distances."""
    top, bottom, right = 46, 300, WIDTH - 130
    most = round_up(max(v for values in series.values() for v in values))
    shades = ['#124', '#257', '#48a', '#7bd', '#aaa', '#c73']
    step = (right - 60) / max(len(names), 1)

    def at(i, value):
        return 60 + step * (i + 0.5), bottom - (bottom - top) * value / most
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="330" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="10" y="20" font-size="14">{html.escape(title)}</text>',
           f'<text x="10" y="38">{html.escape(unit)}</text>']
    for i in range(5):
        y = at(0, most * i / 4)[1]
        out += [f'<line x1="60" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>',
                f'<text x="54" y="{y + 4:.1f}" text-anchor="end">{amount(most * i / 4)}</text>']
    for i, name in enumerate(names):
        out.append(f'<text x="{at(i, 0)[0]:.1f}" y="{bottom + 18}" text-anchor="middle">{html.escape(str(name))}</text>')
    for n, (name, values) in enumerate(series.items()):
        points = [at(i, v) for i, v in enumerate(values)]
        colour = shades[n % len(shades)]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                   + ' '.join(f'{x:.1f},{y:.1f}' for x, y in points) + '"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        out.append(f'<text x="{right + 6}" y="{points[-1][1] + 4:.1f}" fill="{colour}">{html.escape(name)}</text>')
    return '\n'.join(out + ['</svg>', ''])


class Goals:
    """Each goal beside its figure; one that isn't met, or couldn't be measured, says so."""

    def __init__(self):
        self.rows = []

    def most(self, what, goal, value, form='{:.2f}', remark=''):
        self.add(what, f'at most {form.format(goal)}', value, form, remark, lambda v: v <= goal)

    def least(self, what, goal, value, form='{:.2f}', remark=''):
        self.add(what, f'at least {form.format(goal)}', value, form, remark, lambda v: v >= goal)

    def add(self, what, goal, value, form, remark, is_met):
        if value is None:
            self.rows.append((what, goal, 'not measured', '', remark))
            return
        figure = value if isinstance(value, (int, float)) else value.median
        text = form.format(value) if isinstance(value, (int, float)) else value.text(form)
        self.rows.append((what, goal, text, 'yes' if is_met(figure) else '**no**', remark))

    def text(self):
        return table(('what', 'goal', 'figure', 'met', ''), self.rows, right_from=9)
