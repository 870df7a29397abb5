use std::process::Command;

use super::*;

fn git(dir: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_COMMITTER_DATE", "1700000000 +0100")
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(status.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&status.stderr));
}

fn commit_file(dir: &Path, content: &str) {
    fs_err::write(dir.join("file"), content).unwrap();
    git(dir, &["add", "file"]);
    git(dir, &["commit", "-m", content]);
}

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init"]);
    commit_file(dir.path(), "one");
    dir
}

fn text(dir: &Path) -> String {
    describe(dir).unwrap().0.text
}

#[test]
fn versions_come_from_tags() {
    let dir = repository();
    let dir = dir.path();
    let hash = &commit(dir).unwrap().unwrap().id[..7];
    assert_eq!(text(dir), format!("0.0.0+1.g{hash}"));
    git(dir, &["tag", "v1.2.3-rc.1"]);
    git(dir, &["tag", "nightly"]);
    assert_eq!(describe(dir).unwrap().1.as_deref(), Some("v1.2.3-rc.1"));
    assert_eq!(text(dir), "1.2.3-rc.1");
    git(dir, &["tag", "v1.2.3"]);
    assert_eq!(text(dir), "1.2.3", "the release counts, not its candidate on the same commit");
    fs_err::write(dir.join("file"), "changed").unwrap();
    assert_eq!(text(dir), format!("1.2.3+0.g{hash}.dirty"));
    commit_file(dir, "two");
    commit_file(dir, "three");
    let hash = &commit(dir).unwrap().unwrap().id[..7];
    assert_eq!(text(dir), format!("1.2.3+2.g{hash}"));
    assert_eq!(commit(dir).unwrap().unwrap().time, 1_700_000_000);
}

#[test]
fn of_several_tags_on_a_commit_the_highest_counts_whatever_its_kind() {
    for (annotated, lightweight, highest) in [
        ("v1.0.0-rc.1", "v1.0.0", "1.0.0"),
        ("v4.0.0", "v4.0.1", "4.0.1"),
        ("v1.2-rc.1", "v1.2", "1.2"),
        ("v1.9", "v1.10", "1.10"),
        ("2024.01", "2024.01.1", "2024.01.1"),
        ("1.0.0.2", "1.0.0.10", "1.0.0.10"),
        ("v2.0.0", "v2.0.0-rc.2", "2.0.0"),
    ] {
        let dir = repository();
        git(dir.path(), &["tag", "-a", "-m", "x", annotated]);
        git(dir.path(), &["tag", lightweight]);
        // A branch of the same name is not meant.
        git(dir.path(), &["branch", annotated]);
        assert_eq!(text(dir.path()), highest, "{annotated}, {lightweight}");
    }
}

#[test]
fn a_shallow_clone_is_refused_rather_than_counted() {
    let dir = repository();
    commit_file(dir.path(), "two");
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().display());
    git(clone.path(), &["clone", "--depth=1", &url, "here"]);
    assert_eq!(describe(&clone.path().join("here")), Err(NoVersion::Shallow));
}

#[test]
fn a_folder_that_git_does_not_track_has_no_commit() {
    let dir = repository();
    let below = dir.path().join("below");
    fs_err::create_dir(&below).unwrap();
    assert_eq!(commit(&below), Ok(None));
    let outside = tempfile::tempdir().unwrap();
    assert_eq!(commit(outside.path()), Ok(None));
    assert!(matches!(describe(outside.path()), Err(NoVersion::Git(Refusal::Failed(_)))));
}

#[test]
fn a_repository_of_another_user_is_not_passed_over_in_silence() {
    let dir = repository();
    let nobody = Some(65_534);
    for path in [dir.path().to_owned(), dir.path().join(".git")] {
        if std::os::unix::fs::chown(path, nobody, nobody).is_err() {
            // Only root can give a file away.
            return;
        }
    }
    assert!(commit(dir.path()).unwrap_err().iter().any(|line| line.contains("safe.directory")));
}

