# SPDX-License-Identifier: Apache-2.0
"""Programs that keep files: the same messages as .eml files, into whatever they make of them. They read a warm page cache and
neither TLS nor XML; exarch, which they are compared with, has both to do."""
import shutil

import measure

SECRET = {'RESTIC_PASSWORD': 'not a secret', 'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK': 'yes'}


class Peers:
    def __init__(self, world, mail):
        self.world, self.mail = world, mail
        self.sizes = {}  # name: bytes on disk, of the last run

    def measured(self, name, program, prepare, command):
        if shutil.which(program) is None:
            return None
        folder = self.world.new('peer')
        env = {**SECRET, 'HOME': str(folder), 'BORG_BASE_DIR': str(folder / 'base'), 'RESTIC_CACHE_DIR': str(folder / 'cache')}
        store = folder / 'store'
        if prepare is not None:
            measure.run(*prepare(store), env=env)
        cost = measure.run(*command(store), env=env, cwd=self.mail.parent)
        self.sizes[name] = measure.disk_bytes(store)
        self.world.drop(folder)
        return cost

    def restic(self, name, compression):
        return self.measured(name, 'restic', lambda s: ('restic', 'init', '--quiet', '--repo', s),
                             lambda s: ('restic', 'backup', '--quiet', '--no-cache', '--repo', s, '--compression', compression,
                                        self.mail.name))

    def borg(self, name, compression, *chunker):
        return self.measured(name, 'borg', lambda s: ('borg', 'init', '--encryption', 'none', s),
                             lambda s: ('borg', 'create', '--compression', compression, *chunker, f'{s}::mail', self.mail.name))

    def tar(self, name, program, *options):
        pipe = ' '.join([program, *options])
        return self.measured(name, program, None,
                             lambda s: ('sh', '-c', f'tar cf - "$0" | {pipe} > "$1"', self.mail.name, s))

    def contenders(self):
        """Of which processor time counts."""
        return {'restic --compression auto': lambda: self.restic('restic --compression auto', 'auto'),
                'tar + gzip -6': lambda: self.tar('tar + gzip -6', 'gzip', '-6'),
                'tar + zstd -3': lambda: self.tar('tar + zstd -3', 'zstd', '-3', '-q', '-c')}

    def more(self):
        """Of which the size is what matters: measured once."""
        return {'restic --compression max': lambda: self.restic('restic --compression max', 'max'),
                'borg zlib,6': lambda: self.borg('borg zlib,6', 'zlib,6'),
                'borg zstd,3, 16 KiB chunks': lambda: self.borg('borg zstd,3, 16 KiB chunks', 'zstd,3', '--chunker-params',
                                                                '10,16,14,4095'),
                'tar + zstd -3 --long=31': lambda: self.tar('tar + zstd -3 --long=31', 'zstd', '-3', '--long=31', '-q', '-c')}

    @staticmethod
    def versions():
        told = []
        for program, args in (('restic', ('version',)), ('borg', ('--version',)), ('zstd', ('--version',)), ('gzip', ('--version',)),
                              ('tar', ('--version',))):
            if shutil.which(program) is None:
                told.append(f'{program}: not installed')
            else:
                told.append(measure.run(program, *args).out.splitlines()[0].strip())
        return told
