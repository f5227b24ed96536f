# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … group``: one table per atlas of all runs, made of what each run has written."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ..bids.names import build_name, parse_name
from ..bids.runs import RUN_ENTITIES
from ..core.errors import LabelsError
from ..files.regions import read_regions
from ..files.tables import format_row, read_signals

#: Folder of the tables in the data set.
FOLDER = 'group'


def collect(out):
    """Write the tables: a row per run, a column per region or per pair of regions.

    One run after another is read, and of its connectivity the upper triangle is kept: memory holds one run, however
    many there are.

    Parameters
    ----------
    out : path
        Data set that the command has written before.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    LabelsError
        If there is nothing to collect, or two runs differ in their regions.
    """
    out = Path(out).absolute()
    kinds = {'*_stat-coverage_bold.tsv': _read_coverage, '*_relmat.tsv': _read_pairs}
    written = []
    for pattern, read in kinds.items():
        tables = {}
        for path in sorted(out.glob(f'sub-*/**/func/{pattern}')):
            entities, suffix, extension = parse_name(path)
            shared = {key: label for key, label in entities.items() if key not in RUN_ENTITIES}
            tables.setdefault(build_name(shared, suffix, extension), []).append(path)
        for name, paths in tables.items():
            (out / FOLDER).mkdir(exist_ok=True)
            written.append(_write(out / FOLDER / name, paths, read))
    if not written:
        raise LabelsError(f'{out} has no derivatives to collect: run the level participant first')
    print(f'wrote {len(written)} tables to {out / FOLDER}', file=sys.stderr)
    return 0


def _read_coverage(path):
    """Names of regions, and the part of each that is covered."""
    regions = read_regions(path)
    return list(regions['name']), regions['coverage'].to_numpy(dtype=float)


def _read_pairs(path):
    """Names of pairs of regions, and their connectivity."""
    names, matrix = read_signals(path)
    rows, columns = np.triu_indices(len(names), 1)
    return [f'{names[i]} × {names[j]}' for i, j in zip(rows, columns, strict=True)], matrix[rows, columns]


def _write(target, paths, read):
    """Write one table."""
    partial = target.with_name(f'.{target.name}.{os.getpid()}')
    with ExitStack() as stack:
        stack.callback(partial.unlink, missing_ok=True)
        stream = stack.enter_context(partial.open('w', encoding='utf-8', newline='\n'))
        expected = None
        for path in paths:
            names, values = read(path)
            if expected is None:
                expected = names
                stream.write('\t'.join(['run', *names]) + '\n')
            elif names != expected:
                raise LabelsError(
                    f'{path} has other regions than {paths[0]}: runs can be collected that have the same atlas, and '
                    "missing_labels other than 'drop'"
                )
            entities, _, _ = parse_name(path)
            run = '_'.join(f'{key}-{entities[key]}' for key in RUN_ENTITIES if key in entities)
            stream.write(f'{run}\t{format_row(values)}\n')
        stream.close()
        os.replace(partial, target)  # noqa: PTH105 (known to be atomic)
    return target
