# SPDX-License-Identifier: Apache-2.0
"""No document lies: every command in README.md and docs/ is carried out against the simulator, in the order of its page, and what a
page quotes of the program is in its source."""
import re
import shutil

import documents
import harness

# Pages that begin on an empty machine, and what their placeholders stand for once it is made. All others have a tenant, a profile
# and an archive to work with.
CONTOSO = {'ARCHIVE': '/srv/exarch/contoso', 'PROFILE': '/etc/exarch/contoso.yaml'}
FROM_NOTHING = {
    'README.md': {'sign_in': ('--register', '/etc/exarch/contoso/exarch.cer'), 'words': {'A': '/srv/exarch/contoso'},
                  'encrypted': True},
    'getting-started-exchange-server.md': {'sign_in': ('--ntlm', 'CONTOSO\\svc-exarch:right horse'), 'words': {}},
    'getting-started-microsoft365.md': {'words': {}},
    'operating.md': {'words': CONTOSO, 'encrypted': True},
    'rehearsing.md': {'words': {}},
    'security.md': {'words': {**CONTOSO, 'OLD': '/etc/exarch/contoso.key'}},
    'simulator.md': {'words': {}},
}


def test_of(page):
    def can_be_followed(run):
        documents.World(run, page, **FROM_NOTHING.get(page.name, {})).walk()
    can_be_followed.__name__ = f'{page.stem.replace("-", "_")}_can_be_followed'
    return can_be_followed


BAD_PAGES = {
    'a program that nobody knows': '```sh\nfrobnicate --all\n```\n',
    'a command in a block of something else': '```yaml\nexarch list ARCHIVE\n```\n',
    'a command among those that are not run': '```powershell\nexarch list ARCHIVE\n```\n',
    'a verb that is none': '    exarch lits ARCHIVE\n',
    'an option that the verb does not take': 'See `exarch verify ARCHIVE --limit 1`.\n',
    'a value that it does not take': 'See `exarch list ARCHIVE --limit some`.\n',
    'a prompt': '```sh\n$ exarch list ARCHIVE\n```\n',
    'another exit status than is told': '```sh\nexarch verify ARCHIVE    # finds damage (exit status 13)\n```\n',
    'a quote over the end of a line': 'See `exarch list\nARCHIVE`.\n',
    'an argument too many': '```sh\nexarch list ARCHIVE &&\\\n    exarch list ARCHIVE ARCHIVE\n```\n',
}


def a_page_that_lies_is_found(run):
    for what, text in BAD_PAGES.items():
        page = run.dir / 'bad.md'
        page.write_text(text)
        shutil.rmtree(run.dir / 'machine', ignore_errors=True)
        try:
            documents.World(run, page).walk()
        except harness.Failure:
            continue
        raise harness.Failure(f'{what} was not found')


def no_program_is_excused_in_advance(_):
    """The lists of programs of others have none that no page names."""
    texts = [piece.text for page in documents.DOCUMENTS for piece in documents.pieces(page) if not piece.quoted]
    named = {program for text in texts for program in re.findall(r'(?:^|[|;&] )([\w./-]+)', text)}
    harness.same('programs that no page names', (documents.NOT_DONE | documents.DONE) - named, set())


# ---- what pages quote ----

SOURCE = harness.ROOT / 'src'


def literals():
    """What the program can say: its string literals, joined as the compiler joins them. Conversions are "...", as on a page."""
    for path in sorted(SOURCE.rglob('*.c')):
        text = re.sub(r'/\*.*?\*/', '', path.read_text(), flags=re.S)
        for found in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*(?:PRI[a-z]\d+\s*)?)+', text):
            joined = ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', found))
            yield re.sub(r'%[-+ 0#]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z|j)?[a-zA-Z]', '...', joined.replace('\\"', '"')).replace('%%', '%')


def is_said(message, said):
    parts = [part for part in message.split('...') if part.strip()]
    for text in said:
        at = 0
        for part in parts:
            at = text.find(part.strip(), at)
            if at < 0:
                break
            at += len(part.strip())
        else:
            return True
    return False


