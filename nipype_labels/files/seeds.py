# SPDX-License-Identifier: BSD-3-Clause
"""Tables of seeds: coordinates of spheres in mm, and perhaps their radius, name and id."""

from contextlib import suppress

import numpy as np

from ..model.errors import LabelsError
from ..model.seeds import Seeds
from .delimited import MISSING_CELLS, parse_table, read_text
from .lut import check_lookup_table
from .lut_lines import is_id, to_id
from .lut_tables import EITHER_HEADINGS, INDEX_HEADINGS, NAME_HEADINGS, simplify_heading
from .tables import to_number

#: Suffixes of tables of seeds.
SUFFIXES = ('.tsv', '.csv', '.txt')

_AXES = ('x', 'y', 'z')

#: Largest magnitude of a coordinate, and largest radius, in mm; beyond, they are in another unit.
LARGEST_COORDINATE, LARGEST_RADIUS = 10_000, 100

#: Headings of the radius in mm, in lower case without punctuation.
_RADIUS_HEADINGS = ('radius', 'radiusmm')


def is_seed_table(path):
    """Whether a file is a table, not an image, by its name."""
    return str(path).lower().endswith(SUFFIXES)


def read_seeds(path, radius=None, includes_nearest=False):
    """Return the Seeds in a table with the columns x, y, z in mm (world coordinates), and perhaps radius, name, index.

    Parameters
    ----------
    path : path
        Values separated by tabs, commas, semicolons or blanks. Without ids, seeds are numbered from 1; without names,
        they are named by their ids.
    radius : float, optional
        In mm, of seeds without a radius of their own.
    includes_nearest : bool
        See :class:`~nipype_labels.model.seeds.Seeds`.

    Raises
    ------
    LabelsError
        If a column or a radius is missing, a value is not a number, or ids or names are not unique.
    """
    heading, rows, _ = parse_table(read_text(path), 0, path)
    return _read_columns(heading, rows, radius, includes_nearest, path)


def make_seeds(coordinates, radius, includes_nearest=False):
    """Return the Seeds of coordinates, an array of shape (L, 3) in mm, which are numbered from 1; or of a DataFrame.

    A DataFrame has the columns of a table, see :func:`read_seeds`.
    """
    if hasattr(coordinates, 'itertuples'):
        cells = coordinates.astype(object).where(coordinates.notna(), '')
        rows = [list(map(str, row)) for row in cells.itertuples(index=False)]
        return _read_columns(list(map(str, coordinates.columns)), rows, radius, includes_nearest, 'seeds')
    try:
        centres = np.array(coordinates, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise LabelsError(f'seeds must be a table, or coordinates x, y, z in mm: {e}') from e
    if centres.ndim != 2 or centres.shape[1:] != (3,) or not len(centres) or not np.isfinite(centres).all():
        raise LabelsError(f'seeds must be coordinates x, y, z in mm, not an array of shape {centres.shape}')
    _check_centres(centres, 'seeds')
    ids = np.arange(1, len(centres) + 1)
    radii = _radii(None, radius, len(centres), 'seeds')
    return Seeds(centres, radii, ids, [str(number) for number in ids], includes_nearest)


def _read_columns(heading, rows, radius, includes_nearest, path):
    """Return the Seeds in rows of cells below a heading, None without one."""
    keys = [simplify_heading(name) for name in heading or ()]
    missing = [axis for axis in _AXES if axis not in keys]
    if missing:
        raise LabelsError(
            f'{path} is not a table of seeds: no column {", ".join(missing)}. It needs the coordinates x, y and z in mm'
        )
    if not rows:
        raise LabelsError(f'{path} has headings but no seeds')
    cells = {key: [row[i] for row in rows] for i, key in reversed(list(enumerate(keys)))}
    centres = _check_centres(np.array([_to_numbers(cells[axis], axis, path) for axis in _AXES]).T, path)
    index = next((key for key in INDEX_HEADINGS if key in cells), None)
    # These columns have ids in some tables and names in others.
    index = index or next((key for key in EITHER_HEADINGS if all(map(is_id, cells.get(key, ['no id'])))), None)
    ids = range(1, len(rows) + 1) if index is None else _parse_ids(cells[index], index, path)
    name = next((key for key in NAME_HEADINGS if key in cells and key != index), None)
    table = check_lookup_table(list(zip(ids, ids if name is None else cells[name], strict=True)), path)
    own = next((cells[key] for key in _RADIUS_HEADINGS if key in cells), None)
    radii = _radii(own, radius, len(rows), path)
    return Seeds(centres, radii, table['index'], table['name'].tolist(), includes_nearest)


def _parse_ids(cells, column, path):
    """Return a column of ids as integers."""
    wrong = [cell for cell in cells if not is_id(cell)]
    if wrong:
        raise LabelsError(f'{path}: {column} must be whole numbers, not {wrong[0]!r}')
    return [to_id(cell) for cell in cells]


def _check_centres(centres, path):
    """Return coordinates, shape (L, 3); LabelsError if they cannot be in mm."""
    beyond = np.flatnonzero((np.abs(centres) > LARGEST_COORDINATE).any(axis=1))
    if len(beyond):
        raise LabelsError(f'{path}: seed {beyond[0] + 1} is more than {LARGEST_COORDINATE} mm from the origin')
    return centres


def _radii(cells, radius, n, path):
    """Return the radius of each seed: its own, or ``radius``."""
    radii = np.full(n, np.nan) if cells is None else _to_numbers(cells, 'radius', path, MISSING_CELLS)
    if np.isnan(radii).any() and radius is None:
        raise LabelsError(f'{path}: {int(np.isnan(radii).sum())} seeds have no radius of their own: pass radius=MM')
    radii = np.where(np.isnan(radii), radius, radii).astype(np.float64)
    if not ((radii >= 0) & (radii <= LARGEST_RADIUS)).all():
        raise LabelsError(f'{path}: radii must be from 0 to {LARGEST_RADIUS} mm')
    return radii


def _to_numbers(cells, column, path, missing=()):
    """Return a column as numbers, NaN for ``missing`` cells; LabelsError with a cell that is not a finite number."""
    numbers = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell in missing:
            continue
        with suppress(ValueError):
            numbers[row] = to_number(cell)
        if not np.isfinite(numbers[row]):
            raise LabelsError(f'{path}: {column} of seed {row + 1} is not a number: {cell!r}')
    return numbers
