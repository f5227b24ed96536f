# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a masker, checked and under the names that the core uses."""

import os
from numbers import Integral, Real

import numpy as np
import pandas as pd

from ..core.choices import check_choice, normalize_choice
from ..core.clean import CONFOUNDS_NA, STANDARDIZE
from ..core.errors import LabelsError, LookupTableError
from ..core.filters import check_filter, check_repetition_time
from ..core.gaps import FILLS
from ..core.grid import UNKNOWN_ORIENTATION
from ..core.reduce import NAN_POLICIES
from ..core.regions import LARGEST_ID, MISSING_LABELS
from ..core.resample import INTERPOLATIONS, RESAMPLING_TARGETS
from ..core.scaling import DTYPES
from ..core.smooth import check_fwhm
from ..core.strategies import STRATEGIES
from ..files.confound_strategies import ACOMPCOR, CHOOSING, NON_STEADY_STATE, OPEN, expand_preset, list_conditions
from ..files.memory import check_memory

#: Parameters that decide how a series becomes raw time series, and their choices.
READING = {
    'strategy': STRATEGIES,
    'resampling_target': RESAMPLING_TARGETS,
    'interpolation': INTERPOLATIONS,
    'dtype': DTYPES,
    'nan_policy': NAN_POLICIES,
}

#: All parameters with a closed list of choices; ``filter`` has its own check.
CHOICES = READING | {
    'missing_labels': MISSING_LABELS,
    'standardize': STANDARDIZE,
    'unknown_orientation': UNKNOWN_ORIENTATION,
    'fill_censored': FILLS,
}

#: The same for parameters that choose confounds; a preset may set them.
CHOICES_OF_CONFOUNDS = {'confounds_na': CONFOUNDS_NA, 'acompcor': ACOMPCOR, 'non_steady_state': NON_STEADY_STATE}

FLAGS = ('standardize_confounds', 'high_variance_confounds', 'detrend', 'reports')

#: Whole numbers, and the smallest value of each.
COUNTS = {'background_label': -LARGEST_ID, 'memory_level': 0, 'verbose': 0, 'num_threads': 1}

#: Numbers that may be None.
OPTIONAL_NUMBERS = ('low_pass', 'high_pass', 't_r')

#: Parameters that ``fit`` uses up; after a change of one, ``fit`` must be called again.
FITTED = ('labels_img', 'labels', 'background_label', 'mask_img', 'resampling_target', 'unknown_orientation', 'lut')


def check_settings(parameters):
    """Return the parameters of a masker under the names and types that the core uses.

    Parameters
    ----------
    parameters : dict
        As the user set them, all of them.

    Returns
    -------
    dict

    Raises
    ------
    LabelsError
        If a parameter has a wrong type or value, or two contradict each other.
    """
    settings = {name: normalize_choice(name, value) for name, value in parameters.items()}
    for name, choices in CHOICES.items():
        check_choice(name, settings[name], choices)
    for name in FLAGS:
        if not isinstance(settings[name], bool | np.bool_):
            raise LabelsError(f'{name} must be True or False, not {settings[name]!r}')
        settings[name] = bool(settings[name])
    settings['verbose'] = int(settings['verbose']) if isinstance(settings['verbose'], bool) else settings['verbose']
    for name, least in COUNTS.items():
        settings[name] = _whole(name, settings[name], least)
    if settings['background_label'] > LARGEST_ID:
        raise LabelsError(f'background_label must be an id of 32 bits, not {settings["background_label"]}')
    for name in (*OPTIONAL_NUMBERS, 'min_coverage'):
        settings[name] = _number(name, settings[name], name in OPTIONAL_NUMBERS)
    if not 0 <= settings['min_coverage'] <= 1:
        raise LabelsError(f'min_coverage must be from 0 to 1, not {settings["min_coverage"]}')
    # Of one type whatever was given, since the key of the cache contains it.
    fwhm = parameters['smoothing_fwhm']
    settings['smoothing_fwhm'] = check_fwhm(0.0 if fwhm is None else fwhm).tolist()
    check_filter(
        settings['filter'], settings['low_pass'], settings['high_pass'], check_repetition_time(settings['t_r'])
    )
    if settings['interpolation'] != next(iter(INTERPOLATIONS)) and settings['resampling_target'] != 'labels':
        raise LabelsError("interpolation given, but it only acts with resampling_target='labels'")
    settings.update(_choose_confounds(settings), preset=None)
    cut_off = settings['low_pass'] is not None or settings['high_pass'] is not None
    if settings['fill_censored'] != FILLS[0] and not (settings['filter'] == 'butterworth' and cut_off):
        raise LabelsError('fill_censored given, but it only acts with a Butterworth filter')
    settings['labels'], settings['lut'] = _names(settings), _table(settings['lut'])
    check_memory(settings['memory'])
    return settings


