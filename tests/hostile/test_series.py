# SPDX-License-Identifier: BSD-3-Clause
"""Series: truncated, damaged and renamed files are refused by name, unusual ones change nothing."""

import bz2
import gzip

import nibabel as nib
import numpy as np
from hostile_cases import (
    N_VOLUMES,
    T_R,
    ask,
    both,
    cases,
    fields,
    flip,
    folder,
    image,
    nothing,
    packed,
    remove,
    rename,
    save,
    text,
    unpacked,
)

BOLD = 'bold.nii.gz'
NO_IMAGE = f'{BOLD} is not an image that nibabel can open'
TRUNCATED = f'{BOLD} is truncated: it ends in one of volumes 0 to 39 and should have 40'
DAMAGED = f'{BOLD} is damaged: CRC check failed'


def as_plain(given):
    """Decompress the series, and pass the plain file."""
    (given / 'bold.nii').write_bytes(unpacked(given / BOLD))
    ask(bold='bold.nii')(given)


def as_pair(given):
    """Save the series as a header and a file of voxels."""
    save(given / 'bold.img', np.asanyarray(nib.load(given / BOLD).dataobj).copy(), t_r=T_R, kind=nib.Nifti1Pair)
    ask(bold='bold.hdr')(given)


def as_bz2(given):
    """Pack the series in another way."""
    (given / 'bold.nii.bz2').write_bytes(bz2.compress(unpacked(given / BOLD)))
    ask(bold='bold.nii.bz2')(given)


def in_members(given):
    """Pack the series in three pieces, as bgzip and pigz may."""
    content = unpacked(given / BOLD)
    pieces = (content[:100], content[100:5000], content[5000:])
    (given / BOLD).write_bytes(b''.join(gzip.compress(piece, mtime=0) for piece in pieces))


def lead_nowhere(given):
    (given / BOLD).unlink()
    (given / BOLD).symlink_to('nowhere.nii.gz')


def cut(end):
    """A part of the file, or all but its last bytes."""
    return packed(BOLD, lambda content: content[: int(end * len(content)) if isinstance(end, float) else end])


def head(flags, more):
    """More in the header of gzip."""
    return packed(BOLD, lambda content: content[:3] + bytes([flags]) + content[4:10] + more + content[10:])


def add(more):
    return packed(BOLD, lambda content: content + more)


@cases(
    ('missing', remove(BOLD), f'no such image file: {BOLD}'),
    ('a folder in its place', folder(BOLD), f'no such image file: {BOLD}'),
    ('a link to nowhere', lead_nowhere, f'no such image file: {BOLD}'),
    ('below a file', ask(bold=f'lut.tsv/{BOLD}'), f'no such image file: lut.tsv/{BOLD}'),
    ('a name longer than names can be', ask(bold='x' * 300), 'no such image file: xxx'),
    ('a name of two lines', ask(bold='a\nb.nii'), 'no such image file: a\\nb.nii'),
    ('a name that is no text', ask(bold='a\udcff.nii'), 'no such image file: a'),
    ('no name', ask(bold=''), 'no such image file'),
    ("a stranger's home", ask(bold='~nobody_such/bold.nii'), 'no such image file: ~nobody_such/bold.nii'),
    ('empty', text(BOLD, b''), f'{NO_IMAGE}: Empty file'),
    ('a text', text(BOLD, 'subject\tage\n'), NO_IMAGE),
    ('junk', text(BOLD, bytes(range(256)) * 20), NO_IMAGE),
    ('packed junk', text(BOLD, gzip.compress(bytes(range(256)) * 20)), NO_IMAGE),
    ('packed nothing', text(BOLD, gzip.compress(b'')), NO_IMAGE),
    ('packed under the name of plain', rename(BOLD, 'bold.nii'), 'bold.nii is not an image that nibabel can open'),
    ('plain under the name of packed', packed(BOLD, gzip.decompress), NO_IMAGE),
    ('packed twice', packed(BOLD, gzip.compress), NO_IMAGE),
    ('bzip2', as_bz2, 'bold.nii.bz2 can not be read as a stream, compress it with gzip'),
    ('a pair without its header', both(as_pair, remove('bold.hdr'), ask(bold='bold.img')), 'bold.img is not an image'),
    ('a pair without its voxels', both(as_pair, remove('bold.img')), 'bold.hdr is incomplete | bold.img'),
    ('a pair with few voxels', both(as_pair, packed('bold.img', lambda c: c[:-7])), 'bold.hdr has 7673 bytes | 7680'),
)
def test_a_file_that_is_not_a_series_is_refused(case, refuse):
    refuse(case)


