#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pages.py EXARCH EXARCH_SIM FOLDER: the man pages of both programs into FOLDER, made from their tables of options."""
import pathlib
import re
import subprocess
import sys


def told_by(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def roff(text):
    return re.sub(r'(?m)^([.\'])', r'\\&\1', text.replace('\\', '\\e').replace('-', '\\-'))


def of_the_simulator(program, version):
    """`exarch-sim --help` has paragraphs, one of them of options in two columns."""
    page = [f'.TH EXARCH\\-SIM 1 "" "exarch {version}" "exarch"', '.SH NAME',
            'exarch\\-sim \\- an Exchange simulator, to try exarch and rehearse profiles', '.SH SYNOPSIS']
    usage, *parts = told_by(program, '--help').split('\n\n')
    page += [roff(usage.split('\n')[0].removeprefix('usage: ')), '.SH DESCRIPTION']
    for part in parts:
        title, *lines = part.strip('\n').split('\n')
        if not title.endswith(':') or not lines[0].startswith('  '):
            page.append(roff(part.strip('\n')))
            continue
        page.append(f'.SH {title[:-1].upper()}')
        for line in lines:
            entry = re.match(r'  (--\S+)( \S+)? +(.*)', line)
            if entry and title == 'options:':
                name, argument, words = entry.groups()
                page += ['.TP', f'\\fB{roff(name)}\\fR' + (f' \\fI{roff(argument.strip())}\\fR' if argument else ''), roff(words)]
            elif title == 'options:':
                page.append(roff(line.strip()))
            else:
                page += ['.br', roff(line.strip())]
    return '\n'.join([*page, '.SH SEE ALSO', '.BR exarch (1)', ''])


def main(program, simulator, folder):
    out = pathlib.Path(folder)
    out.mkdir(exist_ok=True)
    for page in out.glob('*.1'):
        page.unlink()
    (out / 'exarch.1').write_text(told_by(program, 'help', '--format', 'man'))
    for verb in told_by(program, 'help', '--format', 'list').splitlines():
        (out / f'exarch-{verb.replace(" ", "-")}.1').write_text(told_by(program, 'help', verb, '--format', 'man'))
    version = told_by(program, 'version').split()[1]
    (out / 'exarch-sim.1').write_text(of_the_simulator(simulator, version))


main(*sys.argv[1:])
