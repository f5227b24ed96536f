# SPDX-License-Identifier: BSD-3-Clause
"""A valid set of files in a folder, and ways to damage one of them."""

import gzip
import json
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

SHAPE, N_VOLUMES, T_R = (4, 4, 6), 40, 2.0
AFFINE = np.array([[-3.0, 0, 0, 6], [0, 3, 0, -6], [0, 0, 4, -12], [0, 0, 0, 1]])

#: Names by id, in the order of the table: neither ids nor names rise.
NAMES = {7: 'Putamen', 1: 'Amygdala', 2: 'Insula'}

#: Volumes that the sample mask of the set censors.
CENSORED = (3, 17)

#: Options of the command; a damage may change them.
ASKED = {
    '--atlas': 'atlas.nii.gz',
    '--lut': 'lut.tsv',
    '--mask': 'mask.nii.gz',
    '--confounds': 'confounds.tsv',
    '--sample-mask': 'keep.tsv',
    '--sidecar': 'sidecar.json',
    '--out': 'out',
}

#: Offsets of fields in a NIfTI header, and their types.
FIELDS = {
    'sizeof_hdr': (0, 'i'),
    'dim': (40, '8h'),
    'datatype': (70, 'h'),
    'bitpix': (72, 'h'),
    'pixdim': (76, '8f'),
    'vox_offset': (108, 'f'),
    'scl_slope': (112, 'f'),
    'scl_inter': (116, 'f'),
    'xyzt_units': (123, 'B'),
    'qform_code': (252, 'h'),
    'sform_code': (254, 'h'),
    'quatern': (256, '3f'),
    'srow': (280, '12f'),
    'magic': (344, '4s'),
}


@dataclass(frozen=True)
class Case:
    """An input of a user: its name, the damage of a :class:`Given`, parts of the message, further options."""

    name: str
    damage: object
    words: str = ''
    options: str = ''


class Given:
    """A valid set of files: their folder, the name of the series, and values of options, None if not passed."""

    def __init__(self, folder):
        self.folder, self.bold, self.asked = folder, 'bold.nii.gz', dict(ASKED)

    def __truediv__(self, name):
        return self.folder / name

    def arguments(self, options=''):
        """Arguments of the command."""
        given = [word for option, value in self.asked.items() if value is not None for word in (option, value)]
        return ['extract', self.bold, *given, *options.split()]


def build(folder):
    """Write the valid set."""
    rng = np.random.default_rng(7)
    given = Given(Path(folder))
    labels = np.zeros(SHAPE, np.int16)
    labels[:2, :, :3], labels[2:, :, :3], labels[1:3, 1:, 3:5] = 1, 2, 7
    inside = np.ones(SHAPE, np.uint8)
    inside[0, 0] = 0
    save(given / 'bold.nii.gz', rng.normal(1000, 50, (*SHAPE, N_VOLUMES)).astype(np.int16), t_r=T_R)
    save(given / 'atlas.nii.gz', labels)
    save(given / 'mask.nii.gz', inside)
    (given / 'lut.tsv').write_text(''.join(f'{i}\t{name}\n' for i, name in [('index', 'name'), *NAMES.items()]))
    rows = [
        '\t'.join(CONFOUNDS),
        *('\t'.join(f'{x:.6f}' for x in row) for row in rng.normal(0, 0.1, (N_VOLUMES, 5))),
    ]
    (given / 'confounds.tsv').write_text('\n'.join(rows) + '\n')
    kept = ['true' if volume not in CENSORED else 'false' for volume in range(N_VOLUMES)]
    (given / 'keep.tsv').write_text('\n'.join(['retained', *kept]) + '\n')
    (given / 'sidecar.json').write_text(json.dumps({'RepetitionTime': T_R, 'TaskName': 'rest'}))
    return given


#: Columns of the set's confounds.
CONFOUNDS = ('csf', 'rot_x', 'rot_y', 'framewise_displacement', 'std_dvars')


def save(path, data, affine=AFFINE, t_r=None, kind=nib.Nifti1Image, order='<'):
    """Save an image in the type of its data."""
    header = None if order == '<' else kind.header_class(endianness=order)
    image = kind(data, affine, header, **({} if kind is nib.MGHImage else {'dtype': data.dtype.newbyteorder('=')}))
    if t_r is not None:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r, *[1] * (data.ndim - 4)))
        image.header.set_xyzt_units('mm', 'sec')
    image.to_filename(path)
    return path


# Damages: functions that give a function of the set


