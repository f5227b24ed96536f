# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … group``: tables and matrices of all runs, from the derivatives of each run."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..bids.manifest import find_damage, list_differences
from ..bids.names import build_name, parse_name, split_name
from ..bids.quality import is_coverage, name_coverage
from ..files.atomic import create_folder, write_atomically
from ..files.coverage import parse_coverage
from ..files.locks import locked
from ..files.rows import DIGEST, update_rows
from ..files.tables import MISSING, read_signals
from ..model.errors import LabelsError, LockedError, list_names
from .pages import read_times, replace_pages
from .progress import TableProgress, count
from .quality import (
    FOLDER,
    PAIRS,
    describe_complete,
    describe_run,
    find_files,
    find_tables,
    list_failed,
    list_quality,
    name_folder,
    relative,
)
from .verify import read_manifests

#: Names of the files for each atlas.
MATRIX, COVERAGE = 'connectivity.npy', 'coverage.tsv'

#: Beginning of the names of the files of QC-FC.
QCFC = 'qcfc'

#: Hidden file that a job locks while it writes the tables.
LOCK = '.group.lock'

#: Digests of an atlas that the runs of a table have in common.
_FILES = ('Digest', 'LookupTable')


@dataclass(frozen=True)
class _Described:
    """Content of the coverage table of a run that other tables need.

    Attributes
    ----------
    path : Path
    row : dict
        Row of the table of quality.
    regions : tuple of (int, str)
        Ids and names of all regions.
    covered : float
        Number of regions that are covered.
    """

    path: Path
    row: dict
    regions: tuple
    covered: float


def collect(out, qc_fc=False):
    """Write the tables and matrices of all runs; return 1 if a run is excluded because of damage, else 0.

    Memory holds the manifests of all runs, and the tables of one. With ``qc_fc``, the correlation of connectivity with
    motion is written too. LabelsError if there is nothing to collect, or runs of a table differ in parameters,
    software, atlas or regions.
    """
    if qc_fc:
        from .qcfc import require_figures

        require_figures()
    out = Path(out).absolute()
    if not out.is_dir():
        raise LabelsError(f'{out}: no such folder. Pass the OUT of the level participant')
    # The matrix of one job would get the rows of another one.
    try:
        with locked(out / LOCK, timeout=0):
            return _collect(out, qc_fc)
    except LockedError as e:
        print(f'{out / FOLDER} is {e}. Waiting until that job has ended', file=sys.stderr, flush=True)
    with locked(out / LOCK):
        return _collect(out, qc_fc)


def _collect(out, qc_fc):
    times = read_times(out)
    manifests, damaged = read_manifests(out)
    found, unread = find_files(out)
    damaged += unread
    owners = {name: manifest for manifest in manifests.values() for name in manifest['Outputs']}
    tables, excluded = find_tables({*found, *(out / name for name in owners)}, owners, out)
    if not tables:
        reasons = ''.join(f'; {line}' for line in [*damaged, *excluded.values()])
        raise LabelsError(f'{out} has no derivatives to collect{reasons}. Run the level participant first')
    matrices = {name: paths for name, paths in tables.items() if name.endswith(PAIRS)}
    if qc_fc and not matrices:
        raise LabelsError(f'{out} has no connectivity for --qc-fc. Run the level participant with --connectivity first')
    for name, paths in tables.items():
        _check_equal(name, {run: owners[relative(path, out)] for run, path in paths.items()})
    described = {}
    # Coverage tables have the ids of the regions of matrices.
    for name, paths in sorted(tables.items(), key=lambda item: not is_coverage(item[0])):
        folder = out / FOLDER / name_folder(name)
        create_folder(folder)
        if is_coverage(name):
            described[folder] = _write_coverage(folder, paths, owners, out)
        else:
            # Files of an earlier call may describe other runs.
            for path in folder.glob(f'{QCFC}*'):
                path.unlink()
            _write_matrix(folder, paths, owners, out, described[folder])
    failed = list_failed(out)
    complete = [each.row for runs in described.values() for each in runs.values()]
    replace_pages(out, [*list_quality(complete, excluded), *failed], times)
    runs = {run for paths in tables.values() for run in paths}
    lines = [*_list_missing(tables, runs), *(f'  {line}' for line in [*excluded.values(), *damaged])]
    lines += [f'  {row["run_name"]} failed: {row["reason"]}' for row in failed]
    lines += _write_qcfc(matrices, owners, out, described) if qc_fc else []
    sys.stderr.writelines(f'{line}\n' for line in lines)
    folders = f' in {len(described)} folders' if len(described) > 1 else ''
    print(f'wrote {count(len(runs), "run")}{folders} to {out / FOLDER}', file=sys.stderr)
    collected = {id(owners[relative(path, out)]) for paths in tables.values() for path in paths.values()}
    stems = {Path(name).stem for name, manifest in manifests.items() if id(manifest) in collected}
    old = sorted({row['run_name'] for row in failed if Path(row['page']).stem in stems})
    if old:
        print(f'old results are used for {count(len(old), "failed run")}: {list_names(old, 5)}', file=sys.stderr)
    return 1 if excluded or damaged else 0


