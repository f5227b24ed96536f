# SPDX-License-Identifier: BSD-3-Clause
"""Measure everything and write the page.

Run it as ``python -m benchmarks.run [--quick] [--only NAME ...] [-n TURNS]``. Without ``--quick`` it writes
docs/performance.md and docs/performance.json; with ``--only`` the other rows stay as they were measured before.
"""

import argparse
import compileall
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np

import nipype_labels

from .cases import CASES
from .inputs import CACHE
from .make_data import Maker
from .table import render, summary
from .worker import ROOT, WorkerError, measure

#: Whose versions matter.
LIBRARIES = ('nipype_labels', 'nilearn', 'isal', 'nibabel', 'nipype', 'numpy', 'pandas', 'scipy')

#: Shape of the series by size, for the page.
SHAPES = {'full': '99 × 117 × 95 × 240', 'quick': '33 × 39 × 32 × 24 (a trial of this page, not of speed)'}


def main(argv=None):
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser('benchmarks.run', description='Compare time and memory with nilearn and igzip.')
    parser.add_argument('--only', nargs='+', metavar='NAME', choices=[case.name for case in CASES], help='these alone')
    parser.add_argument('--quick', action='store_true', help='tiny data: does everything run?')
    parser.add_argument('-n', type=int, metavar='TURNS', help='how often each side runs; 5 by default, 1 if quick')
    parser.add_argument('--data', default=CACHE, metavar='DIR', help='where data are kept; benchmarks/data by default')
    arguments = parser.parse_args(argv)
    size, turns = ('quick', 1) if arguments.quick else ('full', 5)
    maker = Maker(size, arguments.data)
    maker.all()
    # As pip does when it installs: with PYTHONDONTWRITEBYTECODE, each process would compile the modules of a checkout.
    compileall.compile_dir(Path(nipype_labels.__file__).parent, quiet=1)
    # A trial must not pass for the true page.
    page = (maker.folder if arguments.quick else ROOT / 'docs') / 'performance.md'
    found, failed = _found_before(page.with_suffix('.json')), []
    for case in CASES:
        if arguments.only and case.name not in arguments.only:
            continue
        try:
            found['cases'][case.name] = _take_turns(case, arguments.n or turns, maker)
        except WorkerError as e:
            failed.append(case.name)
            print(f'{case.name}: {e}', file=sys.stderr, flush=True)
            continue
        print(summary(case, found['cases'][case.name]), flush=True)
        page.with_suffix('.json').write_text(json.dumps(found, indent=1) + '\n', encoding='utf-8')
        drawn = page.with_name('scaling.png').exists()
        page.write_text(render(found, CASES, SHAPES[size], drawn), encoding='utf-8')
    print(f'wrote {page}' + (f'; failed: {", ".join(failed)}' if failed else ''))
    return 1 if failed else 0


def _take_turns(case, turns, maker):
    """Let the sides of a case take turns.

    Parameters
    ----------
    case : Case
    turns : int
    maker : Maker

    Returns
    -------
    dict
        ``date``; ``load``, of the machine before; ``runs``, of each side; ``difference`` from nilearn's numbers.
    """
    runs, difference, load = {side: [] for side in case.sides}, None, os.getloadavg()[0]
    for turn in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            results = {side: Path(folder) / f'{side}.npy' for side in ('ours', 'nilearn')}
            for side, job in case.sides.items():
                if turn == 0 or not job.once:
                    kept = results.get(side) if turn == 0 and 'nilearn' in case.sides else None
                    runs[side].append(measure(job, maker.size, maker.cache, kept))
            if turn == 0 and 'nilearn' in case.sides:
                difference = _difference(*(np.load(path) for path in results.values()))
    return {'date': f'{date.today()}', 'load': load, 'runs': runs, 'difference': difference}


def _difference(ours, theirs):
    """Largest difference, as part of the largest of their numbers."""
    if ours.shape != theirs.shape:
        raise WorkerError(f'ours has shape {ours.shape}, nilearn returns {theirs.shape}')
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def _found_before(path):
    """What was measured earlier, if it was on this machine with these versions."""
    found = {'machine': _machine(), 'cases': {}}
    if path.exists():
        before = json.loads(path.read_text(encoding='utf-8'))
        found = before if before['machine'] == found['machine'] else found
    return found


def _machine():
    """What the numbers depend on."""
    cpu_info = Path('/proc/cpuinfo')
    lines = cpu_info.read_text(encoding='utf-8').splitlines() if cpu_info.exists() else []
    models = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9
    versions = [f'{name} {importlib.metadata.version(name)}' for name in LIBRARIES]
    return {
        'processor': f'{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {memory:.0f} GB',
        'system': f'{platform.system()} {platform.release()}, Python {platform.python_version()}',
        'versions': ', '.join(versions),
    }


if __name__ == '__main__':
    sys.exit(main())
