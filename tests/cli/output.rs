//! The output folder: what is written there, what never leaves it, and what never gets from there into a package.

use std::fs;

use crate::support::{project, run};
use crate::{TREE, config};

#[test]
fn an_environment_cannot_leave_the_output_folder() {
    let evil = format!("{}\n[environment.\"../../evil\".package]\nsummary = \"Evil\"\n", config(TREE));
    let folder = project(&[("inner/fitout.toml", &evil), ("inner/tree/a", "a")]);
    let inner = folder.path().join("inner");
    for args in [&["build", "--environment", "../../evil"][..], &["build"]] {
        let (code, _, stderr) = run(&inner, args);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("error[config/invalid-value]"), "{stderr}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(!inner.join("dist").exists());
}
