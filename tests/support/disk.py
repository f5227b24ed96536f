# SPDX-License-Identifier: BSD-3-Clause
"""A disk whose power can be cut: an ext4 file system in a file."""

import fcntl
import os
import shutil
import struct
import subprocess
import time

import pytest

#: Linux's call that stops a file system at once, as xfstests uses it; 2 loses what is not on disk yet.
FS_IOC_SHUTDOWN, WITHOUT_FLUSH = 0x8004587D, 2


class Disk:
    """A mounted file system of 64 MB that keeps only synced data after a power cut."""

    def __init__(self, folder):
        self.image, self.folder = folder / 'disk.img', folder / 'disk'
        self.folder.mkdir()
        with self.image.open('wb') as stream:
            stream.truncate(2**26)
        subprocess.run(['mkfs.ext4', '-q', '-F', self.image], check=True)

    def mount(self):
        """Mount the file system; ext4 is not to guess which files a program should have synced."""
        options = 'loop,noauto_da_alloc'
        return subprocess.run(['mount', '-o', options, self.image, self.folder], capture_output=True).returncode == 0

    def unmount(self, seconds=30):
        """Unmount the file system as soon as killed processes have given up its files."""
        end = time.monotonic() + seconds
        while (done := subprocess.run(['umount', self.folder], capture_output=True, text=True)).returncode:
            assert time.monotonic() < end, done.stderr
            time.sleep(0.05)

    def mount_again(self):
        """Read the file system from the disk."""
        self.unmount()
        assert self.mount()

    def cut_power(self):
        """Stop the file system; all later writes fail."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, FS_IOC_SHUTDOWN, struct.pack('I', WITHOUT_FLUSH))
        finally:
            os.close(handle)


def make_disk(folder):
    """Return a mounted Disk; skip the test if none can be mounted."""
    if os.geteuid() != 0 or shutil.which('mkfs.ext4') is None:
        pytest.skip('only root, with mkfs.ext4, can mount a file system of its own')
    disk = Disk(folder)
    if not disk.mount():
        pytest.skip('no loop device can be mounted here')
    return disk