@cases(
    ('cut in the header of gzip', cut(7), NO_IMAGE),
    ('cut in its own header', cut(100), NO_IMAGE),
    ('cut in the middle', cut(0.5), TRUNCATED),
    ('cut before the checksum', cut(-8), TRUNCATED),
    ('cut in the length', cut(-1), TRUNCATED),
    ('a bit of the magic number of gzip', packed(BOLD, flip(0)), NO_IMAGE),
    ('a bit of the method of gzip', packed(BOLD, flip(2)), NO_IMAGE),
    ('a bit of the packed header', packed(BOLD, flip(15)), NO_IMAGE),
    ('a bit in the middle', packed(BOLD, flip(0.6)), DAMAGED),
    ('a low bit of the checksum', packed(BOLD, flip(-8)), DAMAGED),
    ('a low bit of the length', packed(BOLD, flip(-4)), f'{BOLD} is damaged: Incorrect length'),
    ('garbage behind the end', add(b'garbage behind the end'), f'{BOLD} is damaged: Not a gzipped file'),
    ('the begin of another member', add(b'\x1f\x8b'), f'{BOLD} is truncated'),
    ('another member cut short', add(gzip.compress(b'more' * 99)[:-6]), f'{BOLD} is truncated'),
    ('another member damaged', add(bytes(flip(-8)(bytearray(gzip.compress(b'more' * 99))))), DAMAGED),
    (
        'a plain file cut by a byte',
        both(as_plain, packed('bold.nii', lambda c: c[:-1])),
        'bold.nii is truncated | should have 40',
    ),
    (
        'a plain file cut in the middle',
        both(as_plain, packed('bold.nii', lambda c: c[:4000])),
        'bold.nii has 4000 bytes',
    ),
    ('a plain file of a header alone', both(as_plain, packed('bold.nii', lambda c: c[:352])), 'bold.nii has 352 bytes'),
    (
        'cut before its voxels begin',
        both(fields(BOLD, vox_offset=7000.0), cut(0.5)),
        f'{BOLD} is damaged: Compressed file',
    ),
    ('a wrong checksum of the header of gzip', head(2, b'??'), f'{BOLD} is damaged: Corrupted gzip header'),
    ('the magic number of nothing', fields(BOLD, magic=b'xxxx'), NO_IMAGE),
)
def test_a_truncated_or_altered_series_is_refused(case, refuse):
    refuse(case)


