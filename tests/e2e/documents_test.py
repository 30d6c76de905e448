# SPDX-License-Identifier: Apache-2.0
"""No document lies: each command of exarch in docs/ and README.md is one it takes, and the operating guide is walked through,
line by line, from the certificate to the archive on another disk."""
import os
import re
import shlex
import shutil

import harness
import mail

DOCUMENTS = [harness.ROOT / 'README.md', *sorted((harness.ROOT / 'docs').glob('*.md'))]
GUIDE = harness.ROOT / 'docs/operating.md'


def blocks(path):
    """The lines of code blocks: indented by four, or fenced."""
    fenced = False
    for line in path.read_text().splitlines():
        if line.startswith('```'):
            fenced = not fenced
        elif fenced or line.startswith('    '):
            yield line.strip()


def commands(path):
    """Each "exarch VERB ..." that a block or a `quoted` piece has, as words."""
    texts = [line for line in blocks(path)] + re.findall(r'`([^`\n]+)`', path.read_text())
    for text in texts:
        for piece in re.split(r'&&|;|\|| # |  #', re.sub(r'^[\d* ]+exarch  ', '', text)):
            piece = piece.strip()
            if re.match(r'exarch [a-z]', piece) and path.name != 'format.md':  # there `exarch id` is a label of a key
                yield shlex.split(piece)[1:]


def options_of(run, verb):
    told = run.exarch(*verb.split(), '--help').out.split('Options:')[1]
    return set(re.findall(r'(?:^ +|, )(--?[a-z-]+)', told, re.M))


def every_command_in_the_documents_is_one(run):
    known = {verb: None for verb in run.exarch('help', '--format', 'list').out.splitlines()}
    groups = {verb.split()[0] for verb in known if ' ' in verb}
    seen = 0
    for path in DOCUMENTS:
        for words in commands(path):
            verb = ' '.join(words[:2]) if ' '.join(words[:2]) in known else words[0]
            if verb in groups and len(words) == 1:
                continue  # "`exarch hold` says what must stay": all of its verbs
            harness.check(verb in known, f'{path.name}: `exarch {" ".join(words)}`: there is such a verb')
            known[verb] = known[verb] or options_of(run, verb)
            for word in words:
                if word.startswith('-') and len(word) > 1:
                    harness.check(word.split('=')[0] in known[verb], f'{path.name}: `exarch {verb}` takes {word}')
            seen += 1
    harness.check(seen > 60, f'{seen} commands were found')


def the_operating_guide_can_be_followed(run):
    """Each block line that is a command of exarch, or copies files, is done in the order of the page. /etc, /srv, /var
    and /mnt are folders of the test; the profile that `setup` made is led to the simulator."""
    places = {place: str(run.dir / place.strip('/')) for place in ('/etc/exarch', '/srv/exarch', '/var/log/exarch',
                                                                    '/var/lib/exarch', '/mnt/new')}
    for folder in places.values():
        os.makedirs(folder)
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one', 'bert/Inbox/two.eml': 'two'})
    archive = f'{places["/srv/exarch"]}/contoso'
    ran = []

    def shell(line):
        run.exarch(*shlex.split(line)[1:], cwd=run.dir)
        ran.append(line)

    def lead_to_the_simulator(profile):
        shell(f'exarch config check {profile}')
        sim = run.simulator('--mail', folder, '--register', f'{places["/etc/exarch"]}/exarch.cer', archive=archive)
        made = sim.profile(archive=archive, source={'auth': {
            'certificate': f'{places["/etc/exarch"]}/exarch.crt', 'key': f'{places["/etc/exarch"]}/exarch.key'}})
        shutil.copy(made, profile)

    for line in blocks(GUIDE):
        cron = re.match(r'[\d]+ [\d]+ \* \* \*  exarch  (.*)', line)
        line = cron.group(1) if cron else line.split('  #')[0].strip()
        if not re.match(r'exarch [a-z]|rsync ', line):
            continue
        line = re.sub('|'.join(places), lambda found: places[found.group()], line)
        line = line.replace('backup:', f'{run.dir}/backup')
        if line.startswith('exarch setup'):
            line += (f' --tenant {harness.application()[0]} --client-id {harness.application()[1]} --archive {archive} '
                     f'--certificate {places["/etc/exarch"]}/exarch.crt --key {places["/etc/exarch"]}/exarch.key')
        if line.startswith('rsync'):  # a program of its own, that needn't be here
            source, target = line.split()[-2:]
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shell(line)
        if line.startswith('exarch setup'):
            lead_to_the_simulator(line.split()[3])
    harness.check(len(ran) >= 10, f'the guide was walked through: {ran}')
    harness.same('archived', [r['archived'] for r in run.exarch('runs', f'{places["/mnt/new"]}/contoso', '--json').objects()][0], 2)


if __name__ == '__main__':
    harness.main(every_command_in_the_documents_is_one,
                 the_operating_guide_can_be_followed)
