# SPDX-License-Identifier: BSD-3-Clause
"""The registry of outputs: what an extraction writes, each output described once.

The workflow factories, the command, the report, the derivatives and the documentation read this table. A further output
needs a row here and the node that writes the file.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from .columns import CENSORING, COVERAGE

#: Units of time series after standardization, by the value of ``standardize``.
STANDARDIZED_UNITS = {
    'none': 'arbitrary',
    'zscore': 'standard deviation',
    'zscore_sample': 'standard deviation',
    'psc': '%',
    'psc_nilearn': '%',
}

#: Sentence added to the description of time series without rows for censored volumes.
DROPPED_NOTE = (
    ' {} of {} volumes have no row: RepetitionTime, SamplingFrequency and StartTime are those of the series, and '
    'CensoringTable names the volumes of the rows.'
)

#: ``Resolution`` of files on the voxel grid of the atlas.
ATLAS_RESOLUTION = "That of the atlas's own image"

#: End of the name of the image of a left hemisphere, if a pair of hemispheres is written.
LEFT = '_hemi-L.func.gii'

#: Ends of the names of images of surfaces, in place of ``.nii.gz``.
SURFACE_EXTENSIONS = ('.dlabel.nii', '.dscalar.nii', '.dtseries.nii', LEFT)

_REGION = 'Region {index} of {atlas}'
_ON_LABELS = (('resampling_target', 'labels'),)


@dataclass(frozen=True)
class Derivative:
    """Name and sidecar of an output in a BIDS dataset of derivatives."""

    suffix: str
    extension: str
    desc: str = ''  # distinguishes the output from others of the run; empty if the suffix does
    stat: str = ''  # this word, or the value of this parameter: coverage, strategy, connectivity
    sources: tuple[str, ...] = ()  # 'bold' (the series), 'inputs' (confounds, mask), or keys of outputs
    facts: tuple[str, ...] = ()  # groups of keys in the sidecar: FACTS in bids/sidecars.py
    columns: dict[str, Any] = field(default_factory=dict)  # columns of the table, if they are the same for every atlas
    each_column: str = ''  # description of every other column, from {number} (from 1 on), {index} and {atlas}
    units: str = ''  # of every other column; 'standardize' means those of this parameter
    on_surfaces: str = ''  # extension in place of that of volumes
    hemi: str = ''  # hemisphere of the file, a .func.gii, if the series is a pair of hemispheres
    atlas_grid: tuple[tuple[str, str], ...] = ()  # parameters and values, any of which means the atlas's voxel grid

    def is_on_atlas_grid(self, parameters: dict[str, Any]) -> bool:
        """Whether the file is on the voxel grid of the atlas instead of that of the series."""
        return any(parameters.get(name) == value for name, value in self.atlas_grid)


@dataclass(frozen=True, eq=False)
class Output:
    """One output of an extraction."""

    key: str  # field of outputnode, and input of SaveDerivatives
    node: str  # node that writes the output; empty for a file that only derivatives have
    field: str  # output of this node
    description: str  # content of the file, without a full stop
    per_atlas: bool = True  # a file per atlas, or one per run
    needs: tuple[str, ...] = ()  # parameters of the workflow factory that must be switched on
    file_name: str = ''  # in the folder of ``nipype-labels extract``; empty if the file is not copied
    of: str = ''  # 'volumes', 'surfaces', 'cifti' or 'pairs', if only series of these have the output
    report_input: str = ''  # input of LabelsReport that reads the file
    derivative: Derivative | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether the report node writes the file."""
        return 'reports' in self.needs

    def is_made(self, parameters: dict[str, Any]) -> bool:
        """Whether an extraction with these parameters, and with reports, writes the file."""
        return all(parameters.get(name, False) not in (None, False, 'none') for name in self.needs if name != 'reports')


_PROJECTED = Derivative(
    'bold',
    '.nii.gz',
    desc='projected',
    on_surfaces='.dtseries.nii',
    hemi='L',
    stat='strategy',
    sources=('timeseries', 'labels'),
    facts=('skull', 'timing', 'retained', 'dropped', 'volumes_table', 'parameters', 'methods'),
    atlas_grid=(*_ON_LABELS, ('project', 'atlas')),
)

