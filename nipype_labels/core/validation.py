# SPDX-License-Identifier: BSD-3-Clause
"""Validation of parameters: types, choices, ranges, presets, and the conditions under which parameters act."""

import copy
from numbers import Real
from typing import Any

import numpy as np

from ..model.confounds import PRESETS
from ..model.description import Parameter
from ..model.errors import LabelsError, LookupTableError
from ..model.grayordinates import CIFTI_NAME
from ..model.parameters import PARAMETERS
from .choices import check_choice, find_choice, normalize_choice
from .connectivity import check_connectivity
from .filters import check_filter, check_repetition_time
from .smooth import check_fwhm


def validate(given: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Return parameters in canonical form; LabelsError if one is invalid or would not act.

    ``context`` are parameters that are not given, but decide whether others act. Numbers, texts and lists of the result
    are plain Python.
    """
    given = {name: normalize(name, value) for name, value in given.items()}
    known = {name: parameter.neutral for name, parameter in PARAMETERS.items()} | given | context
    for name, value in given.items():
        condition = PARAMETERS[name].when
        if condition and value is not None and value != PARAMETERS[name].neutral and not condition.holds(known):
            raise LabelsError(f'{name} given, but it only acts with {condition.text}')
    if known['connectivity'] != 'none':
        check_connectivity(known['connectivity'], known['covariance_estimator'], known['fisher_z'])
    check_filter(known['filter'], known['low_pass'], known['high_pass'], check_repetition_time(known['t_r']))
    return given


def normalize(name: str, value: Any) -> Any:
    """Return a value in canonical form and as plain Python; LabelsError if its type, choice or range is wrong.

    >>> normalize('standardize', True), normalize('min_coverage', 1), normalize('labels', ('A', 'B'))
    ('zscore', 1.0, ['A', 'B'])
    """
    parameter = PARAMETERS[name]
    value = value.item() if isinstance(value, np.generic) else value
    if value is None and parameter.default is None and not parameter.aliases:
        return None
    if parameter.kind == 'names':
        return _read_names(name, value)
    if parameter.kind == 'widths':
        widths = check_fwhm(value).tolist()
        return widths if len(widths) > 1 else widths[0]
    if parameter.choices:
        choice = normalize_choice(name, value)
        check_choice(name, choice)
        return choice
    if parameter.kind is bool:
        if not isinstance(value, bool):
            raise LabelsError(f'{name} must be True or False, not {value!r}')
        return value
    if parameter.kind == 'count' and isinstance(value, str) and value.lower() == 'all':
        return 'all'
    number = _read_number(parameter, value)
    _check_range(parameter, number)
    return number


def expand_preset(name: str, **changes: Any) -> dict[str, Any]:
    """Return the parameters of a published denoising pipeline, for the workflow factory, the masker or CleanSignal.

    Parameters
    ----------
    name : str
        Name of the preset, in upper or lower case: simple, scrubbing, compcor, ica_aroma, 24P, 36P or 36P+scrubbing.
    **changes
        Further parameters, and values that replace those of the preset. ``confounds_columns`` adds columns.

    Returns
    -------
    dict of str to object

    Raises
    ------
    LabelsError
        If the preset does not exist, or a change contradicts its confounds or its filter.

    Examples
    --------
    >>> expand_preset('24P', low_pass=0.1)
    {'confounds_strategy': ['24P'], 'detrend': True, 'high_pass': 0.01, 'low_pass': 0.1, 'confounds_na': 'backfill'}
    """
    name = find_choice('preset', name, PRESETS)
    meant = PRESETS[name].parameters
    fixed = {'confounds_strategy': meant['confounds_strategy']}
    fixed |= {'filter': 'butterworth'} if 'low_pass' in meant else {}
    for parameter, value in fixed.items():
        if parameter in changes and normalize(parameter, changes[parameter]) != value:
            given = {parameter: normalize(parameter, changes[parameter])}
            fitting = [f'preset={other!r}' for other in PRESETS if given.items() <= PRESETS[other].parameters.items()]
            remedy = ' or '.join(fitting) or 'the preset with this value'
            raise LabelsError(
                f'preset {name!r} sets {parameter}={value!r}. Pass {remedy}, or pass all parameters without a preset'
            )
    return copy.deepcopy(meant) | changes


#: Parameters that do not act on surfaces, with what to do instead.
_NOT_OF_SURFACES = {
    'smoothing_fwhm': 'Smooth the series first: wb_command -cifti-smoothing, or -metric-smoothing for GIFTI files',
    'high_variance_confounds': 'Compute them from the series of the volume, and pass the table as confounds',
}


def check_surface_parameters(given: dict[str, Any], path: str) -> None:
    """Raise LabelsError for a parameter that does not act on the series of surfaces in the file ``path``."""
    for name, remedy in _NOT_OF_SURFACES.items():
        if np.any(given.get(name, False)):
            raise LabelsError(f'{path} is data of surfaces, and {name} given, but it only acts with volumes. {remedy}')
    if given.get('resampling_target') == 'labels':
        raise LabelsError(f"{path} is data of surfaces: resampling_target='labels' is for volumes")


def check_cifti_outputs(given: dict[str, Any], path: str) -> None:
    """Raise LabelsError if CIFTI parcels are requested of the series in the file ``path``, and it is not CIFTI."""
    if given.get('cifti_outputs') and not CIFTI_NAME.search(path):
        raise LabelsError(f'{path}: cifti_outputs given, but it only acts with CIFTI series (.dtseries.nii)')


def check_volume_parameters(given: dict[str, Any]) -> None:
    """Raise LabelsError for a parameter that does not act on series of volumes."""
    if given.get('weight') == 'area':
        raise LabelsError("weight='area' is for surface and CIFTI series")
    if given.get('zeros') == 'omit':
        raise LabelsError("zeros='omit' is for surface and CIFTI series: voxels of volumes are kept")


def _read_names(name: str, value: Any) -> list[str]:
    """Return a list of names; those of a closed list in any case of letters."""
    error = LookupTableError if name == 'labels' else LabelsError
    names = value.tolist() if hasattr(value, 'tolist') else value
    if not isinstance(names, list | tuple):
        raise error(f'{name} must be a list of names, not {value!r}')
    wrong = [each for each in names if not isinstance(each, str)]
    if wrong:
        raise error(f'{name} must be a list of names as text; it holds {wrong[0]!r}')
    choices = PARAMETERS[name].choices
    return [find_choice(name, each, choices) if choices else str(each) for each in names]


def _read_number(parameter: Parameter, value: Any) -> float:
    """Return an integer or a float, as the parameter needs; flags are not numbers."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if parameter.kind is float:
        if not number:
            raise LabelsError(f'{parameter.name} must be a number, not {value!r}')
        return float(value)
    if not number or value != value // 1:
        raise LabelsError(f'{parameter.name} must be a whole number, not {value!r}')
    return int(value)


def _check_range(parameter: Parameter, number: float) -> None:
    """Refuse a number outside the range; cut-offs have a check of their own, which explains them."""
    low, high = parameter.low, parameter.high
    if low is None or parameter.open_low:
        return
    if high is None and not number >= low:
        raise LabelsError(f'{parameter.name} must be {low:g} or more, not {number!r}')
    if high is not None and not low <= number <= high:
        raise LabelsError(f'{parameter.name} must be from {low:.10g} to {high:.10g}, not {number!r}')
