#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a folder of real mail through the simulator and exarch with 1, 4 and 8 threads and compares every message. By hand:

    EXARCH=build/exarch EXARCH_SIM=build/exarch-sim tests/e2e/corpora.py --mail DIR [--threads 1,4,8]

Each folder of DIR is a mailbox; files that don't end in .eml are not mail. The exit code is 0 when everything came back.
"""
import argparse
import collections
import pathlib
import shutil
import sys
import tempfile
import time

import ews_peer
import harness
import mail


def try_threads(run, sim, threads, expected):
    archive = run.dir / f'archive-{threads}'
    begin = time.monotonic()
    summary = run.archive(sim.profile(archive=str(archive)), '--threads', threads)
    took = time.monotonic() - begin
    harness.same('unexplained', summary['unexplained'], 0)
    harness.same_multiset('messages exported', collections.Counter(run.export(archive, f'out-{threads}')), expected)
    run.verify(archive)
    stored = sum(p.stat().st_blocks * 512 for p in archive.rglob('*') if p.is_file())
    print(f'{threads} threads: {summary["archived"]} messages in {took:.1f} s, all equal, 0 unexplained, verify clean; '
          f'{stored} bytes stored')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mail', required=True, type=pathlib.Path)
    parser.add_argument('--threads', default='1,4,8')
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix='exarch-corpora-'))
    run = harness.Run(folder)
    try:
        with run.cleanup:
            sim = run.simulator('--mail', options.mail)
            expected = collections.Counter(ews_peer.served(sim))
            harness.same_multiset('what is served, by the files', expected, collections.Counter(mail.of_files(options.mail)))
            size = sum(p.stat().st_size for p in options.mail.rglob('*.eml'))
            print(f'{sum(expected.values())} messages, {size} bytes')
            for threads in options.threads.split(','):
                try_threads(run, sim, threads, expected)
    except harness.Failure as e:
        print(f'FAILED: {e}')
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
