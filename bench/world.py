# SPDX-License-Identifier: Apache-2.0
"""What the measurements share: the programs, a simulator, archives of it, and the same mail as files."""
import contextlib
import json
import os
import pathlib
import shutil
import sys

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'tests/e2e'))

SEED = 2026


class World:
    def __init__(self, folder, build, count, full):
        os.environ['EXARCH'], os.environ['EXARCH_SIM'] = str(build / 'exarch'), str(build / 'exarch-sim')
        import harness  # reads where the programs are
        self.harness, self.full, self.count = harness, full, count
        self.folder, self.build = folder, build
        self.exarch, self.limit = build / 'exarch', build / 'bench/bench-limit'
        self.pipeline = build / 'bench/bench-pipeline'
        self.made = 0

    @contextlib.contextmanager
    def simulator(self, *args, **how):
        """exarch-sim in a folder of its own, until the end of the block."""
        run = self.harness.Run(self.new('sim'))
        with run.cleanup:
            sim = run.simulator(*args, **how)
            yield sim
            sim.settle()
            sim.history.clear()  # the tests' judge of requests knows nothing of the programs run here

    def generated(self, mailboxes, items, *args, **how):
        return self.simulator('--generate', f'{mailboxes}x{items}', '--seed', SEED, *args, **how)

    def new(self, name):
        """A folder that isn't there yet; its parent is."""
        self.made += 1
        path = self.folder / f'{self.made:04}-{name}'
        path.mkdir()
        return path

    def drop(self, path):
        shutil.rmtree(path, ignore_errors=True)

    def init(self, codec='zlib', encrypted=False):
        folder = self.new('archive')
        archive = folder / 'archive'
        extra = ('--encrypt', '--key-file', folder / 'key') if encrypted else ()
        measure.run(self.exarch, 'init', archive, '--compression', codec, *extra)
        return archive

    def archive(self, sim, archive, *args, threads=2, **changes):
        """One `exarch archive` into ARCHIVE, which is there."""
        profile = sim.profile(f'{archive.parent.name}.yaml', archive=str(archive), run={'threads': threads}, **changes)
        return measure.run(self.exarch, 'archive', profile, '--json', *args)

    def summary(self, cost):
        return json.loads(cost.out.splitlines()[-1])

    def export(self, archive):
        """The archive's messages as .eml files."""
        to = self.new('mail')
        measure.run(self.exarch, 'export', archive, '--to', to / 'mail', '--format', 'eml', '--quiet')
        return to / 'mail'