/// Each is older than the next for `dpkg --compare-versions` and for rpm, in the spelling that the formats give them.
#[test]
fn versions_between_tags_sort_for_dpkg_and_rpm() {
    let tag = |t: &str| version::parse(t).unwrap();
    let order = [
        tag("1.2.3-rc.1"),
        after(&tag("1.2.3-rc.1"), "0", "abcdef0", true),
        after(&tag("1.2.3-rc.1"), "5", "0123456", false),
        after(&tag("1.2.3-rc.1"), "12", "fedcba9", false),
        tag("1.2.3-rc.2"),
        tag("1.2.3"),
        after(&tag("1.2.3"), "0", "abcdef0", true),
        after(&tag("1.2.3"), "9", "fffffff", false),
        after(&tag("1.2.3"), "9", "fffffff", true),
        after(&tag("1.2.3"), "10", "0000000", false),
        tag("1.2.4-rc.1"),
        tag("1.2.4"),
    ];
    let spelled: Vec<String> = order.iter().map(|v| v.text.replacen('-', "~", 1)).collect();
    for pair in spelled.windows(2) {
        let dpkg = Command::new("dpkg").args(["--compare-versions", &pair[0], "lt", &pair[1]]).status().unwrap();
        assert!(dpkg.success(), "dpkg: {} is not before {}", pair[0], pair[1]);
        let lua = format!("%{{lua: print(rpm.vercmp('{}', '{}'))}}", pair[0], pair[1]);
        let rpm = Command::new("rpm").args(["--eval", &lua]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&rpm.stdout).trim(), "-1", "rpm: {} is not before {}", pair[0], pair[1]);
    }
}

#[test]
fn commits_are_told_since_the_release_before() {
    let dir = repository();
    let dir = dir.path();
    let head = || ask(dir, "git", &["rev-parse", "HEAD"]).unwrap().trim().to_owned();
    let told = |prerelease: bool| {
        let history = history::history(dir, &head(), prerelease);
        assert!(!history.more);
        (history.previous, history.commits.into_iter().map(|commit| commit.subject).collect::<Vec<_>>())
    };
    assert_eq!(told(false), (None, vec!["one".to_owned()]));
    git(dir, &["tag", "v1.0.0"]);
    // A fix that was released from a branch.
    git(dir, &["checkout", "-q", "-b", "fix"]);
    commit_file(dir, "fix");
    git(dir, &["tag", "v1.0.1"]);
    git(dir, &["checkout", "-q", "main"]);
    git(dir, &["-c", "user.name=ada@example.org", "commit", "--allow-empty", "-m", "two"]);
    git(dir, &["merge", "-q", "-m", "merged", "fix"]);
    git(dir, &["tag", "v1.1.0-rc.1"]);
    commit_file(dir, "three");
    git(dir, &["tag", "v1.1.0"]);
    git(dir, &["tag", "latest"]);
    let all = ["three", "merged", "two"].map(str::to_owned).to_vec();
    assert_eq!(told(false), (Some("v1.0.1".to_owned()), all));
    assert_eq!(told(true), (Some("v1.1.0-rc.1".to_owned()), vec!["three".to_owned()]));
    let history = history::history(dir, &head(), false);
    assert_eq!(history.commits.iter().map(|commit| commit.author.as_str()).collect::<Vec<_>>(), ["A", "A", "ada"]);
    assert_eq!(history.commits[0].time, 1_700_000_000);
    assert_eq!(history::file(dir, &head(), "file", 9).as_deref(), Some("three"));
    assert_eq!(history::file(dir, &head(), "file", 4), None);
    assert_eq!(history::file(dir, "--help", "file", 9), None);

    // Where the history is cut off, nobody knows.
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.display());
    git(clone.path(), &["clone", "-q", "--depth=1", &url, "."]);
    let cut = history::history(clone.path(), &head(), false);
    assert!(cut.more && cut.previous.is_none() && cut.commits.is_empty(), "{cut:?}");
    assert!(history::history(dir, &"0".repeat(40), false).more);
}
