#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a golden archive: a few messages, archived by this build, kept for ever to be read by every later one.

    tests/golden/make.py NAME [DIR]       makes DIR/NAME (DIR: fixtures/golden), which must not be there

NAME is one of KINDS. EXARCH and EXARCH_SIM are the programs, as in tests/e2e. A golden archive is two runs: in between one
message was deleted, one changed, one came, and the first run's segment got a torn tail, so that there is a second one. It
has no index: each test begins with `exarch rebuild`. What must be found in it stands in expected.json, made from the mail
that was served and from nothing that exarch said.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tests/e2e'))

import harness  # noqa: E402
import mail  # noqa: E402


@dataclasses.dataclass
class Kind:
    """How an archive is made, and what every verb on it needs beside the archive (paths relative to the golden folder)."""
    init: list
    open: list = dataclasses.field(default_factory=list)


KINDS = {
    '1.0-zlib': Kind(['--compression', 'zlib']),
    '1.0-zstd': Kind(['--compression', 'zstd']),
}

ANNA, BEN, LEGAL = 'anna.lindqvist@contoso.example', 'ben.okafor@contoso.example', 'legal@contoso.example'
# Text, a picture, message in message, names beyond ASCII, broken structure, nothing at all.
CHOSEN = [
    f'{ANNA}/Inbox/001-welcome.unread.eml', f'{ANNA}/Inbox/002-lunch.eml', f'{ANNA}/Inbox/005-logo-only.eml',
    f'{ANNA}/Drafts/011-draft.eml', f'{ANNA}/Archive 2024/030-rfc822-five-deep.eml',
    f'{ANNA}/日本語 案件/050-iso-2022-jp.eml', f'{ANNA}/Junk Email/060-empty.eml', f'{ANNA}/Sent Items/004-re-report.eml',
    f'{BEN}/Inbox/004-re-report.unread.eml', f'{BEN}/Junk Email/088-mixed-breaks.eml',
    f'{BEN}/Junk Email/091-base64-no-padding.eml', f'{LEGAL}/Hold 2023/104-uuencode.eml',
    f'{LEGAL}/Inbox/Kunden – Köln/055-rfc6532.eml',
]
DELETED, CHANGED = f'{ANNA}/Inbox/002-lunch.eml', f'{ANNA}/Drafts/011-draft.eml'
LOGO, ADDED = f'{ANNA}/Inbox/005-logo-only.eml', f'{BEN}/Inbox/005-logo-only.eml'  # its objects are known by then
TORN = b'XFR\xa9 and then the power was cut'


def large_text():
    """A message whose text is more than 32 KiB, so that it has a frame of its own; it compresses well."""
    lines = ''.join(f'{number:5} lines of a log that nobody reads\r\n' for number in range(1000))
    return mail.message('log', body=lines)


def put(folder, name, content, time=1772355600):
    """The simulator makes change keys of a file's time: with the same one, an item is the same in ten years."""
    mail.write(folder, {name: content})
    os.utime(folder / name, (time, time))


def serve(folder):
    for name in CHOSEN:
        put(folder, name, (harness.FIXTURES / 'mail' / name).read_bytes())
    put(folder, f'{LEGAL}/Inbox/large.eml', large_text())


def change(folder):
    (folder / DELETED).unlink()
    put(folder, CHANGED, (folder / CHANGED).read_bytes() + b'\r\nOne line more.\r\n', time=1772359200)
    put(folder, ADDED, (folder / LOGO).read_bytes())


def items(folder, state='live', only=None):
    """[(mailbox, folder, SHA-256, size, state)] of what a simulator with this mail serves."""
    found = []
    for path in folder.rglob('*.eml'):
        name = str(path.relative_to(folder))
        if only and name != only:
            continue
        mailbox, *folders = path.relative_to(folder).parts[:-1]
        content = mail.as_served(path.read_bytes())
        found.append((mailbox, '/' + '/'.join(folders), harness.sha256(content), len(content), state))
    return found


def archive_twice(run, kind, folder, golden):
    """Gives what must be in the archive."""
    archive = golden / 'archive'
    run.exarch('init', archive, *kind.init, cwd=golden)
    sim = run.simulator('--mail', folder)
    profile = sim.profile(archive=str(archive))
    run.archive(profile, *kind.open, cwd=golden)
    expected = items(folder, 'removed', DELETED) + items(folder, 'superseded', CHANGED)
    with open(archive / 'seg/00/00000001.xseg', 'ab') as segment:
        segment.write(TORN)
    change(folder)
    run.archive(profile, *kind.open, cwd=golden)
    return expected + items(folder)


def make(name, to):
    kind, golden = KINDS[name], pathlib.Path(to) / name
    golden.mkdir(parents=True)  # what was released is never made again
    with tempfile.TemporaryDirectory() as scratch:
        run = harness.Run(pathlib.Path(scratch))
        with run.cleanup:
            folder = run.dir / 'mail'
            serve(folder)
            expected = archive_twice(run, kind, folder, golden)
    shutil.rmtree(golden / 'archive/idx')
    (golden / 'archive/LOCK').unlink(missing_ok=True)
    version = subprocess.run([harness.EXARCH, 'version'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    columns = ('mailbox', 'folder', 'sha256', 'bytes', 'state')
    whole = {'made_by': next(word for word in version if re.match(r'\d+\.', word)), 'open': kind.open,
             'items': [dict(zip(columns, item)) for item in sorted(expected)]}
    (golden / 'expected.json').write_text(json.dumps(whole, indent=1, ensure_ascii=False) + '\n')
    return golden


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in KINDS:
        sys.exit(f'usage: make.py NAME [DIR]; names: {", ".join(KINDS)}')
    print(make(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else harness.FIXTURES / 'golden'))


if __name__ == '__main__':
    main()