def _check_equal(name, manifests):
    """Raise LabelsError if the runs of a table differ in parameters, software, or atlas."""
    atlas = split_name(name)[0]['atlas']
    (first, known), *others = manifests.items()
    for run, manifest in others:
        pairs = list_differences(known, manifest)
        atlases = known['Atlases'][atlas], manifest['Atlases'][atlas]
        pairs += [(f'{key} of atlas {atlas}', *(each[key] for each in atlases)) for key in _FILES]
        differences = ', '.join(f'{key} is {one} and {other}' for key, one, other in pairs if one != other)
        if differences:
            raise LabelsError(
                f'{FOLDER}/{name_folder(name)}: {first} and {run} cannot be in one table: {differences}. Run the '
                'level participant with the same options for all runs, or with another --desc for each set of options'
            )


def _list_missing(tables, runs):
    """Return a line for each table that does not have all runs."""
    return [
        f'  {FOLDER}/{name_folder(name)}/{MATRIX if name.endswith(PAIRS) else COVERAGE} has {len(paths)} of '
        f'{len(runs)} runs; missing: {list_names(sorted(runs - set(paths)), 5)}'
        for name, paths in tables.items()
        if len(paths) < len(runs)
    ]


def _write_matrix(folder, paths, owners, out, described):
    """Write the connectivity of runs: a row per run, a column per pair of regions."""
    names, files = list(paths), list(paths.values())
    digests = [_digest(path, owners[relative(path, out)]['Outputs'], out) for path in files]
    rows = pd.DataFrame([describe_run(path) | {DIGEST: digest} for path, digest in zip(files, digests, strict=True)])
    progress = TableProgress(len(files), f'{folder.name}/{MATRIX}')
    first = []

    def read(number):
        path = files[number]
        found, values = read_pairs(path, described[names[number]].regions)
        if not first:
            first.extend([path, found, list_edges(found)])
        if found != first[1]:
            raise LabelsError(
                f'{path} and {first[0]} have different regions. Use the same atlas for all runs, and another '
                '--missing-labels than drop'
            )
        progress(number)
        return first[2], values

    update_rows(folder / MATRIX, rows, read)


def _digest(path, outputs, out):
    """Return a digest of a connectivity matrix and of the coverage table, which has the ids of its regions."""
    digests = [outputs[relative(file, out)]['Digest'] for file in (path, path.with_name(name_coverage(path)))]
    return hashlib.sha256(''.join(digests).encode()).hexdigest()


def read_pairs(path, regions):
    """Return the pairs of id and name of the regions of a matrix, and the connectivity of all :func:`list_edges`.

    ``regions`` are all regions of the atlas as such pairs. LabelsError if the matrix is not symmetric, or has others.
    """
    names, matrix = read_signals(path)
    # With --missing-labels drop, the matrix has a part of the regions.
    present = set(names)
    kept = [region for region in regions if region[1] in present]
    if names != [name for _, name in kept]:
        raise LabelsError(f'{path}: the regions are not in the order of {name_coverage(path)}')
    if matrix.shape != (len(names), len(names)):
        raise LabelsError(f'{path}: {len(matrix)} rows, but {len(names)} columns')
    if not np.array_equal(matrix, matrix.T, equal_nan=True):
        i, j = np.argwhere((matrix != matrix.T) & ~(np.isnan(matrix) & np.isnan(matrix.T)))[0]
        raise LabelsError(f'{path}: not symmetric, such as for {names[i]} and {names[j]}')
    return kept, matrix[np.tril_indices(len(names), -1)]


