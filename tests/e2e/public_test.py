# SPDX-License-Identifier: Apache-2.0
"""Public folders: their tree and their content lie in several mailboxes, to which requests are routed by what Autodiscover says."""
import collections
import re
import shutil

import harness
import mail
import wire
from harness import same

FOLDERS = {'Team': 3, 'Team/Minutes': 5, 'Team/Minutes/2026': 2, 'Team/Plans': 4, 'Sales': 2, 'Sales/Offers': 6}
ACCESS = {'as': 'anna@sim.example'}


def serve(run, **access):
    """A simulator with public folders and one mailbox, and the profile for it."""
    files = {f'@public/{folder}/{n}.eml': mail.message(f'{folder} {n}') for folder, count in FOLDERS.items() for n in range(count)}
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one', **files})
    sim = run.simulator('--plain', '--mail', folder)
    return sim, folder, sim.profile(public_folders=True, public_folder_access={**ACCESS, **access})


def public_of(items):
    return [i for i in items if i['part'] == 'public']


def expected(folder):
    return collections.Counter(
        (harness.plain_folder('/' + str(f.parent.relative_to(folder / '@public'))), harness.sha256(f.read_bytes()))
        for f in (folder / '@public').rglob('*.eml'))


def exported(run, sim, name):
    return collections.Counter((folder, digest) for _, folder, digest in run.export(sim.archive, name)
                               if folder.split('/')[1] in ('Team', 'Sales'))


def public_folders_are_archived_exported_and_verified(run):
    sim, folder, profile = serve(run)
    total = sum(FOLDERS.values())
    first = run.archive(profile)
    same('archived', first['archived'], total + 1)
    same('unexplained', (first['unexplained'], first['failed']), (0, 0))
    items = public_of(run.exarch('list', sim.archive, '--json').objects())
    same('items of public folders', collections.Counter(i['folder'] for i in items), {f'/{f}': n for f, n in FOLDERS.items()})
    same('whose', {i['mailbox'] for i in items}, {'anna@sim.example'})
    asked = collections.Counter(r['operation'] for r in sim.requests)
    same('synchronised', asked['SyncFolderItems'] <= 7, True)  # anna's own folders
    harness.same_multiset('the export', exported(run, sim, 'out1'), expected(folder))
    run.verify(sim.archive)

    shutil.rmtree(sim.archive / 'idx')
    run.exarch('rebuild', sim.archive)
    run.verify(sim.archive)
    harness.same_multiset('the export after a rebuild', exported(run, sim, 'out2'), expected(folder))


def what_changes_in_public_folders_is_followed(run):
    sim, folder, profile = serve(run)
    run.archive(profile)
    sim.forget()
    again = run.archive(profile)
    same('fetched by a run without news', (sim.fetched_items(), again['archived']), (0, 0))
    before = expected(folder)

    (folder / '@public/Team/Minutes/1.eml').unlink()
    mail.write(folder, {'@public/Team/Minutes/9.eml': 'the newest', '@public/Sales/Spring/1.eml': 'another'})
    sim.forget()
    third = run.archive(profile)
    same('fetched', sim.fetched_items(), 2)
    same('archived, removed, unexplained', (third['archived'], third['removed'], third['unexplained']), (2, 1, 0))
    harness.same_multiset('the export', exported(run, sim, 'out'), before | expected(folder))


def content_is_asked_for_where_it_is(run):
    """The simulator refuses what goes to another mailbox; both have folders here."""
    sim, _, profile = serve(run, content='guid', hierarchy='publicfolders@sim.example',
                            hierarchy_server='publicfolders@sim.example')
    summary = run.archive(profile)
    same('archived', summary['archived'], sum(FOLDERS.values()) + 1)
    same('asked of Autodiscover', [r for r in sim.requests if r['operation'] == 'autodiscover'], [])
    asker = wire.Wire(sim)
    refused = [n for n in ('publicfolders', 'publicfolders2') if refuses_some(asker, f'{n}@sim.example')]
    same('mailboxes that refuse the content of some folder', refused, ['publicfolders', 'publicfolders2'])


def refuses_some(asker, mailbox):
    """Whether the mailbox lacks the content of any of the folders at the top and right below them."""
    tree = {'X-PublicFolderMailbox': 'publicfolders@sim.example', 'X-AnchorMailbox': 'publicfolders@sim.example'}
    routed = {'X-PublicFolderMailbox': mailbox, 'X-AnchorMailbox': mailbox}

    def below(parent):
        answer = asker.ask('<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>'
                           f'<m:ParentFolderIds>{asker.folder_element(parent)}</m:ParentFolderIds></m:FindFolder>', headers=tree)
        return re.findall('<t:FolderId Id="([^"]+)"', answer.text())
    folders = below('publicfoldersroot')
    folders += [f for top in folders for f in below(top)]
    got = asker.ask('<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>'
                    + ''.join(asker.folder_element(f) for f in folders) + '</m:FolderIds></m:GetFolder>', headers=routed)
    return 'ErrorNoPublicFolderReplicaAvailable' in got.codes()


def an_organisation_without_public_folders_is_told_so(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one'})
    sim = run.simulator('--plain', '--mail', folder)
    profile = sim.profile(public_folders=True, public_folder_access=ACCESS)
    result = run.exarch('archive', profile, '--json', expect=harness.INCOMPLETE)
    harness.contains('what is told', result.out + result.err, 'PublicFolderInformation', 'public_folder_access')
    same('archived all the same', result.summary()['archived'], 1)


def a_folder_that_is_refused_costs_what_is_in_it_and_below(run):
    sim, _, profile = serve(run)
    asker = wire.Wire(sim)
    asker.scenario('faults: [{ name: moved, where: { folder: Minutes }, what: { code: ErrorNoPublicFolderReplicaAvailable } }]')
    lost = FOLDERS['Team/Minutes'] + FOLDERS['Team/Minutes/2026']
    first = run.exarch('archive', profile, '--json', expect=harness.INCOMPLETE)
    same('archived', first.summary()['archived'], sum(FOLDERS.values()) + 1 - lost)
    asker.scenario()
    same('archived when it is back', run.archive(profile)['archived'], lost)
    asker.scenario('faults: [{ name: gone, where: { operation: FindFolder, folder: Minutes }, what: { code: ErrorAccessDenied } }]')
    third = run.exarch('archive', profile, '--json', expect=harness.INCOMPLETE)
    same('taken for removed, since it is not seen', third.summary()['removed'], 0)


def their_folders_are_shown_beside_those_of_the_reader(run):
    _, _, profile = serve(run)
    shown = run.exarch('folders', profile, ACCESS['as'], '--json').objects()
    same('folders', sorted(f['folder'] for f in shown if f['part'] == 'public'), ['/'] + sorted(f'/{f}' for f in FOLDERS))


if __name__ == '__main__':
    harness.main(public_folders_are_archived_exported_and_verified,
                 what_changes_in_public_folders_is_followed,
                 content_is_asked_for_where_it_is,
                 an_organisation_without_public_folders_is_told_so,
                 a_folder_that_is_refused_costs_what_is_in_it_and_below,
                 their_folders_are_shown_beside_those_of_the_reader,
                 short=(what_changes_in_public_folders_is_followed,))
