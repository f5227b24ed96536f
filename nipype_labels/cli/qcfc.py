# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels derivatives … group --qc-fc``: correlation of connectivity with motion, from the group matrix."""

import numpy as np
import pandas as pd

from ..bids.names import parse_name
from ..bids.spaces import is_template
from ..core.qcfc import LEAST_PARTICIPANTS, correlate_edges, find_centroids, summarise_qcfc
from ..core.quality import is_constant
from ..files.atomic import write_atomically
from ..files.frames import read_table, write_table
from ..files.rows import EDGES, ROWS, read_columns
from ..files.volumes import read_labels
from ..model.errors import INSTALL, LabelsError

#: Values of the matrix that are read together, and number of parts in which they are processed.
_VALUES, _N_PARTS = 2_000_000, 8

#: Why distances are unknown.
_NATIVE = 'in native space, distances differ between participants'


def require_figures():
    """Raise LabelsError unless the packages that draw are installed."""
    try:
        from ..reports import qcfc  # noqa: F401
    except ImportError as e:
        raise LabelsError(f'{e}: --qc-fc needs more packages, {INSTALL % "reports"}') from e


def write_qcfc(start, matrix, motion, labels_file):
    """Write QC-FC of each set of runs that differ in the participant only; return why a set has none, by set.

    Parameters
    ----------
    start : Path
        Beginning of the names of all files. The table of sets has this name, others go on with the set of runs.
    matrix : Path
        Connectivity of the runs; the tables of rows and columns are next to it.
    motion : list of (float or None)
        Mean framewise displacement of the run of each row, in mm.
    labels_file : Path
        Label image of a run, with the places of the regions.

    Returns
    -------
    dict of str to str
        Empty reasons for sets that have QC-FC.
    """
    names, edges = read_table(matrix.with_name(ROWS))['run_name'], read_table(matrix.with_name(EDGES))
    unknown = '' if is_template(parse_name(labels_file)[0]) else _NATIVE
    distances = np.full(len(edges), np.nan) if unknown else _measure_distances(edges, labels_file)
    motion, rows, reasons = np.array(motion, dtype=np.float64), [], {}
    # Each participant counts once: further sessions, tasks and runs are sets of their own.
    for name, members in names.groupby(names.str.partition('_')[2]).indices.items():
        known = members[np.isfinite(motion[members])]
        reason = _explain(motion[known])
        r, p, n = np.full((3, len(edges)), np.nan) if reason else _correlate(matrix, known, motion[known], len(edges))
        summary = summarise_qcfc(r, p, distances)
        if not (reason or summary.n_edges):
            reason = 'no edge varies'
        counts = {'n_participants': len(known), 'n_without_fd': len(members) - len(known)}
        rows.append({'runs': name} | counts | vars(summary) | {'reason': reason or unknown or None})
        reasons[name] = reason
        if not reason:
            table = edges.assign(distance=distances, n=n, r=r, p=p)
            title = f'{name}, {matrix.parent.name}'
            _write_set(start.with_name(f'{start.name}_{name}'), table, title, len(known), summary, unknown)
    with write_atomically(start.with_name(f'{start.name}.tsv')) as partial:
        write_table(partial, pd.DataFrame(rows))
    return reasons


def _explain(motion):
    """Return why participants with this mean framewise displacement have no QC-FC, empty if they have."""
    if len(motion) < LEAST_PARTICIPANTS:
        known = f'{len(motion)} participants have a mean framewise displacement'
        return f'{known}, but QC-FC needs at least {LEAST_PARTICIPANTS}'
    return 'all participants have the same mean framewise displacement' if is_constant(motion[:, None])[0] else ''


def _correlate(matrix, rows, motion, n_edges):
    """Return QC-FC, p value and number of participants of all edges; memory holds a part of the matrix."""
    width = max(1, _VALUES // len(rows))
    parts = []
    for first in range(0, n_edges, width):
        values = read_columns(matrix, rows, slice(first, min(first + width, n_edges)))
        parts += [correlate_edges(part, motion) for part in np.array_split(values, _N_PARTS, axis=1)]
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _measure_distances(edges, labels_file):
    """Return the distance of each pair of regions in mm, NaN for regions that the label image does not have."""
    ids, places = np.unique(edges[['index_1', 'index_2']].to_numpy(dtype=np.int64), return_inverse=True)
    labels, grid = read_labels(labels_file)
    ends = find_centroids(labels, grid.affine, ids)[places.reshape(-1, 2)]
    return np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)


def _write_set(start, table, title, n_participants, summary, unknown):
    """Write the table and the figure of a set of runs, whose names begin with ``start``."""
    from ..reports.qcfc import draw_qcfc

    with write_atomically(start.with_name(f'{start.name}.tsv')) as partial:
        write_table(partial, table)
    figure = draw_qcfc(title, table.r.to_numpy(), table.distance.to_numpy(), n_participants, summary, unknown)
    with write_atomically(start.with_name(f'{start.name}.svg')) as partial:
        partial.write_text(figure, encoding='utf-8')
