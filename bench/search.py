#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes mail, archives it, indexes it, and measures lists and searches: docs/search.md has the figures.

    bench/search.py [--items 200000] [--mean-size small|normal] [--dir DIR]

With --dir what was made before is used again. Times of lists and searches are the best of three, in a warm cache, of programs from
start to end; CPU is user and system time. Programs: EXARCH, EXARCH_SIM, or those in build/."""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXARCH = os.environ.get('EXARCH', str(ROOT / 'build/exarch'))
EXARCH_SIM = os.environ.get('EXARCH_SIM', str(ROOT / 'build/exarch-sim'))
MAILBOXES = 20

QUESTIONS = [
    ('list, first 20', ['list', '--limit', '20']),
    ('list, newest first', ['list', '--sort', '-date', '--limit', '20']),
    ('list, by subject', ['list', '--sort', 'subject', '--limit', '20']),
    ('list, largest of some mailboxes', ['list', '--mailbox', '*a*', '--sort', '-size', '--limit', '20']),
    ('list, a sender', ['list', '--sender', 'anna', '--limit', '20']),
    ('list, a subject that none has', ['list', '--subject', 'zzz nothing', '--limit', '20']),
    ('list, an attachment name', ['list', '--attachment', 'report', '--limit', '20']),
    ('list, a message-id', ['list', '--message-id', 'nobody@nowhere', '--limit', '20']),
    ('list, count of a month', ['list', '--since', '2025-03', '--before', '2025-04', '--count']),
    ('list, count of all', ['list', '--count']),
    ('search, a word', ['search', 'report']),
    ('search, the commonest word', ['search', 'the']),
    ('search, two words', ['search', 'report', 'meeting']),
    ('search, a phrase', ['search', '"the report"']),
    ('search, a prefix', ['search', 'inv*']),
    ('search, a word, some mailboxes, a year', ['search', 'report', '--mailbox', '*a*', '--since', '2025', '--before', '2026']),
    ('search, a word, newest first', ['search', 'report', '--sort', '-date']),
    ('search, none', ['search', 'zzznothing']),
]


def measured(*args):
    """(seconds, CPU seconds) of one exarch."""
    begin = time.monotonic()
    process = subprocess.Popen([EXARCH, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f'exarch {" ".join(map(str, args))}: status {status}')
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime


def size_of(folder):
    return sum(p.stat().st_size for p in folder.rglob('*') if p.is_file())


def make(folder, items, mean_size):
    """Archives generated mail; gives (seconds, CPU seconds)."""
    profile, archive = folder / 'profile.yaml', folder / 'archive'
    with subprocess.Popen([EXARCH_SIM, '--generate', f'{MAILBOXES}x{items // MAILBOXES}', '--mean-size', mean_size, '--write-profile',
                           str(profile), '--archive', str(archive)], stdout=subprocess.PIPE) as sim:
        try:
            if not sim.stdout.readline().startswith(b'ready'):
                sys.exit('exarch-sim did not get ready')
            subprocess.run([EXARCH, 'init', str(archive)], check=True, stdout=subprocess.DEVNULL)
            return measured('archive', profile, '--quiet')
        finally:
            sim.send_signal(signal.SIGTERM)


def prepare(folder, items, mean_size):
    notes = folder / 'bench.json'
    if notes.exists():
        return json.loads(notes.read_text())
    archive = folder / 'archive'
    facts = {'items': items, 'mean_size': mean_size, 'archiving': make(folder, items, mean_size), 'store_bytes': size_of(archive)}
    facts['indexing'] = measured('index', archive, '--quiet')
    facts['index_bytes'] = size_of(archive / 'search')
    notes.write_text(json.dumps(facts))
    return facts


def bench(folder, items, mean_size):
    facts = prepare(folder, items, mean_size)
    archive = folder / 'archive'
    print(f'{facts["items"]} messages ({facts["mean_size"]}); store {facts["store_bytes"] >> 20} MiB, search index {facts["index_bytes"] >> 20} MiB')
    print(f'archiving {facts["archiving"][1]:.1f} s of CPU, indexing {facts["indexing"][1]:.1f} s')
    print(f'index : store          {facts["index_bytes"] / facts["store_bytes"]:.2f}')
    print(f'indexing : archiving   {facts["indexing"][1] / facts["archiving"][1]:.2f} (CPU)')
    print(f'{"index with nothing new":42} {measured("index", archive, "--quiet")[0]:6.3f} s')
    worst = 0.0
    for name, (verb, *rest) in QUESTIONS:
        seconds, cpu = min(measured(verb, archive, *rest) for _ in range(3))
        worst = max(worst, seconds)
        print(f'{name:42} {seconds:6.3f} s  {cpu:6.3f} s of CPU', flush=True)
    print(f'{"the slowest":42} {worst:6.3f} s')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--items', type=int, default=200_000)
    parser.add_argument('--mean-size', choices=('small', 'normal'), default='small')
    parser.add_argument('--dir', type=pathlib.Path)
    args = parser.parse_args()
    if args.dir:
        args.dir.mkdir(parents=True, exist_ok=True)
        bench(args.dir, args.items, args.mean_size)
    else:
        with tempfile.TemporaryDirectory(prefix='exarch-bench-') as folder:
            bench(pathlib.Path(folder), args.items, args.mean_size)


if __name__ == '__main__':
    main()