#: Outputs of an extraction, each after the outputs it is computed from.
OUTPUTS = (
    Output(
        key='raw_timeseries',
        node='reduce',
        field='out_files',
        description='Region time series before denoising: a column per region, a row per volume',
        file_name='timeseries_raw.tsv',
        report_input='signals_files',
        derivative=Derivative(
            'timeseries',
            '.tsv',
            desc='raw',
            stat='strategy',
            sources=('bold', 'labels'),
            facts=('timing', 'tables', 'reduction', 'digits', 'methods'),
            each_column=_REGION,
            units='arbitrary',
        ),
    ),
    Output(
        key='timeseries',
        node='clean',
        field='out_files',
        description='Denoised region time series: a column per region, a row per volume',
        file_name='timeseries.tsv',
        report_input='cleaned_files',
        derivative=Derivative(
            'timeseries',
            '.tsv',
            stat='strategy',
            sources=('raw_timeseries', 'inputs', 'high_variance_confounds'),
            facts=('timing', 'retained', 'dropped', 'tables', 'denoising', 'motion', 'digits', 'parameters', 'methods'),
            each_column=_REGION,
            units='standardize',
        ),
    ),
    Output(
        key='regions',
        node='clean',
        field='regions_files',
        description='Coverage table: voxel counts, coverage and status of every region',
        file_name='regions.tsv',
        report_input='regions_files',
        derivative=Derivative('bold', '.tsv', stat='coverage', sources=('bold', 'labels'), columns=COVERAGE),
    ),
    Output(
        key='labels',
        node='apply_mask',
        field='image_files',
        description='Label image that the time series were extracted with, on the voxel grid of the extraction; of '
        'probabilistic maps and spheres, the region with the largest weight at each voxel',
        file_name='labels.nii.gz',
        report_input='labels_files',
        derivative=Derivative('dseg', '.nii.gz', sources=('bold',), on_surfaces='.dlabel.nii', atlas_grid=_ON_LABELS),
    ),
    Output(
        key='raw_parcels',
        node='parcels',
        field='raw_out_files',
        description='Region time series before denoising as CIFTI parcels, in float32',
        needs=('cifti_outputs',),
        file_name='timeseries_raw.ptseries.nii',
        of='cifti',
        derivative=Derivative(
            'timeseries', '.ptseries.nii', desc='raw', stat='strategy', sources=('raw_timeseries', 'labels')
        ),
    ),
    Output(
        key='parcels',
        node='parcels',
        field='out_files',
        description='Denoised region time series as CIFTI parcels, in float32',
        needs=('cifti_outputs',),
        file_name='timeseries.ptseries.nii',
        of='cifti',
        derivative=Derivative('timeseries', '.ptseries.nii', stat='strategy', sources=('timeseries', 'labels')),
    ),
    Output(
        key='coverage_parcels',
        node='parcels',
        field='coverage_files',
        description='Coverage of the regions (0 to 1) as CIFTI parcels, in float32',
        needs=('cifti_outputs',),
        file_name='coverage.pscalar.nii',
        of='cifti',
        derivative=Derivative('bold', '.pscalar.nii', stat='coverage', sources=('regions', 'labels')),
    ),
    Output(
        key='lookup',
        node='',
        field='',
        description='Look-up table of the label image: id and name of every region',
        derivative=Derivative('dseg', '.tsv', sources=('bold',), atlas_grid=_ON_LABELS),
    ),
    Output(
        key='projected',
        node='project',
        field='out_files',
        description='Denoised time series as an image: every voxel has the value of its region, 0 outside all regions',
        needs=('project',),
        file_name='projected.nii.gz',
        derivative=_PROJECTED,
    ),
    Output(
        key='projected_right',
        node='project',
        field='right_files',
        description='The same for the right hemisphere, if the series is a pair: the other image is of the left one',
        needs=('project',),
        file_name='projected_hemi-R.func.gii',
        of='pairs',
        derivative=replace(_PROJECTED, extension='.func.gii', hemi='R'),
    ),
    Output(
        key='connectivity',
        node='connectivity',
        field='out_files',
        description='Functional connectivity, the whole symmetric matrix: a row and a column per region, in the order '
        'of the header; n/a for regions with no time series or a constant one',
        needs=('connectivity',),
        file_name='connectivity.tsv',
        report_input='connectivity_files',
        derivative=Derivative(
            'relmat',
            '.tsv',
            stat='connectivity',
            sources=('timeseries',),
            facts=('connectivity', 'digits', 'parameters', 'methods'),
            each_column=_REGION,
        ),
    ),
    Output(
        key='connectivity_info',
        node='connectivity',
        field='info_files',
        description='How the matrix was estimated, as JSON: measure, covariance estimator, shrinkage (0 to 1)',
        needs=('connectivity',),
        file_name='connectivity.json',
    ),
    Output(
        key='contours',
        node='report',
        field='contours_files',
        description='Figure of the report, SVG: outlines of the regions on the mean volume',
        needs=('reports',),
        of='volumes',
        derivative=Derivative('bold', '.svg', desc='contours'),
    ),
    Output(
        key='coverage_figures',
        node='report',
        field='coverage_svg_files',
        description='Figure of the report, SVG: coverage of the regions on four views of the surfaces, or as bars',
        needs=('reports',),
        of='surfaces',
        derivative=Derivative('bold', '.svg', desc='coverage'),
    ),
    Output(
        key='carpets',
        node='report',
        field='carpet_files',
        description='Figure of the report, SVG: framewise displacement, DVARS and global signal; time series before '
        'and after denoising',
        needs=('reports',),
        derivative=Derivative('bold', '.svg', desc='carpet'),
    ),
    Output(
        key='spectra',
        node='report',
        field='spectra_files',
        description='Figure of the report, SVG: spectra of the time series before and after denoising',
        needs=('reports',),
        derivative=Derivative('bold', '.svg', desc='spectra'),
    ),
    Output(
        key='connectivity_figures',
        node='report',
        field='connectivity_svg_files',
        description='Figure of the report, SVG: connectivity matrix',
        needs=('reports', 'connectivity'),
        file_name='connectivity.svg',
        derivative=Derivative('bold', '.svg', desc='connectivity'),
    ),
    Output(
        key='confounds_figure',
        node='report',
        field='confounds_svg_file',
        per_atlas=False,
        description='Figure of the report, SVG: correlation of the confounds that were regressed out',
        needs=('reports', 'use_confounds'),
        derivative=Derivative('bold', '.svg', desc='confounds'),
    ),
    Output(
        key='mean_volume',
        node='reduce',
        field='mean_file',
        per_atlas=False,
        description='Mean volume of the series',
        file_name='mean.nii.gz',
        report_input='mean_file',
        derivative=Derivative(
            'boldref', '.nii.gz', desc='mean', sources=('bold',), facts=('skull',), on_surfaces='.dscalar.nii'
        ),
    ),
    Output(
        key='censoring',
        node='clean',
        field='censoring_file',
        per_atlas=False,
        description='Which volumes of the series were retained or censored, and why',
        file_name='censoring.tsv',
        report_input='censoring_file',
        derivative=Derivative(
            'timeseries',
            '.tsv',
            desc='censoring',
            sources=('bold', 'inputs'),
            facts=('retained', 'censoring'),
            columns=CENSORING,
        ),
    ),
    Output(
        key='cleaning',
        node='clean',
        field='cleaning_file',
        per_atlas=False,
        description='What denoising did, as JSON: parameters, confounds and their rank, censored volumes, degrees of '
        'freedom, and warnings',
        file_name='cleaning.json',
        report_input='cleaning_file',
    ),
    Output(
        key='high_variance_confounds',
        node='high_variance',
        field='out_file',
        per_atlas=False,
        description='High-variance confounds (similar to tCompCor): a column per confound, a row per volume',
        needs=('high_variance_confounds',),
        file_name='high_variance_confounds.tsv',
        derivative=Derivative(
            'timeseries',
            '.tsv',
            desc='highvariance',
            sources=('bold',),
            facts=('timing', 'digits'),
            each_column='Component {number}, in the order of variance explained',
        ),
    ),
    Output(
        key='report',
        node='report',
        field='out_file',
        per_atlas=False,
        description='Report, one HTML file that needs no other file: warnings and files first, then regions, motion, '
        'time series, spectra, connectivity, confounds, parameters and methods',
        needs=('reports',),
        file_name='report.html',
        derivative=Derivative('report', '.html'),
    ),
)

#: Outputs by key.
BY_KEY = {output.key: output for output in OUTPUTS}

#: Outputs that nodes write: fields of ``outputnode`` of :func:`nipype_labels.workflows.init_labels_wf`.
NODE_OUTPUTS = tuple(output for output in OUTPUTS if output.node)

#: Outputs that derivatives contain.
DERIVATIVES = tuple(output for output in OUTPUTS if output.derivative is not None)

#: Keys of the outputs that the report node writes.
DRAWN = tuple(output.key for output in OUTPUTS if output.is_drawn)
