# SPDX-License-Identifier: BSD-3-Clause
"""Node that denoises region time series."""

import json
from pathlib import Path

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, isdefined, traits

from ..core.censoring import require_retained
from ..core.clean import DENOISING, LOST_REGIONS, clean, kept_volumes
from ..files.coverage import read_coverage, write_coverage
from ..files.digests import content_digest
from ..files.paths import find_sidecar
from ..files.sample_mask import read_runs, read_sample_mask, write_censoring
from ..files.tables import read_signals, write_signals
from ..files.timing import resolve_repetition_time
from ..model.confounds import describe_confounds
from ..model.entities import CONTRADICTION, find_contradictions
from ..model.errors import SignalError, errors_name
from ..model.parameters import CONFOUNDS_PARAMETERS
from .base import InputFile, LabelsInputSpec, LabelsInterface, logger
from .cleaned import describe_cleaning
from .output_names import ENDINGS
from .parameters import switch, trait
from .volumes import runs_trait, sample_mask_trait

#: What is logged of repetition times that contradict each other.
REPETITION_TIMES = 'repetition time: %s'


class _ConfoundsInputSpec(LabelsInputSpec):
    """Inputs that choose confounds."""

    confounds_files = InputMultiObject(
        InputFile(),
        desc='confounds, TSV or CSV, a row per volume. A table of which no columns are selected is used whole, except '
        'for a table of fMRIPrep, which is then refused',
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
        """Hash the JSON files next to the tables, which name the masks of aCompCor."""
        if 'aCompCor' not in (self.confounds_strategy or ()) or not self.confounds_files:
            return []
        files = map(find_sidecar, self.confounds_files)
        return [('masks', [content_digest(file) for file in files if file is not None])]


class _CleanSignalInputSpec(_ConfoundsInputSpec):
    # 2: volumes that are not in the steady state are censored; combined components of aCompCor.
    # 3: trends are functions of acquisition time; gaps are filled by lines; percent change is from the mean before.
    numerics = 3
    named_by = ('signals_files',)
    names_only = ('bold_file', 'mask_file', 'atlas_files')

    signals_files = InputMultiObject(
        InputFile(), mandatory=True, desc='time series of one fMRI series, a table per atlas'
    )
    regions_files = InputMultiObject(
        InputFile(), desc='coverage tables of the time series; their tSNR is recomputed from the retained volumes'
    )
    high_variance_file = InputFile(desc='further confounds, from HighVarianceConfounds; all columns are used')
    use_high_variance = traits.Bool(desc='whether high_variance_file is given; by default it is used if it is given')
    standardize_confounds = trait('standardize_confounds')
    detrend = trait('detrend')
    filter = trait('filter')
    low_pass = trait('low_pass')
    high_pass = trait('high_pass')
    t_r = trait('t_r')
    header_t_r = traits.Float(desc='repetition time in s in the header of the series')
    sidecar_file = InputFile(desc='JSON sidecar of the series')
    standardize = trait('standardize')
    sample_mask = sample_mask_trait()
    use_sample_mask = switch('use_sample_mask')
    runs = runs_trait()
    missing_labels = trait('missing_labels')
    unknown_orientation = trait('unknown_orientation')
    fill_censored = trait('fill_censored')
    censored_output = trait('censored_output')

    bold_file = InputFile(nohash=True, desc='the series; only its name is read, and compared with those of other files')
    mask_file = InputFile(nohash=True, desc='brain mask; only its name is read')
    atlas_files = InputMultiObject(InputFile(), nohash=True, desc='atlases; only their names are read')

    def contradictions(self):
        """Return contradictions between the names of the files that the time series were made from."""
        lists = [self.sample_mask, self.runs, self.sidecar_file]
        confounds = self.confounds_files if isdefined(self.confounds_files) else []
        atlases = self.atlas_files if isdefined(self.atlas_files) else []
        found = find_contradictions(self.bold_file, self.mask_file, [*confounds, *lists], atlases)
        return [str(each) for each in found]

    def more_to_hash(self):
        """Hash what names of files say: contradictions, and whether ICA-AROMA has denoised the series."""
        found, more = self.contradictions(), super().more_to_hash()
        more += [('contradictions', found)] if found else []
        if 'ICA-AROMA' in (self.confounds_strategy or ()) and self.bold_file:
            more += [('series', Path(self.bold_file).name)]
        return more


class _CleanSignalOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='denoised time series')
    regions_files = traits.List(File(exists=True), desc='coverage tables with the tSNR of the retained volumes')
    censoring_file = File(exists=True, desc='table of retained and censored volumes, with reasons')
    cleaning_file = File(exists=True, desc='JSON metadata: parameters, confounds, censored volumes, degrees of freedom')
    t_r = traits.Float(desc='repetition time in s, undefined if unknown')


