#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job as a user sees it, against the simulator: `./bootstrap demo`. Every command is printed before it runs, and what
came out is compared with what the server gave. The exit code is 0 when everything was right."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM, SIMULATOR = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
os.environ.update(EXARCH=PROGRAM, EXARCH_SIM=SIMULATOR)

import ews_peer  # noqa: E402  reads the two variables
import harness  # noqa: E402
import mail  # noqa: E402

MAIL = harness.FIXTURES / 'mail'
BOLD, PLAIN = ('\033[1m', '\033[0m') if sys.stdout.isatty() and os.environ.get('TERM', 'dumb') != 'dumb' else ('', '')


class Wrong(Exception):
    """The demo didn't show what it promises."""


def say(text=''):
    print(text, flush=True)


def title(text):
    say(f'\n{BOLD}== {text}{PLAIN}')


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.run = harness.Run(folder)

    def exarch(self, *args, code=0, show=None):
        """Prints the command, runs it as a user would, in the user's own terminal. SHOW: only so many lines of its output."""
        words = [str(a) for a in args]
        say(f'\n{BOLD}$ exarch {" ".join(words)}{PLAIN}')
        out = None if show is None else subprocess.PIPE
        life = self.run.born(words)
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, check=False)
        life.ended = time.monotonic()
        if show is not None:
            lines = done.stdout.decode('utf-8', 'backslashreplace').splitlines()
            for line in lines[:show]:
                say(line)
            if len(lines) > show:
                say(f'... {len(lines) - show} lines more')
        if done.returncode != code:
            raise Wrong(f'exarch {" ".join(words)} ended with {done.returncode}')

    def listing(self, archive):
        done = subprocess.run([PROGRAM, 'list', archive, '--json'], cwd=self.folder, stdout=subprocess.PIPE, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def compare(self, to, expected):
        found = collections.Counter(harness.exported(self.folder / to))
        if found != expected:
            raise Wrong(f'{sum((expected - found).values())} messages are missing or differ, '
                        f'{sum((found - expected).values())} are too many')
        say(f'\n{sum(found.values())} exported files compared with what the server gave: all equal, byte for byte (SHA-256).')

    def sizes(self, archive, seconds=None):
        items = self.listing(archive)
        raw = sum(item['bytes'] for item in items)
        stored = sum(p.stat().st_size for p in (self.folder / archive).rglob('*') if p.is_file())
        index = sum(p.stat().st_blocks * 512 for p in (self.folder / archive).rglob('*.mdb'))
        segments = stored - sum(p.stat().st_size for p in (self.folder / archive).rglob('*.mdb'))
        say(f'\n{len(items)} messages, {raw / 1e6:.1f} MB as mail; archive: {segments / 1e6:.1f} MB in segments '
            f'({100 * segments / raw:.0f} % of the mail) and {index / 1e6:.1f} MB of index, which can be made again.')
        if seconds:
            say(f'{len(items) / seconds:.0f} messages and {raw / 1e6 / seconds:.1f} MB of mail a second, simulator on the same '
                'machine included.')


def small_part(demo):
    title('A simulated Exchange Online tenant with three mailboxes of odd mail')
    say(f'\n{BOLD}$ exarch-sim --mail {MAIL} --write-profile profile.yaml --archive archive{PLAIN}')
    sim = demo.run.simulator('--mail', MAIL, name='profile')
    say(f'ready {sim.url}')
    say('\nIt wrote this profile; one for a real tenant looks the same:\n')
    say(sim.written_profile.read_text())
    demo.exarch('config', 'check', 'profile.yaml')
    demo.exarch('mailboxes', 'profile.yaml')
    mailbox = ews_peer.Peer(sim).mailboxes()[0]
    demo.exarch('folders', 'profile.yaml', mailbox)

    title('Archive it, then again: the second run finds nothing new')
    demo.exarch('archive', 'profile.yaml')
    sim.forget()
    demo.exarch('archive', 'profile.yaml')
    if sim.fetched_items() != 0:
        raise Wrong(f'the second run fetched {sim.fetched_items()} messages')
    say('\nMessages fetched by the second run, says the server: 0')

    title('What is in it')
    demo.exarch('list', 'archive', show=12)
    items = demo.listing('archive')
    chosen = next((i for i in items if i['subject'] and 500 < i['bytes'] < 20000), items[0])
    demo.exarch('show', 'archive', chosen['number'], show=30)

    title('Found by its words, and put back into a mailbox after somebody deleted it')
    demo.exarch('index', 'archive')
    demo.exarch('search', 'archive', 'subject:report', 'quarter')
    found = next(i for i in items if i['subject'] == 'Report for the first quarter' and i['mailbox'] == mailbox)
    ews_peer.Peer(sim).delete(mailbox, found['item_id'])
    demo.exarch('restore', 'archive', '--profile', 'profile.yaml', '--id', found['number'])

    title('Everything out again, compared, and the archive proven')
    demo.exarch('export', 'archive', '--to', 'out')
    for path in sorted((demo.folder / 'out').rglob('*.eml'))[:5]:
        say(f'  {path.relative_to(demo.folder)}')
    say('  ...')
    demo.compare('out', collections.Counter(mail.of_files(MAIL)))
    demo.exarch('verify', 'archive', '--level', 'messages')
    demo.sizes('archive')
    sim.stop()


def larger_part(demo):
    title('More of it: 8 mailboxes with 250 generated messages each')
    say(f'\n{BOLD}$ exarch-sim --generate 8x250 --write-profile more.yaml --archive more{PLAIN}')
    demo.run.dir.joinpath('more').mkdir()
    sim = demo.run.simulator('--generate', '8x250', name='more', archive=demo.folder / 'more')
    say(f'ready {sim.url}')
    begin = time.monotonic()
    demo.exarch('archive', 'more.yaml', '--threads', 4)
    seconds = time.monotonic() - begin
    demo.exarch('verify', 'more', '--level', 'blobs')
    demo.exarch('export', 'more', '--to', 'more-out')
    demo.compare('more-out', collections.Counter(ews_peer.served(sim)))
    demo.sizes('more', seconds)
    sim.stop()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix='exarch-demo-'))
    demo = Demo(folder)
    try:
        with demo.run.cleanup:
            small_part(demo)
            larger_part(demo)
    except (Wrong, harness.Failure) as e:
        say(f'\ndemo: WRONG: {e}')
        return 1
    except KeyboardInterrupt:
        say('\ndemo: stopped')
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    title('All of it was right.')
    return 0


sys.exit(main())
