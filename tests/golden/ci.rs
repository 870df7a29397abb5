//! The workflows that `fitout init --ci` writes, with all that a config can ask of them.

use super::harness::{Case, Goldens};

#[test]
fn workflows() {
    let mut goldens = Goldens::default();
    for (system, path) in [("github", ".github/workflows/release.yml"), ("gitlab", ".gitlab-ci.yml")] {
        let case = Case::copy("cli/ci");
        let (code, _, stderr) = case.fitout(&["init", "--ci", system]);
        assert_eq!(code, 0, "{stderr}");
        let text = fs_err::read_to_string(case.folder.join(path)).expect("the workflow");
        goldens.agree(format!("cli/ci-{system}.yml"), &text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
    goldens.finish();
}
