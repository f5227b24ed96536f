# SPDX-License-Identifier: BSD-3-Clause
"""Inputs that choose confounds, and how ``cleaning.json`` describes the choice."""

from nipype.interfaces.base import InputMultiObject, traits

from ..core.clean import CONFOUNDS_NA
from ..files.confound_strategies import (
    ACOMPCOR,
    CONFOUNDS_STRATEGIES,
    DVARS_THRESHOLD,
    FD_THRESHOLD,
    MIN_SEGMENT,
    N_COMPCOR,
    NON_STEADY_STATE,
)
from ..files.digests import content_digest
from ..files.paths import find_sidecar
from .base import InputFile, LabelsInputSpec
from .choices import AnyCase, CountOrAll


class ConfoundsInputSpec(LabelsInputSpec):
    """Inputs that choose confounds."""

    confounds_files = InputMultiObject(
        InputFile(),
        desc='confounds, TSV or CSV, a row per volume; a table is used whole unless columns of it are selected, which '
        'a whole table of fMRIPrep demands',
    )
    use_confounds = traits.Bool(desc='whether there must be confounds; by default they are used if there are any')
    confounds_columns = traits.List(
        traits.Str(), hash_files=False, desc='columns to select, by name or by regular expression'
    )
    confounds_strategy = traits.List(
        AnyCase(*CONFOUNDS_STRATEGIES), hash_files=False, desc="named sets of fMRIPrep's columns to select"
    )
    n_compcor = CountOrAll(
        N_COMPCOR, usedefault=True, hash_files=False, desc='components of each mask that the strategy aCompCor takes'
    )
    acompcor = traits.Enum(
        *ACOMPCOR, usedefault=True, hash_files=False, desc='masks whose components the strategy aCompCor takes'
    )
    fd_threshold = traits.Range(
        low=0.0, value=FD_THRESHOLD, usedefault=True, desc='framewise displacement in mm above which scrubbing acts'
    )
    dvars_threshold = traits.Range(
        low=0.0, value=DVARS_THRESHOLD, usedefault=True, desc='standardised DVARS above which scrubbing acts'
    )
    min_segment = traits.Range(
        low=0, value=MIN_SEGMENT, usedefault=True, desc='fewest volumes in a row that scrubbing retains; 0: any'
    )
    non_steady_state = traits.Enum(
        *NON_STEADY_STATE,
        usedefault=True,
        hash_files=False,
        desc="volumes that fMRIPrep's table marks as not in the steady state, if columns of the table are selected",
    )
    confounds_na = traits.Enum(
        *CONFOUNDS_NA, usedefault=True, hash_files=False, desc='missing values in the first rows: refuse, or fill in'
    )

    def more_to_hash(self):
        """Masks of aCompCor, from the JSON files next to the tables."""
        if 'aCompCor' not in (self.confounds_strategy or ()) or not self.confounds_files:
            return []
        files = map(find_sidecar, self.confounds_files)
        return [('masks', [content_digest(file) for file in files if file is not None])]


def describe_confounds(inputs, columns, notes):
    """Describe how confounds were chosen.

    Parameters
    ----------
    inputs : traited spec
        Of :class:`CleanSignal`.
    columns : list of str
        Names of the confounds.
    notes : list of str
        What a user must know of the tables.

    Returns
    -------
    dict
    """
    strategies = list(inputs.confounds_strategy or ())
    thresholds = {
        'framewise_displacement': inputs.fd_threshold,
        'std_dvars': inputs.dvars_threshold,
        'min_segment': inputs.min_segment,
    }
    report = {
        'ConfoundsColumns': columns,
        'ConfoundsStrategy': strategies,
        'ConfoundsMissing': inputs.confounds_na if columns else None,
        'ScrubbingThresholds': thresholds if 'scrubbing' in strategies else {},
    }
    if 'aCompCor' in strategies:
        report |= {'CompCorComponents': inputs.n_compcor, 'CompCorMasks': inputs.acompcor}
    if strategies or inputs.confounds_columns:
        report['NonSteadyState'] = inputs.non_steady_state
    return report | ({'ConfoundsNotes': notes} if notes else {})