@cases(
    ('terabytes', fields(BOLD, dim={1: 1000, 2: 1000, 3: 1000, 4: 1000}), f'{BOLD} has | for the 2000000000000 bytes'),
    (
        'terabytes of a plain file',
        both(as_plain, fields('bold.nii', dim={1: 1000, 2: 1000, 3: 1000, 4: 1000})),
        'bold.nii has 8032 bytes, too few for the 2000000000000 bytes of voxels',
    ),
    ('one volume of terabytes', fields(BOLD, dim=(3, 32767, 32767, 1000, 1, 1, 1, 1)), f'{BOLD} has | too few'),
    ('more than 64 bits count', fields(BOLD, dim=(4, *[32767] * 4, 1, 1, 1), datatype=64), f'{BOLD} has | too few'),
    ('voxels beyond the end of the world', fields(BOLD, vox_offset=1e30), f'{BOLD} has | can not begin at byte 1e+30'),
    ('voxels behind the end', fields(BOLD, vox_offset=1e6), f'{BOLD} is truncated'),
    ('voxels in the header', fields(BOLD, vox_offset=0.0), f'{BOLD} has | can not begin at byte 0'),
    ('voxels before the file', fields(BOLD, vox_offset=-352.0), f'{NO_IMAGE}: vox offset -352 too low'),
    ('voxels nowhere', fields(BOLD, vox_offset=float('nan')), NO_IMAGE),
    ('a volume too many', fields(BOLD, dim={4: N_VOLUMES + 1}), 'keep.tsv: --sample-mask must have 41 flags | not 40'),
    ('a volume too few', fields(BOLD, dim={4: N_VOLUMES - 1}), 'keep.tsv: --sample-mask must have 39 flags | not 40'),
    ('voxels of a larger type', fields(BOLD, datatype=64, bitpix=64), f'{BOLD} is truncated'),
    ('an axis of nothing', fields(BOLD, dim={1: 0}), f'{BOLD} is not a volume image: its shape is (0, 4, 6, 40)'),
    ('an axis of less than nothing', fields(BOLD, dim={2: -4}), f'{BOLD} is not a volume image | (4, -4, 6, 40)'),
    ('no volumes', fields(BOLD, dim={4: 0}), f'{BOLD} is not a volume image: its shape is (4, 4, 6, 0)'),
    ('no axes', fields(BOLD, dim={0: 0}), f'{BOLD} is not a volume image'),
    ('two axes', fields(BOLD, dim={0: 2}), f'{BOLD} is not a volume image: its shape is (4, 4)'),
    ('eight axes', fields(BOLD, dim={0: 8}), NO_IMAGE),
    ('five axes', fields(BOLD, dim={0: 5, 4: 20, 5: 2}), f'{BOLD} is not a 3D or 4D series | (4, 4, 6, 20, 2)'),
)
def test_a_header_that_contradicts_the_file_is_refused_in_little_memory(case, refuse_cheaply):
    refuse_cheaply(case)


@cases(
    (
        'bits that the checksum does not cover',
        both(packed(BOLD, flip(3)), packed(BOLD, flip(8)), packed(BOLD, flip(9))),
    ),
    ('more in the header of gzip', head(4 + 8 + 16, b'\4\0more' + b'bold.nii\0' + b'no comment\0')),
    ('in several members', in_members),
    ('zeros behind the end', add(bytes(512))),
    ('another member behind the voxels', add(gzip.compress(b'more' * 99))),
    ('plain', as_plain),
    ('a pair', as_pair),
    ('big-endian', image(BOLD, order='>')),
    ('in 32 bits', image(BOLD, lambda data: data.astype(np.int32))),
    ('in 64 bits without a sign', image(BOLD, lambda data: data.astype(np.uint64))),
    ('in double precision', image(BOLD, lambda data: data.astype(np.float64))),
    ('scaled by 0, which is no scale', fields(BOLD, scl_slope=0.0, scl_inter=5.0)),
    ('scaled by NaN, which is no scale', fields(BOLD, scl_slope=float('nan'), scl_inter=float('nan'))),
    ('more bytes behind the voxels', packed(BOLD, lambda c: gzip.compress(gzip.decompress(c) + bytes(10_000)))),
    ('a fifth axis of one', fields(BOLD, dim={0: 5, 5: 1})),
    ('a header of a wrong length', fields(BOLD, sizeof_hdr=1)),
    (
        'a link',
        both(rename(BOLD, 'real.nii.gz'), lambda given: (given / BOLD).symlink_to('real.nii.gz'), ask(bold=BOLD)),
    ),
    ('as it should be', nothing),
)
def test_an_unusual_but_valid_series_changes_no_byte(case, unchanged):
    unchanged(case)