def list_edges(regions):
    """Return the pairs of regions (a DataFrame) in the order of nilearn's ``sym_matrix_to_vec``.

    >>> list_edges([(1, 'One'), (2, 'Two')]).to_dict('records')
    [{'index_1': '1', 'name_1': 'One', 'index_2': '2', 'name_2': 'Two'}]
    """
    others, ones = np.tril_indices(len(regions), -1)
    ids, names = (np.array(column, dtype=object) for column in zip(*regions, strict=True))
    ids = ids.astype(str)
    columns = {'index_1': ids[ones], 'name_1': names[ones], 'index_2': ids[others], 'name_2': names[others]}
    return pd.DataFrame(columns, dtype=object)


def _write_qcfc(matrices, owners, out, described):
    """Write QC-FC of each matrix; return a line for each set of runs without it, LabelsError if no set has it."""
    # Statistics and figures take 60 MB, which other calls do not need.
    from .qcfc import write_qcfc

    reasons = {}
    for name, paths in matrices.items():
        folder = out / FOLDER / name_folder(name)
        runs = described[folder]
        motion = [runs[run].row['mean_fd'] for run in paths]
        # Masks and fields of view cut regions, and so move their centres.
        labels = _find_labels(max((runs[run] for run in paths), key=lambda each: each.covered).path, owners, out)
        found = write_qcfc(folder / QCFC, folder / MATRIX, motion, labels)
        reasons |= {f'{members} in {folder.name}': reason for members, reason in found.items()}
    without = [f'no QC-FC of {members}: {reason}' for members, reason in reasons.items() if reason]
    if len(without) == len(reasons):
        raise LabelsError('; '.join(without))
    return [f'  {line}' for line in without]


def _find_labels(coverage, owners, out):
    """Return the label image of a run and atlas; LabelsError if it is damaged."""
    entities, _, _ = parse_name(coverage)
    path = coverage.with_name(build_name(entities | {'stat': None}, 'dseg', '.nii.gz'))
    if path.with_name(f'{path.name.removesuffix(".nii.gz")}.dlabel.nii').is_file():
        raise LabelsError(f'{coverage} has regions of surfaces: --qc-fc needs distances between regions of volumes')
    manifest, name = owners[relative(coverage, out)], relative(path, out)
    damage = find_damage(out, manifest, name) if name in manifest['Outputs'] else 'is not in the manifest of the run'
    if damage:
        raise LabelsError(f'{path} {damage}. Run the level participant again')
    return path


def _write_coverage(folder, paths, owners, out):
    """Write the coverage of every region in every run, a row each; return what the table of each run says."""
    progress, heading, known, described = TableProgress(len(paths), f'{folder.name}/{COVERAGE}'), None, {}, {}
    with write_atomically(folder / COVERAGE) as partial, partial.open('w', encoding='utf-8', newline='\n') as stream:
        for number, (run, path) in enumerate(paths.items()):
            content, columns = path.read_bytes(), describe_run(path)
            table = parse_coverage(content, path)
            first, *lines = content.decode().splitlines()
            if heading is None:
                heading = first
                stream.write('\t'.join([*columns, heading]) + '\n')
            elif first != heading:
                raise LabelsError(f'{path} has other columns than the coverage tables of other runs')
            start = '\t'.join(MISSING if value is None else value for value in columns.values())
            stream.writelines(f'{start}\t{line}\n' for line in lines)
            row = describe_complete(path, table, owners[relative(path, out)]['Outputs'], out)
            # Runs have the same regions: memory holds one list.
            regions = tuple(zip(table.index.tolist(), table.name.tolist(), strict=True))
            regions = known.setdefault(regions, regions)
            described[run] = _Described(path, row, regions, float(np.nansum(table.coverage)))
            progress(number)
    return described
