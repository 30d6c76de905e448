# SPDX-License-Identifier: Apache-2.0
"""What a profile chooses: mailboxes, folders, items. What is left out is left out by a named rule, and counted."""
import datetime

import harness
import mail

TREE = {
    'anna/Inbox/first.eml': 'first', 'anna/Inbox/second.eml': 'second',
    'anna/Inbox/Private/letter.eml': 'letter', 'anna/Inbox/Private/Deep/diary.eml': 'diary',
    'anna/Projects/2026/plan.eml': 'plan', 'anna/Deleted Items/old.eml': 'old', 'anna/Deleted Items/Sub/older.eml': 'older',
    'anna/Drafts/draft.eml': 'draft', 'anna/Junk Email/spam.eml': 'spam',
    'bert/Inbox/hello.eml': 'hello', 'test1@sim.example/Inbox/try.eml': 'try',
}


def subjects(run, sim):
    return sorted(item['subject'] for item in run.exarch('list', sim.archive, '--json').objects())


def archived_with(run, sim, expected, excluded=None, **profile):
    """A fresh archive by this profile holds just these subjects; the rest is accounted for."""
    number = len(list(run.dir.glob('chosen-*')))
    archive = run.dir / f'chosen-{number}'
    summary = run.archive(sim.profile(f'chosen-{number}.yaml', archive=str(archive), **profile))
    sim.archive = archive
    harness.same('subjects archived', subjects(run, sim), sorted(expected))
    harness.same('unexplained', summary['unexplained'], 0)
    if excluded is not None:
        harness.same('excluded', summary['excluded'], excluded)
    return summary


def decisions(run, *args, key):
    return {line[key]: (line['archived'], line['reason']) for line in run.exarch(*args, '--json').objects()}


ONLY_ANNA = {'from': 'list', 'list': ['anna@sim.example']}