def cells(page, column):
    """What stands in `quotes` in the tables' column of that name."""
    at = None
    for line in page.read_text().splitlines():
        row = [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]] if line.startswith('|') else None
        if row is None:
            at = None
        elif at is None:
            at = row.index(column) if column in row else -1
        elif at >= 0 and not set(line) <= set('|-'):
            yield from (a or b for a, b in re.findall(r'``\s?(.+?)\s?``(?!`)|`([^`]+)`', row[at]))


def every_message_that_a_page_quotes_is_in_the_source(_):
    said = list(literals())
    numbers = set(re.findall(r'\{ (\d+),', (SOURCE / 'auth/aadsts.c').read_text()))
    quoted = 0
    for name, column in (('troubleshooting.md', 'message'), ('getting-started-microsoft365.md', 'says'),
                         ('getting-started-exchange-server.md', 'says')):
        for message in cells(harness.ROOT / 'docs' / name, column):
            good = message[6:] in numbers if message.startswith('AADSTS') else is_said(message.replace('HTTP 404', 'HTTP ...'), said)
            harness.check(good, f'{name}: exarch says {message!r}')
            quoted += 1
    harness.check(quoted > 100, f'{quoted} messages were looked for')


def what_check_can_find_is_in_the_documents(_):
    """And the reverse: findings, refusals of the sign-in service and of mailboxes."""
    page = harness.ROOT / 'docs/troubleshooting.md'
    check = '\n'.join(p.read_text() for p in sorted((SOURCE / 'cli').glob('*check*.c')))
    findings = set(re.findall(r'\.what = "(\w+)"', check)) | set(re.findall(r'check_tell_error\(\s*c,\s*"(\w+)"', check))
    harness.same('findings', set(cells(page, 'finding')), findings)
    harness.same('findings in report.md', {cell for cell in cells(harness.ROOT / 'docs/report.md', 'finding')}, findings)
    told = set(cells(page, 'message'))
    numbers = {f'AADSTS{n}' for n in re.findall(r'^\t\{ (\d+), EXA', (SOURCE / 'auth/aadsts.c').read_text(), re.M)}
    names = set(re.findall(r'"(Error\w+)"', check)) | set(re.findall(r'"(AADSTS\d+)"', check))
    harness.same('what sign-in is refused for, and not in the page', (numbers | names) - told, set())


def the_index_has_every_page_and_every_link_leads_somewhere(_):
    docs = harness.ROOT / 'docs'
    listed = re.findall(r'^\| \[(\S+\.md)\]', (docs / 'index.md').read_text(), re.M)
    harness.same('pages of the index', sorted(listed), sorted(p.name for p in docs.glob('*.md') if p.name != 'index.md'))
    for page in documents.DOCUMENTS:
        for target in re.findall(r'\]\(([^)\s]+)\)', re.sub(r'^```.*?^```', '', page.read_text(), flags=re.M | re.S)):
            name, _, anchor = target.partition('#')
            if name.startswith('http'):
                continue
            other = (page.parent / name) if name else page
            harness.check(other.is_file(), f'{page.name}: {target} is there')
            if anchor:
                harness.check(anchor in anchors(other), f'{page.name}: {other.name} has a heading for #{anchor}')


def anchors(page):
    """As hosting sites make them of headings."""
    headings = re.findall(r'^#+ (.*)$', re.sub(r'^```.*?^```', '', page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def every_exit_status_is_in_the_documents(_):
    statuses = set(re.findall(r'^\tEXIT_\w+ = (\d+),', (SOURCE / 'cli/options.h').read_text(), re.M))
    for name, heading in (('troubleshooting.md', '## Exit statuses'), ('report.md', '## Exit status')):
        section = (harness.ROOT / 'docs' / name).read_text().split(heading + '\n')[1].split('\n## ')[0]
        harness.same(name, set(re.findall(r'^\| (\d+) \|', section, re.M)), statuses)


if __name__ == '__main__':
    harness.main(*map(test_of, documents.DOCUMENTS),
                 a_page_that_lies_is_found,
                 no_program_is_excused_in_advance,
                 every_message_that_a_page_quotes_is_in_the_source,
                 what_check_can_find_is_in_the_documents,
                 the_index_has_every_page_and_every_link_leads_somewhere,
                 every_exit_status_is_in_the_documents, at_once=4)
