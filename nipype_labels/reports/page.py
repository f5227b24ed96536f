# SPDX-License-Identifier: BSD-3-Clause
"""The page: one series, its atlases, and how the signals were made."""

import math
import re
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from .carpet import RANGE, draw_carpets, draw_scale
from .contours import draw_contours
from .problems import find_problems

#: How a missing value is written.
MISSING = 'n/a'


@dataclass(frozen=True)
class Series:
    """What all atlases of a report share.

    Attributes
    ----------
    mean : array, shape (I, J, K)
    affine : array, shape (4, 4)
    kept : array of bool, shape (T,)
        Volumes that cleaning kept.
    cleaning : dict
        All that cleaning did, as CleanSignal tells it.
    """

    mean: np.ndarray
    affine: np.ndarray
    kept: np.ndarray
    cleaning: dict


@dataclass(frozen=True)
class Atlas:
    """An atlas and its signals.

    Attributes
    ----------
    name : str
    labels : array of int, shape (I', J', K')
        On any grid.
    affine : array, shape (4, 4)
        Of ``labels``.
    regions : list of L dicts
        Rows of the regions table.
    raw, cleaned : array, shape (T, L)
        Signals; NaN for regions that have none and, in ``cleaned``, for volumes left out.
    """

    name: str
    labels: np.ndarray
    affine: np.ndarray
    regions: list
    raw: np.ndarray
    cleaned: np.ndarray


def render_report(title, series, atlases, versions):
    """Write a report as one page that needs nothing else.

    Parameters
    ----------
    title : str
    series : Series
    atlases : sequence of Atlas
    versions : dict of str to str
        Of the software that made the signals.

    Returns
    -------
    str
        HTML. The same arguments give the same text.
    """
    environment = Environment(
        loader=PackageLoader(__package__, ''),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=format_number, percent=format_percent)
    return environment.get_template('report.html.j2').render(
        title=title,
        n_volumes=len(series.kept),
        n_kept=int(series.kept.sum()),
        left_out={reason: n for reason, n in series.cleaning.get('VolumesLeftOut', {}).items() if n},
        degrees_of_freedom=series.cleaning.get('DegreesOfFreedom'),
        atlases=[describe_atlas(series, atlas) for atlas in atlases],
        scale=draw_scale(),
        scale_range=format_number(RANGE),
        parameters=list_parameters(series.cleaning),
        versions=versions,
    )


def describe_atlas(series, atlas):
    """What the template tells about an atlas."""
    ids = np.array([region['index'] for region in atlas.regions], dtype=np.int64)
    problems, lost = find_problems(atlas.regions, atlas.cleaned)
    return {
        'name': atlas.name,
        'regions': atlas.regions,
        'n_sound': int((~lost).sum()),
        'problems': problems,
        'planes': draw_contours(series.mean, series.affine, atlas.labels, atlas.affine, ids, lost),
        'carpets': draw_carpets(atlas.raw, atlas.cleaned, series.kept, ids),
    }


def list_parameters(cleaning):
    """Name and value of all that cleaning did; the regions it lost stand with their atlas.

    >>> list_parameters({'Parameters': {'low_pass': None}, 'NumberOfVolumes': 9, 'ConfoundsFiles': ['/tmp/a.tsv']})
    [('low_pass', 'none'), ('Number of volumes', '9'), ('Confounds files', 'a.tsv')]
    """
    rows = [(name, format_value(value)) for name, value in cleaning.get('Parameters', {}).items()]
    for key, value in cleaning.items():
        if key in ('Parameters', 'UnavailableRegions'):
            continue
        if key.endswith('Files'):
            # Where the files were tells nothing, and would make reports of the same data differ.
            value = [PurePath(path).name for path in value]
        words = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', key)
        rows.append((words[:1] + words[1:].lower(), format_value(value)))
    return rows


def format_value(value):
    """A value of a JSON file in words.

    >>> format_value([1, True, None]), format_value({'a': 0.25}), format_value([])
    ('1, yes, none', 'a: 0.25', 'none')
    """
    if isinstance(value, dict):
        return ', '.join(f'{key}: {format_value(v)}' for key, v in value.items()) or 'none'
    if isinstance(value, list | tuple):
        return ', '.join(map(format_value, value)) or 'none'
    if value is None or isinstance(value, bool):
        return {None: 'none', True: 'yes', False: 'no'}[value]
    return format_number(value) if isinstance(value, float) else str(value)


def format_number(value, digits=None):
    """A number, or n/a; with ``digits`` after the point, or else as short as it goes.

    >>> format_number(3.0), format_number(2.25, 1), format_number(float('nan'))
    ('3', '2.2', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return f'{value:.6g}' if digits is None else f'{value:.{digits}f}'


def format_percent(value):
    """A part in per cent, rounded down so that only the whole is 100 %.

    >>> format_percent(0.999), format_percent(1)
    ('99 %', '100 %')
    """
    return MISSING if value is None or not math.isfinite(value) else f'{math.floor(100 * value + 1e-9)} %'