def changed_since_fit(fitted, parameters):
    """Names of the parameters that ``fit`` used and that were changed since.

    Parameters
    ----------
    fitted : dict
        Parameters at the time of ``fit``, from :func:`remember`.
    parameters : dict
        Parameters now.

    Returns
    -------
    list of str
    """
    return [name for name in FITTED if not _is_same(fitted[name], remember({name: parameters[name]})[name])]


def remember(parameters):
    """Parameters that ``fit`` uses, with copies of lists and tables that the user could change in place.

    Parameters
    ----------
    parameters : dict

    Returns
    -------
    dict
    """
    chosen = {name: value for name, value in parameters.items() if name in FITTED}
    for name, value in chosen.items():
        if isinstance(value, pd.DataFrame):
            chosen[name] = value.copy()
        elif isinstance(value, list | tuple | np.ndarray):
            chosen[name] = list(value)
    return chosen


def _is_same(one, other):
    """Whether two values of a parameter are the same object, or equal ones of a type that tells."""
    if one is other:
        return True
    if isinstance(one, pd.DataFrame) or isinstance(other, pd.DataFrame):
        return isinstance(one, pd.DataFrame) and one.equals(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    told = str | os.PathLike | Real
    return isinstance(one, told) and isinstance(other, told) and one == other


def _choose_confounds(settings):
    """Parameters that choose confounds, with those of a preset."""
    for name in ('confounds_columns', 'confounds_strategy'):
        if not isinstance(settings[name], list | tuple | np.ndarray):
            raise LabelsError(f'{name} must be a list of names, not {settings[name]!r}')
    # Without a value, these are the preset's.
    omitted = [name for name in ('preset', *OPEN) if settings[name] is None]
    chosen = expand_preset({name: settings[name] for name in CHOOSING if name not in omitted})
    for name, choices in CHOICES_OF_CONFOUNDS.items():
        check_choice(name, chosen[name], choices)
    columns = chosen['confounds_columns']
    if not all(isinstance(name, str) for name in columns):
        raise LabelsError(f'confounds_columns must be a list of names or regular expressions, not {columns!r}')
    if chosen['n_compcor'] != 'all':
        chosen['n_compcor'] = _whole('n_compcor', chosen['n_compcor'], 1)
    chosen['min_segment'] = _whole('min_segment', chosen['min_segment'], 0)
    for name in ('fd_threshold', 'dvars_threshold'):
        chosen[name] = _number(name, chosen[name], optional=False)
    for name, default, acts, condition in list_conditions(chosen):
        if chosen[name] != default and not acts:
            raise LabelsError(f'{name} given, but it only acts with {condition}')
    return chosen


def _whole(name, value, least):
    """A whole number of at least ``least``; True and False are none."""
    whole = isinstance(value, Real) and not isinstance(value, bool | np.bool_) and value == value // 1
    if not whole or value < least:
        above = '' if least < 0 else f' of {least} or more'
        raise LabelsError(f'{name} must be a whole number{above}, not {value!r}')
    return int(value)


def _number(name, value, optional):
    """A number, or None where that is allowed."""
    if value is None and optional:
        return None
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        raise LabelsError(f'{name} must be a number, not {value!r}')
    return int(value) if isinstance(value, Integral) else float(value)


def _names(settings):
    """Names of the regions as a list of text, None if none are given."""
    names = settings['labels']
    if names is None:
        return None
    if settings['lut'] is not None:
        raise LabelsError('names are given twice, by labels and by lut: give one of them')
    if isinstance(names, str) or not isinstance(names, list | tuple | np.ndarray | pd.Series | pd.Index):
        raise LookupTableError(f'labels must be a list of names, not {type(names).__name__}')
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise LookupTableError(f'labels must be a list of names as text; it holds {wrong[0]!r}')
    return list(map(str, names))


def _table(lut):
    """A look-up table as a path, or as a DataFrame of whole numbers and text."""
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
    return pd.DataFrame({'index': [int(i) for i in ids], 'name': [str(name) for name in lut['name']]})