def standard_folders_are_left_out_with_what_is_below(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    archived_with(run, sim, ['first', 'second', 'letter', 'diary', 'plan'], excluded=4, mailboxes=ONLY_ANNA,
                  folders={'standard_exclusions': True})


def the_first_rule_that_matches_a_folder_decides(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    rules = [{'include': '/Inbox/Private/Deep'}, {'exclude': '/Inbox/Private/**'}, {'exclude': '/Inbox/Private'},
             {'exclude': 're:^/(drafts|junk)'}]
    archived_with(run, sim, ['first', 'second', 'diary', 'plan', 'old', 'older'], excluded=3, mailboxes=ONLY_ANNA,
                  folders={'standard_exclusions': False, 'rules': rules})


def folders_says_which_rule_decides(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    rules = [{'include': '/Inbox/Private/Deep'}, {'exclude': '/Inbox/Private/**'}, {'exclude': '/Inbox/Private'}]
    profile = sim.profile(folders={'standard_exclusions': True, 'rules': rules})
    told = decisions(run, 'folders', profile, 'anna@sim.example', key='folder')
    chosen = {folder for folder, (archived, _) in told.items() if archived}
    harness.check({'/Inbox', '/Inbox/Private/Deep', '/Projects/2026'} <= chosen, f'chosen: {chosen}')
    for folder, names in (('/Inbox/Private', ('rules[3]', '/Inbox/Private')), ('/Deleted Items', ('standard_exclusions',)),
                          ('/Deleted Items/Sub', ('standard_exclusions',)), ('/Drafts', ('standard_exclusions',))):
        harness.check(not told[folder][0], f'{folder} is left out')
        harness.contains(f'the reason for {folder}', told[folder][1], *names)
    text = run.exarch('folders', profile, 'anna@sim.example').out
    harness.contains('the table', text, '/Inbox/Private/Deep', '/Projects/2026')


def mailboxes_says_why_and_why_not(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE), '--directory-extras')
    told = decisions(run, 'mailboxes', sim.profile(mailboxes={'exclude': ['test*@sim.example']}), key='mailbox')
    harness.same('chosen', sorted(m for m, (archived, _) in told.items() if archived),
                 ['anna@sim.example', 'bert@sim.example'])
    for mailbox, names in (('test1@sim.example', ('test*@sim.example',)), ('no.licence@sim.example', ('licen',)),
                           ('left.company@sim.example', ('disabled',))):
        harness.contains(f'the reason for {mailbox}', told[mailbox][1], *names)
    harness.check(any('fabrikam' in mailbox for mailbox in told), f'the guest is listed: {list(told)}')


def mailboxes_are_chosen_by_globs_groups_lists_and_files(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    (run.dir / 'who.txt').write_text('# of sales\n\nbert@sim.example\n')
    everyone = ['anna@sim.example', 'bert@sim.example', 'test1@sim.example']
    for mailboxes, expected in (
            ({'from': 'directory'}, everyone),
            ({'from': 'directory', 'include': ['*@sim.example'], 'exclude': ['re:^test']}, everyone[:2]),
            ({'from': 'directory', 'groups': ['Everyone']}, everyone),
            ({'from': 'list', 'list': ['bert@sim.example', 'BERT@sim.example']}, ['bert@sim.example']),
            ({'from': 'file', 'file': 'who.txt'}, ['bert@sim.example'])):
        told = decisions(run, 'mailboxes', sim.profile(mailboxes=mailboxes), key='mailbox')
        harness.same(f'chosen by {mailboxes}', sorted(m.lower() for m, (archived, _) in told.items() if archived), expected)


def a_group_that_does_not_exist_is_named(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    result = run.exarch('mailboxes', sim.profile(mailboxes={'groups': ['Marketing']}), expect={harness.FAILED, harness.USAGE})
    harness.contains('stderr', result.err, 'Marketing')


def the_command_line_narrows_the_run(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    run.archive(sim.written_profile, '--mailbox', 'b*')
    harness.same('subjects archived', subjects(run, sim), ['hello'])
    run.archive(sim.written_profile)
    harness.same('subjects archived by a whole run after it', subjects(run, sim), sorted(TREE.values()))


def dated(day):
    return mail.message(f'of {day}', date=datetime.date.fromisoformat(day).strftime('%a, %d %b %Y') + ' 12:00:00 +0000')


def dates_bound_what_is_archived(run):
    days = ('2025-12-31', '2026-01-01', '2026-01-31', '2026-02-01')
    folder = mail.write(run.dir / 'mail', {f'anna/Inbox/{day}.eml': dated(day) for day in days})
    sim = run.simulator('--mail', folder)
    archived_with(run, sim, ['of 2026-01-01', 'of 2026-01-31'],
                  filters={'since': '2026-01-01T00:00:00Z', 'before': '2026-02-01T00:00:00Z'})


def what_is_too_young_waits_and_is_archived_when_the_profile_says_so(run):
    today = datetime.datetime.now(datetime.timezone.utc)
    young = (today - datetime.timedelta(days=20)).date().isoformat()
    old = (today - datetime.timedelta(days=200)).date().isoformat()
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/a.eml': dated(young), 'anna/Inbox/b.eml': dated(old)})
    sim = run.simulator('--mail', folder)
    first = run.archive(sim.profile(filters={'older_than': '3 months'}))
    harness.same('(archived, deferred, unexplained) at first',
                 (first['archived'], first['deferred'], first['unexplained']), (1, 1, 0))
    again = run.archive(sim.profile(filters={'older_than': '3 months'}))
    harness.same('(archived, deferred, unexplained) again',
                 (again['archived'], again['deferred'], again['unexplained']), (0, 1, 0))
    sim.forget()
    last = run.archive(sim.profile(filters={'older_than': '10 days'}))
    harness.same('(archived, deferred) with another filter', (last['archived'], last['deferred']), (1, 0))
    harness.same('items fetched', sim.fetched_items(), 1)


def unread_mail_waits_until_it_is_read(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/a.unread.eml': 'unread', 'anna/Inbox/b.eml': 'read'})
    sim = run.simulator('--mail', folder)
    profile = sim.profile(filters={'unread': 'defer'})
    first = run.archive(profile)
    harness.same('(archived, deferred, unexplained) while unread',
                 (first['archived'], first['deferred'], first['unexplained']), (1, 1, 0))
    (folder / 'anna/Inbox/a.unread.eml').rename(folder / 'anna/Inbox/a.eml')
    second = run.archive(profile)
    harness.same('(archived, deferred, unexplained) once read',
                 (second['archived'], second['deferred'], second['unexplained']), (1, 0, 0))
    harness.same('subjects archived', subjects(run, sim), ['read', 'unread'])


def other_item_classes_are_left_out_unless_asked_for(run):
    signed = mail.message('signed', headers='MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; name="smime.p7m"\r\n')
    bounce = mail.message('bounce', headers='MIME-Version: 1.0\r\nContent-Type: multipart/report; '
                          'report-type=delivery-status; boundary="b"\r\n', body='--b\r\n\r\nno\r\n--b--\r\n')
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/plain.eml': 'plain', 'anna/Inbox/signed.eml': signed, 'anna/Inbox/bounce.eml': bounce})
    sim = run.simulator('--mail', folder)
    archived_with(run, sim, ['plain', 'signed'], excluded=1, filters={'classes': ['mail']})
    archived_with(run, sim, ['plain', 'signed', 'bounce'], excluded=0, filters={'classes': ['all']})


def a_changed_rule_brings_in_what_was_left_out(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', TREE))
    without = {'standard_exclusions': False, 'rules': [{'exclude': '/Inbox/Private/**'}, {'exclude': '/Inbox/Private'}]}
    run.archive(sim.profile(mailboxes=ONLY_ANNA, folders=without))
    harness.check('letter' not in subjects(run, sim), 'left out at first')
    sim.forget()
    run.archive(sim.profile(mailboxes=ONLY_ANNA))
    harness.same('items fetched', sim.fetched_items(), 2)
    harness.check({'letter', 'diary'} <= set(subjects(run, sim)), 'brought in')
    summary = run.archive(sim.profile(mailboxes=ONLY_ANNA, folders=without))
    harness.same('unexplained when left out again', summary['unexplained'], 0)
    harness.check({'letter', 'diary'} <= set(subjects(run, sim)), 'what is archived stays')


if __name__ == '__main__':
    harness.main(standard_folders_are_left_out_with_what_is_below,
                 the_first_rule_that_matches_a_folder_decides,
                 folders_says_which_rule_decides,
                 mailboxes_says_why_and_why_not,
                 mailboxes_are_chosen_by_globs_groups_lists_and_files,
                 a_group_that_does_not_exist_is_named,
                 the_command_line_narrows_the_run,
                 dates_bound_what_is_archived,
                 what_is_too_young_waits_and_is_archived_when_the_profile_says_so,
                 unread_mail_waits_until_it_is_read,
                 other_item_classes_are_left_out_unless_asked_for,
                 a_changed_rule_brings_in_what_was_left_out)
