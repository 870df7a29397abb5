//! Sections that a later version implements are refused, never ignored.

use crate::support::{project, run};
use crate::{TREE, config};

const SECTIONS: [&str; 1] = ["[report]\nformat = \"html\"\n"];

#[test]
fn at_the_top_and_in_every_environment() {
    for section in SECTIONS {
        let brackets = if section.starts_with("[[") { "[[" } else { "[" };
        let overlay = section.replacen(brackets, &format!("{brackets}environment.staging."), 1);
        for text in [section, &overlay] {
            let folder = project(&[("fitout.toml", &config(&format!("{TREE}\n{text}"))), ("tree/a", "a")]);
            // An overlay is read whether it is asked for or not: a mistake in it is found before the day it is used.
            for args in [&["build"][..], &["plan"], &["lint"], &["build", "--environment", "staging"]] {
                let (code, stdout, stderr) = run(folder.path(), args);
                assert_eq!((code, stdout.as_str()), (2, ""), "{args:?} {text}{stderr}");
                assert!(stderr.contains("error[config/not-yet]"), "{args:?} {text}{stderr}");
                assert!(!folder.path().join("dist").exists(), "{args:?} {text}");
            }
        }
    }
}
