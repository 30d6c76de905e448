#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pages.py commands EXARCH EXARCH_SIM FOLDER: the man pages of both programs into FOLDER, made from their tables of options.
pages.py files VERSION DOCS FOLDER: those of the profile and of the archive's format, made from DOCS/profile.md and format.md."""
import pathlib
import re
import subprocess
import sys


def told_by(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def roff(text):
    text = re.sub(r'(?m)^([.\'])', r'\\&\1', text.replace('\\', '\\e').replace('-', '\\-'))
    return re.sub(r'[^\x00-\x7f]', lambda found: f'\\[u{ord(found.group()):04X}]', text)


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


def inline(text):
    """A line's marks: code and bold are bold, emphasis is italic, a link is its text."""
    text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', text)
    pieces = re.split(r'(`[^`]*`|\*\*[^*]+\*\*|(?<![\w*])\*[^*\s][^*]*\*(?!\w))', text)
    return ''.join(f'\\fB{roff(p[1:-1])}\\fR' if p[:1] == '`' else
                   f'\\fB{roff(p[2:-2])}\\fR' if p[:2] == '**' and len(p) > 4 else
                   f'\\fI{roff(p[1:-1])}\\fR' if p[:1] == '*' and len(p) > 2 else roff(p) for p in pieces)


def row(line):
    """A table's row: the first cell is the entry, the others say what it is."""
    first, *others = (c.strip().replace('\\|', '|') for c in re.split(r'(?<!\\)\|', line.strip().strip('|')))
    return ['.TP', inline(first) or '\\&', '; '.join(inline(c) for c in others if c) or '\\&']


def of_a_document(path, name, summary, version):
    page = [f'.TH {name.upper()} 5 "" "exarch {version}" "exarch"'.replace('-', '\\-'), '.SH NAME',
            f'{roff(name)} \\- {summary}', '.SH DESCRIPTION', '.nh', '.ad l']
    lines = path.read_text().splitlines()
    fenced = preformatted = False
    for at, line in enumerate(lines):
        is_code = fenced or (line.startswith('    ') and (preformatted or not lines[at - 1].strip()))
        if line.startswith('```'):
            fenced = is_code = not fenced
            line = None
        if is_code != preformatted:
            page += ['.PP', '.RS 4', '.nf'] if is_code else ['.fi', '.RE', '.PP']
            preformatted = is_code
        if line is None or line.startswith('# ') or re.match(r'\|[-|: ]+\|$', line):
            continue
        if is_code:
            page.append(roff(line[0 if fenced else 4:]) or '\\&')
        elif line.startswith('## '):
            page.append(f'.SH "{inline(line[3:]).upper()}"' if '`' not in line else f'.SH {inline(line[3:])}')
        elif line.startswith('### '):
            page.append(f'.SS {inline(line[4:])}')
        elif line.startswith('|'):
            if not re.match(r'\|[-|: ]+\|$', lines[at + 1] if at + 1 < len(lines) else ''):
                page += row(line)
        elif re.match(r'[-*] |\d+\. ', line):
            page += ['.IP \\(bu 2', inline(line.split(' ', 1)[1])]
        elif not line.strip():
            page.append('.PP')
        else:
            page.append(inline(line.strip()))
    return '\n'.join([*page, *(['.fi', '.RE'] if preformatted else []), '.SH SEE ALSO', '.BR exarch (1)', ''])


def folder_for(path, pattern):
    out = pathlib.Path(path)
    out.mkdir(exist_ok=True)
    for page in out.glob(pattern):
        page.unlink()
    return out


def commands(program, simulator, folder):
    out = folder_for(folder, '*.1')
    (out / 'exarch.1').write_text(told_by(program, 'help', '--format', 'man'))
    for verb in told_by(program, 'help', '--format', 'list').splitlines():
        (out / f'exarch-{verb.replace(" ", "-")}.1').write_text(told_by(program, 'help', verb, '--format', 'man'))
    version = told_by(program, 'version').split()[1]
    (out / 'exarch-sim.1').write_text(of_the_simulator(simulator, version))


def files(version, docs, folder):
    out = folder_for(folder, '*.5')
    for document, summary in (('profile', 'what exarch archives, from where, with which rules, into which archive'),
                              ('format', 'the archive of exarch, byte by byte')):
        (out / f'exarch-{document}.5').write_text(
            of_a_document(pathlib.Path(docs) / f'{document}.md', f'exarch-{document}', summary, version))


{'commands': commands, 'files': files}[sys.argv[1]](*sys.argv[2:])
