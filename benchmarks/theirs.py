# SPDX-License-Identifier: BSD-3-Clause
"""What ours is measured against: nilearn, and decompression alone. Functions as in :mod:`benchmarks.ours`."""

#: As much is decompressed at a time as is fastest: it stays in the processor's cache.
BUFFER_BYTES = 2**18


def decompress(data, scratch, threads, series):
    """Decompress a series by igzip, and do nothing with it."""
    from isal import igzip

    path = data.series(**series)

    def work():
        with igzip.open(path, 'rb') as stream:
            buffer = bytearray(BUFFER_BYTES)
            while stream.readinto(buffer):
                pass

    return work


def reduce(data, scratch, threads, series, atlases, **options):
    """Signals of all regions from NiftiLabelsMasker, atlas after atlas."""
    import nilearn.regions  # noqa: F401 (nilearn loads it at first use)
    import numpy as np
    from nilearn.maskers import NiftiLabelsMasker

    series_file, atlas_files = str(data.series(**series)), [str(data.atlas(**atlas)) for atlas in atlases]

    def work():
        maskers = [NiftiLabelsMasker(path, standardize=False, reports=False, **options) for path in atlas_files]
        return np.concatenate([masker.fit_transform(series_file) for masker in maskers], axis=1)

    return work


def reduce_maps(data, scratch, threads, series, atlases, radius=5.0):
    """Signals of probabilistic maps or spheres from their maskers; spheres without truncation of integers."""
    import nilearn.regions  # noqa: F401
    import numpy as np
    from nilearn.maskers import NiftiMapsMasker, NiftiSpheresMasker

    series_file, (path,) = str(data.series(**series)), [data.regions(**atlas) for atlas in atlases]

    def work():
        if path.suffix == '.tsv':
            seeds = np.loadtxt(path, skiprows=1)
            masker = NiftiSpheresMasker(seeds, radius, allow_overlap=True, dtype='float32', reports=False)
        else:
            masker = NiftiMapsMasker(str(path), reports=False)
        return masker.fit_transform(series_file)

    return work


def reduce_surfaces(data, scratch, threads, kind):
    """Signals from SurfaceLabelsMasker, which reads no CIFTI: nibabel does, and the cortex is put on meshes."""
    import numpy as np
    from nilearn.maskers import SurfaceLabelsMasker
    from nilearn.surface import InMemoryMesh, SurfaceImage

    series, labels = (str(path) for path in (data.surface_series(kind), data.parcellation(kind)))
    read, face = {'cifti': _read_cortex, 'gifti': _read_pair}[kind], np.array([[0, 1, 2]])

    def work():
        values = read(series)
        meshes = {side: InMemoryMesh(np.zeros((len(part), 3)), face) for side, part in values.items()}
        parcels = {side: part.ravel().astype(int) for side, part in read(labels).items()}
        masker = SurfaceLabelsMasker(SurfaceImage(meshes, parcels), reports=False)
        return masker.fit_transform(SurfaceImage(meshes, values))

    return work


def _read_cortex(path):
    """Values of the vertices of both hemispheres in a CIFTI file, on whole meshes."""
    import nibabel as nib
    import numpy as np

    image, parts = nib.load(path), {}
    values = image.get_fdata(dtype=np.float32).T
    for name, some, model in image.header.get_axis(1).iter_structures():
        if name in model.nvertices:
            side = name.rpartition('_')[2].lower()
            parts[side] = np.zeros((model.nvertices[name], values.shape[1]), np.float32)
            parts[side][model.vertex] = values[some]
    return parts


def _read_pair(path):
    """Values of the vertices of both hemispheres in GIFTI files."""
    import nibabel as nib
    import numpy as np

    files = {'left': path, 'right': path.replace('hemi-L', 'hemi-R')}
    arrays = {side: [array.data for array in nib.load(file).darrays] for side, file in files.items()}
    return {side: np.stack(each, axis=-1) for side, each in arrays.items()}


def scan_gifti(data, scratch, threads):
    """Find the values in GIFTI files, decode Base64 and decompress by isal, and do nothing with them."""
    import binascii
    from pathlib import Path

    from isal import isal_zlib

    left = str(data.surface_series('gifti'))

    def work():
        for path in (left, left.replace('hemi-L', 'hemi-R')):
            content, end = Path(path).read_bytes(), 0
            while (start := content.find(b'<Data>', end)) >= 0:
                end = content.find(b'</Data>', start)
                isal_zlib.decompress(binascii.a2b_base64(content[start + 6 : end]))

    return work


def high_variance(data, scratch, threads, series, masked=False):
    """Confounds from the voxels that vary most."""
    import nilearn.maskers
    import nilearn.regions  # noqa: F401
    from nilearn.image import high_variance_confounds

    series_file, mask_file = str(data.series(**series)), str(data.mask()) if masked else None

    def work():
        found = high_variance_confounds(series_file, mask_img=mask_file)
        return found @ found.T

    return work


def project(data, scratch, threads, n_labels):
    """inverse_transform of a fitted masker, and saving its result."""
    import nilearn.regions  # noqa: F401 (nilearn loads it at first use)
    import numpy as np
    from nilearn.maskers import NiftiLabelsMasker

    signals, path = np.load(data.region_signals(n_labels)), scratch / 'out.nii.gz'
    masker = NiftiLabelsMasker(str(data.atlas(n_labels)), reports=False).fit()

    def work():
        masker.inverse_transform(signals).to_filename(path)
        return path

    return work


def clean(data, scratch, threads, **options):
    """Signals cleaned by nilearn.signal.clean, from arrays to an array."""
    import numpy as np
    from nilearn.signal import clean

    signals, confounds = (np.loadtxt(data.table(name), skiprows=1) for name in ('signals', 'confounds'))
    return lambda: clean(signals, confounds=confounds, **options)
