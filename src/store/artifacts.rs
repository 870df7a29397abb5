//! What fitout leaves in a folder of artifacts: they, their list and the list of what was published.
//!
//! Enters: a folder. Leaves: the names of what was made there. Anything else in it is somebody's own: a folder is not fitout's
//! because artifacts were written to it once.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

/// The list of artifacts in a folder of them.
pub const LIST: &str = "manifest.json";
/// The list of what was published of them.
pub const RECEIPT: &str = "receipt.json";
/// The form of the list that is written.
pub const FORM: &str = "fitout/manifest/1";
/// How the names of all its forms begin.
const FORMS: &str = "fitout/manifest/";
/// Bytes of a list that are read; one with a thousand artifacts has half a megabyte.
const LARGEST_LIST: u64 = 16 << 20;

/// The list in a folder; none where there is none that can be read.
pub fn read<T: serde::de::DeserializeOwned>(folder: &Path) -> Option<T> {
    let list = folder.join(LIST);
    // Before it is opened: that of a fifo would wait.
    let there = std::fs::metadata(&list).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST_LIST);
    if there { serde_json::from_slice(&fs_err::read(&list).ok()?).ok() } else { None }
}

/// Names of what was made in a folder: its lists, and what the first names. None where there is no list that can be read.
pub fn made_in(folder: &Path) -> BTreeSet<OsString> {
    #[derive(serde::Deserialize)]
    struct List {
        schema: String,
        artifacts: Vec<Listed>,
    }
    #[derive(serde::Deserialize)]
    struct Listed {
        file: String,
    }
    let Some(list) = read::<List>(folder).filter(|list| list.schema.starts_with(FORMS)) else {
        return BTreeSet::new();
    };
    let own = [LIST, RECEIPT].map(OsString::from);
    list.artifacts.into_iter().map(|artifact| OsString::from(artifact.file)).chain(own).collect()
}