def fields(name, **values):
    """Overwrite fields of an image's header; of those that are rows, an index of each value may be given."""

    def damage(given):
        raw = bytearray(unpacked(given / name))
        for field, value in values.items():
            place, kind = FIELDS[field]
            if isinstance(value, dict):
                for i, entry in value.items():
                    struct.pack_into('<' + kind[-1], raw, place + i * struct.calcsize(kind[-1]), entry)
            else:
                struct.pack_into('<' + kind, raw, place, *(value if isinstance(value, tuple) else (value,)))
        pack(given / name, raw)

    return damage


def packed(name, change):
    """Change the bytes of a file as they are on disk."""

    def damage(given):
        (given / name).write_bytes(bytes(change(bytearray((given / name).read_bytes()))))

    return damage


def flip(place, bit=1):
    """Flip a bit of bytes; a place between 0 and 1 is a part of their number."""

    def change(content):
        content[int(place * len(content)) if isinstance(place, float) else place] ^= bit
        return content

    return change


def text(name, content):
    """Replace the content of a file; a function is called for what is too large to be kept."""

    def damage(given):
        new = content() if callable(content) else content
        (given / name).write_bytes(new if isinstance(new, bytes) else new.encode())

    return damage


def lines(name, change):
    """Change the lines of a text, its heading included."""

    def damage(given):
        (given / name).write_text('\n'.join(change((given / name).read_text().splitlines())) + '\n')

    return damage


def cells(name, column, values):
    """Write values into the cells of a table's column, by row."""

    def change(rows):
        heads, *body = [row.split('\t') for row in rows]
        for i, value in values.items():
            body[i][heads.index(column)] = value
        return ['\t'.join(row) for row in (heads, *body)]

    return lines(name, change)


def image(name, change=lambda data: data, **options):
    """Save an image anew with its data changed."""

    def damage(given):
        old = nib.load(given / name)
        data = change(np.asanyarray(old.dataobj).copy())
        save(given / name, data, **{'t_r': T_R if data.ndim > 3 else None, 'affine': old.affine, **options})

    return damage


def put(place, value, kind=None):
    """Data cast to a type, with a value at one position."""

    def change(data):
        data = data if kind is None else data.astype(kind)
        data[place] = value
        return data

    return change


def ask(**asked):
    """Pass other values of options, whose names have _ for -."""

    def damage(given):
        if 'bold' in asked:
            given.bold = asked['bold']
        given.asked.update({f'--{name.replace("_", "-")}': value for name, value in asked.items() if name != 'bold'})

    return damage


def both(*damages):
    """One after another."""

    def damage(given):
        for each in damages:
            each(given)

    return damage


def plugin(content):
    """Pass arguments of the plugin MultiProc: the content of their file."""
    return both(text('plugin.json', content), ask(plugin='MultiProc', plugin_args_file='plugin.json'))


def nothing(given):
    """Leave everything as it is."""


def remove(name):
    """Remove a file."""
    return lambda given: (given / name).unlink()


def folder(name):
    """Put a folder in the place of a file, or where none was."""

    def damage(given):
        (given / name).unlink(missing_ok=True)
        (given / name).mkdir(parents=True)

    return damage


def rename(name, other, option=None):
    """Rename a file, and pass its new name as the series or as the value of an option."""

    def damage(given):
        (given / name).rename(given / other)
        ask(**{option or 'bold': other})(given)

    return damage


def cases(*rows):
    """Cases of pytest from rows of what :class:`Case` takes."""
    return pytest.mark.parametrize('case', [Case(*row) for row in rows], ids=lambda case: case.name)


def unpacked(path):
    """Bytes of a file, uncompressed if it is gzipped."""
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b'\x1f\x8b' else content


def pack(path, content):
    """Write bytes, gzipped if the name says so."""
    path.write_bytes(gzip.compress(bytes(content), mtime=0) if path.suffix == '.gz' else bytes(content))


# What must hold


def contents(folder):
    """Bytes of all files below a folder except those of work folders; None for folders, broken links and pipes."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != 'work']
        for path in (Path(place, name) for name in [*folders, *files]):
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found


def half_written(folder):
    """Files below a folder that still have temporary names."""
    return [str(path) for path in Path(folder).rglob('*partial*')]


def complaint(said):
    """The one line of error of the command, without its lines of progress and its warnings."""
    (line,) = [line for line in said.splitlines() if not re.match(r'\[\d+/\d+\] |WARNING: ', line)]
    return line