class CleanSignal(LabelsInterface):
    """Denoise time series: detrend, filter, regress out confounds, and standardize, in this order.

    A censored volume has no influence on the denoised time series.

    Raises
    ------
    LabelsError
        If files do not match, a confound or its value is missing, a filter needs a repetition time that is not known or
        leaves no band, or no volume or degree of freedom is left.
    """

    input_spec = _CleanSignalInputSpec
    output_spec = _CleanSignalOutputSpec
    switches = {
        'use_confounds': 'confounds_files',
        'use_high_variance': 'high_variance_file',
        'use_sample_mask': 'sample_mask',
    }

    def _run_interface(self, runtime):
        contradictions = self.inputs.contradictions()
        for contradiction in contradictions:
            logger.warning(CONTRADICTION, contradiction)
        tables = self._read_signals()
        confounds, censored, described = self._confounds(len(tables[0][1]))
        kept = ~np.any(list(censored.values()), axis=0)
        (parameters, unresolved), runs = self._parameters(), self._list('runs', read_runs)
        atlases, results = self.get_input('atlas_files', []), []
        atlases = atlases if len(atlases) == len(tables) else self.inputs.signals_files
        for path, atlas, (names, signals) in zip(self.inputs.signals_files, atlases, tables, strict=True):
            with errors_name(self._name_inputs(path)):
                given = dict(sample_mask=kept, runs=runs, missing_labels=self.inputs.missing_labels)
                results.append(clean(signals, confounds, **given, **parameters))
            lost = results[-1].list_lost(names, signals)
            if lost:
                logger.warning(LOST_REGIONS, atlas, lost)
        self._write(runtime, tables, results)
        self._write_regions(runtime, tables, kept)
        with self.write_output(runtime, 'censoring.tsv', 'censoring_file') as path:
            write_censoring(path, kept, censored)
        with self.write_output(runtime, 'cleaning.json', 'cleaning_file') as path:
            done = parameters | {'n_runs': 1 if runs is None else len(set(runs))}
            if self.inputs.unknown_orientation == 'accept':
                done['unknown_orientation'] = 'accept'
            report = describe_cleaning(done, described, censored, tables, results)
            warnings = contradictions + unresolved
            report = ({'Warnings': warnings} if warnings else {}) | report
            path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')
        return runtime

    def _read_signals(self):
        """Return the names and values of each table; SignalError if their numbers of volumes differ."""
        tables = [read_signals(path) for path in self.inputs.signals_files]
        if len({len(values) for _, values in tables}) > 1:
            raise SignalError(f'signals of one series must have as many rows: {", ".join(self.inputs.signals_files)}')
        return tables

    def _parameters(self):
        """Return the parameters of the function of core, and a list of repetition times that contradict each other.

        The list is empty if the repetition time is known. It is an output too.
        """
        parameters = {name: self.get_input(name) for name in DENOISING}
        filtered = parameters['low_pass'] is not None or parameters['high_pass'] is not None
        known = (self.get_input('t_r'), self.get_input('sidecar_file'), self.get_input('header_t_r'))
        t_r, warning = resolve_repetition_time(*known, filtered, parameters['detrend'])
        if warning:
            logger.warning(REPETITION_TIMES, warning)
        if t_r is not None:
            self._results['t_r'] = t_r
        return parameters | {'t_r': t_r}, [warning] if warning and t_r is None else []

    def _confounds(self, n_volumes):
        """Return confounds (T, C), none missing, the censored volumes by reason, and how confounds were selected."""
        with errors_name(self._file('sample_mask')):
            mask = self._list('sample_mask', read_sample_mask)
            censored = {'sample_mask': ~kept_volumes(mask, n_volumes)}
        files = self.get_input('confounds_files', [])
        parameters = {name: self.get_input(name, ()) for name in CONFOUNDS_PARAMETERS}
        requested = parameters['confounds_columns'] or parameters['confounds_strategy']
        if not (files or requested or self.get_input('high_variance_file')):
            return np.empty((n_volumes, 0)), censored, describe_confounds(parameters, [], [])
        frame, notes = self._select(files, parameters, censored)
        return frame.to_numpy(), censored, describe_confounds(parameters, list(frame), notes)

    def _select(self, files, parameters, censored):
        """Return confounds without missing values, a DataFrame, and notes; add what they censor to ``censored``."""
        # pandas takes longer to import than denoising without confounds.
        import pandas as pd

        from ..files.confounds import fill_missing, read_confounds, read_tables
        from ..files.selection import select_confounds

        n_volumes, source = len(censored['sample_mask']), ', '.join(files)
        chosen = select_confounds(read_tables(files, n_volumes), parameters, n_volumes, self.get_input('bold_file'))
        for note in chosen.notes:
            logger.warning(note)
        censored.update(chosen.censored)
        filled = fill_missing(chosen.frame, self.inputs.confounds_na, source, require_retained(censored, source))
        if not self.get_input('high_variance_file'):
            return filled, chosen.notes
        extra = read_confounds([self.inputs.high_variance_file], n_volumes)
        return pd.concat([filled, extra], axis=1), chosen.notes

    def _list(self, name, read):
        """Return an input that is a list or the name of a file."""
        value = self.get_input(name)
        return read(value) if isinstance(value, str) else value

    def _file(self, name):
        """Return the name of the file of such an input, None if it is a list."""
        value = self.get_input(name)
        return value if isinstance(value, str) else None

    def _name_inputs(self, signals_file):
        """Return the name of a table for errors, with the other files that denoising depends on."""
        others = [*self.get_input('confounds_files', []), self._file('sample_mask'), self._file('runs')]
        others = ', '.join(name for name in others if name)
        return f'{signals_file} with {others}' if others else signals_file

    def _write(self, runtime, tables, results):
        """Write the denoised time series."""
        names, self._results['out_files'] = self.output_paths(runtime, ENDINGS['timeseries'], len(tables))
        for name, (columns, raw), result in zip(names, tables, results, strict=True):
            signals = result.signals
            if self.inputs.censored_output == 'nan':
                signals = np.full(raw.shape, np.nan)
                signals[result.kept] = result.signals
            with self.write_output(runtime, name) as path:
                write_signals(path, columns, signals)

    def _write_regions(self, runtime, tables, kept):
        """Write the coverage tables with the tSNR of retained volumes."""
        if not self.get_input('regions_files'):
            return
        rows = self.zip_inputs('signals_files', 'regions_files')
        names, self._results['regions_files'] = self.output_paths(runtime, ENDINGS['regions'], len(tables))
        for name, (_, regions_file), (columns, raw) in zip(names, rows, tables, strict=True):
            with self.write_output(runtime, name) as path:
                write_coverage(path, read_coverage(regions_file).with_tsnr(columns, raw, kept))
