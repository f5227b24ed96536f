# SPDX-License-Identifier: BSD-3-Clause
"""Draw the picture of the README from the report of the demo: ``python docs/_ext/picture.py``.

Three figures of the report are side by side, without their headings and legends. A test compares the picture with the
demo.
"""

import base64
import io
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

#: Figure of the report, its heading in the picture, and the first and last row of pixels that are shown.
PANELS = (
    ('coverage', 'Coverage of the regions', 100, 830),
    ('carpet', 'Time series before and after denoising', 100, 830),
    ('connectivity', 'Functional connectivity', 100, 758),
)

#: Height of a panel, space between panels, and height of the headings.
HEIGHT, GAP, TOP = 700, 50, 90

#: Images whose sides both have more pixels are drawn with half as many along each axis.
LARGEST = 300


def draw_picture(folder):
    """Return the picture as SVG from the work folder of the demo."""
    left, panels = GAP, []
    for name, heading, first, last in PANELS:
        (path,) = Path(folder).rglob(f'*_{name}.svg')
        figure = re.sub(r'(?<=data:image/png;base64,)[^"]+', _halve, path.read_text(encoding='utf-8'))
        width = int(re.search(r'viewBox="0 0 (\d+) ', figure)[1])
        shown = round(width * HEIGHT / (last - first))
        place = f'x="{left}" y="{TOP}" width="{shown}" height="{HEIGHT}" viewBox="0 {first} {width} {last - first}"'
        panels.append(f'<text x="{left + 24}" y="60" font-size="48" font-weight="600">{heading}</text>')
        panels.append(re.sub(r'viewBox="[^"]*"', place, figure, count=1))
        left += shown + GAP
    size = f'viewBox="0 0 {left} {TOP + HEIGHT + GAP}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    return '\n'.join([start, f'<rect width="{left}" height="{TOP + HEIGHT + GAP}" fill="#fff"/>', *panels, '</svg>\n'])


def _halve(found):
    """Return a PNG in base64, with half as many pixels along each axis if it is large."""
    image = Image.open(io.BytesIO(base64.b64decode(found[0])))
    if min(image.size) < LARGEST:
        return found[0]
    smaller = image.convert('RGB').reduce(2).quantize(48, dither=Image.Dither.NONE)
    stream = io.BytesIO()
    smaller.save(stream, 'PNG', optimize=True)
    return base64.b64encode(stream.getvalue()).decode('ascii')


def main():
    """Run the demo and write the picture."""
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, '-m', 'nipype_labels.cli.main', 'demo', '-o', folder], check=True)
        picture = draw_picture(folder)
    (Path(__file__).parents[1] / 'demo.svg').write_text(picture, encoding='utf-8', newline='\n')


if __name__ == '__main__':
    main()
