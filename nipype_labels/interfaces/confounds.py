# SPDX-License-Identifier: BSD-3-Clause
"""Inputs that choose confounds, and how ``cleaning.json`` describes the choice."""

from nipype.interfaces.base import InputMultiObject

from ..files.digests import content_digest
from ..files.paths import find_sidecar
from .base import InputFile, LabelsInputSpec
from .parameters import switch, trait


class ConfoundsInputSpec(LabelsInputSpec):
    """Inputs that choose confounds."""

    confounds_files = InputMultiObject(
        InputFile(),
        desc='confounds, TSV or CSV, a row per volume; a table is used whole unless columns of it are selected, which '
        'a whole table of fMRIPrep demands',
    )
    use_confounds = switch('use_confounds')
    confounds_columns = trait('confounds_columns')
    confounds_strategy = trait('confounds_strategy')
    n_compcor = trait('n_compcor')
    acompcor = trait('acompcor')
    fd_threshold = trait('fd_threshold')
    dvars_threshold = trait('dvars_threshold')
    min_segment = trait('min_segment')
    non_steady_state = trait('non_steady_state')
    confounds_na = trait('confounds_na')

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
