# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a masker, checked and under the names that the core uses."""

import os
from numbers import Real

import numpy as np
import pandas as pd

from ..core.validation import check_surface_parameters, validate
from ..files.areas import require_areas
from ..files.lut_tables import add_hemispheres
from ..files.memory import check_memory
from ..model.errors import LabelsError, LookupTableError
from ..model.parameters import PARAMETERS

#: Parameters that decide how a series becomes raw time series.
READING = ('strategy', 'resampling_target', 'interpolation', 'dtype', 'nan_policy')

#: Parameters that ``fit`` uses. After a change of one of them, ``fit`` must be called again.
FITTED = (
    *('labels_img', 'maps_img', 'seeds', 'radius', 'allow_overlap', 'include_nearest', 'labels', 'background_label'),
    *('mask_img', 'resampling_target', 'unknown_orientation', 'lut', 'weight', 'areas_file'),
)


def check_settings(parameters, atlas, on_surfaces=False):
    """Return all parameters of a masker, as the user set them, checked and under the names and types of the core.

    ``atlas`` is the name of the parameter that has the atlas, which the result has as ``'atlas'`` too.
    Parameters that act on volumes alone are refused for series of surfaces.
    """
    given = {name: value for name, value in parameters.items() if name in PARAMETERS}
    if isinstance(given['verbose'], bool | np.bool_):
        given['verbose'] = int(given['verbose'])
    if given.get('labels') is not None and parameters['lut'] is not None:
        raise LabelsError('names are given twice, by labels and by lut: give one of them')
    # Confounds may be given later, to transform.
    settings = parameters | validate(given, use_confounds=True)
    settings['smoothing_fwhm'] = settings['smoothing_fwhm'] or 0.0
    settings['lut'] = _check_lut(settings.get('lut'))
    absent = ('labels', 'background_label', 'resampling_target', 'interpolation', 'unknown_orientation')
    settings = {name: PARAMETERS[name].neutral for name in absent} | settings
    settings |= {'atlas': settings[atlas], 'atlas_parameter': atlas, 'on_surfaces': on_surfaces}
    if on_surfaces:
        check_surface_parameters(settings, atlas)
        require_areas(settings['weight'], settings['areas_file'])
    check_memory(settings['memory'])
    return settings


def changed_since_fit(fitted, parameters):
    """Return the names of the parameters that ``fit`` used (from :func:`remember`) and that changed since."""
    known = [name for name in FITTED if name in fitted]
    return [name for name in known if not _is_same(fitted[name], remember({name: parameters[name]})[name])]


def remember(parameters):
    """Return the parameters that ``fit`` uses, with copies of what the user could change in place, except images."""
    return {name: _copy(value) for name, value in parameters.items() if name in FITTED}


def _copy(value):
    """Return a copy of a table or an array, and of the entries of a list; other values unchanged."""
    if isinstance(value, pd.DataFrame | np.ndarray):
        return value.copy()
    return [*map(_copy, value)] if isinstance(value, list | tuple) else value


def _is_same(one, other):
    """Return whether two values of a parameter are the same object, or equal text, paths, numbers, arrays or tables."""
    if one is other:
        return True
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        return one.equals(other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    comparable = str | os.PathLike | Real
    return isinstance(one, comparable) and isinstance(other, comparable) and one == other


def _check_lut(lut):
    """Return a look-up table as a path, or as a DataFrame of whole numbers and text; LookupTableError otherwise."""
    if lut is None or isinstance(lut, str | os.PathLike):
        return lut
    if not isinstance(lut, pd.DataFrame):
        raise LookupTableError(f'lut must be a path or a DataFrame, not {type(lut).__name__}')
    if not {'index', 'name'} <= set(lut.columns):
        have = ', '.join(map(str, lut.columns))
        raise LookupTableError(f"lut must have the columns 'index' and 'name'; it has {have}")
    if lut.columns.duplicated().any():
        raise LookupTableError(f'lut has columns of the same name: {", ".join(map(str, lut.columns))}')
    ids = pd.to_numeric(lut['index'], errors='coerce').to_numpy(dtype=np.float64)
    flags = [isinstance(value, bool | np.bool_) for value in lut['index']]
    wrong = ~np.isfinite(ids) | (ids != np.rint(ids)) | np.array(flags, dtype=bool)
    if wrong.any():
        values = ', '.join(map(str, lut['index'][wrong][:5]))
        raise LookupTableError(f'lut: the column index must hold whole numbers, not {values}')
    if lut['name'].isna().any():
        row = int(np.flatnonzero(lut['name'].isna())[0])
        raise LookupTableError(f'lut: the name of index {lut["index"].iloc[row]} is missing ({lut["name"].iloc[row]})')
    names = add_hemispheres([str(name) for name in lut['name']], map(str, lut.columns), lut.to_numpy())
    return pd.DataFrame({'index': [int(i) for i in ids], 'name': names})
