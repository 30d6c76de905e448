# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files there are, and C text without its comments and strings. Files are found by walking,
not by asking git: an unpacked tarball is checked the same way."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SKIPPED = re.compile(r'^(build.*|\.git|__pycache__|fixtures)$')

# A comment, a string, a character, or any other single character: whichever begins first.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|.', re.S)


def files(*endings):
    """Paths below the project's folder that end so, sorted; without fixtures and what was built."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not SKIPPED.match(f)]
        found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names if n.endswith(endings)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8', errors='surrogateescape') as f:
        return f.read()


def code(path):
    """The C file's text, line for line, with comments and the insides of strings blanked."""
    def blank(match):
        text = match.group()
        if len(text) == 1:
            return text
        lines = '\n' * text.count('\n')
        return lines or ' ' if text[0] == '/' else text[0] * 2
    return TOKEN.sub(blank, read(path))


def finish(what, findings):
    """Ends a check: each finding is 'file:line: words'."""
    for finding in findings:
        print(finding)
    print(f'{what}: {len(findings)} found' if findings else f'{what}: fine')
    sys.exit(1 if findings else 0)
