//! What a destination is about to change, before anything is sent.
//!
//! A draft is made from what lies there and what is to be published; `--dry-run` shows it, [`super::send`] carries it out.

use std::sync::Arc;

use super::apt::damaged;
use crate::diagnostic::Diagnostic;
use crate::interrupt::Held;
use crate::store::{Body, Kind, Object, Place, Tag, When};

/// One object that is to be put.
#[derive(Debug, Clone)]
pub struct Put {
    /// Its key in the place.
    pub key: String,
    /// Its bytes.
    pub body: Body,
    /// How it is served. One that is immutable is never written over: the same bytes are as good, others are refused.
    pub kind: Kind,
    /// What it is, for whoever reads the list.
    pub what: What,
    /// On what it is put, where its kind does not say it: what was made from another is made anew of what came between.
    pub when: Option<When>,
}

/// What an object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A package, an archive, an image.
    Artifact,
    /// What is in a release.
    Record,
    /// A list of packages.
    Index,
    /// What readers begin with: it names all others.
    Root,
    /// A signature beside what it signs.
    Signature,
    /// Keys, set-up files, the page.
    Page,
    /// A request without a file of its own.
    Request,
}

/// The one object by which readers find all others. It is replaced only if it still is what the draft was made from.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its new form.
    pub put: Put,
    /// What it was; none where there was none.
    pub was: Option<Tag>,
    /// When it was written, seconds since 1970; the new one must come in a later second.
    pub modified: Option<i64>,
}

/// A temporary folder, as long as somebody has it.
pub type Folder = Arc<(tempfile::TempDir, Held)>;

/// What is to be done at a destination.
#[derive(Debug, Default)]
pub struct Draft {
    /// Groups in their order; the objects of one go at once. Nobody sees them yet.
    pub before: Vec<Vec<Put>>,
    /// What makes them seen.
    pub root: Option<Root>,
    /// What follows the root: names of indexes for old readers, signatures, the page.
    pub after: Vec<Vec<Put>>,
    /// Artifacts that are there as they would be sent.
    pub same: Vec<String>,
    /// Packages that retention takes out of the lists.
    pub dropped: Vec<String>,
    /// The newest version that was there, if any.
    pub newest: Option<String>,
    /// Folders that live as long as the draft.
    pub folders: Vec<Folder>,
    /// Files that live as long as the draft.
    pub scratch: Vec<(tempfile::TempPath, Held)>,
}

impl Draft {
    /// Every put in its order.
    pub fn puts(&self) -> impl Iterator<Item = &Put> {
        let before = self.before.iter().flatten();
        before.chain(self.root.iter().map(|root| &root.put)).chain(self.after.iter().flatten())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.puts().next().is_none()
    }
}

/// What a place holds under a root's key.
#[derive(Debug, Clone, Default)]
pub struct Was(pub Option<Object>);

impl Was {
    /// Reads a root. `follower` is what is put right behind it: where that is there alone, somebody has removed the root.
    ///
    /// # Errors
    /// The place does not answer, or the root was removed.
    pub fn read(place: &dyn Place, root: &str, follower: &str) -> Result<Self, Diagnostic> {
        let there = place.get(root)?;
        if there.is_some() || place.head(follower)?.is_none() {
            return Ok(Self(there));
        }
        // Both may have come since it was looked for.
        match place.get(root)? {
            Some(there) => Ok(Self(Some(there))),
            None => Err(damaged(place, root, &format!("it is not there, and `{follower}` is"))),
        }
    }

    /// What it was, for [`Root::was`].
    pub fn tag(&self) -> Option<Tag> {
        self.0.as_ref().map(|object| object.meta.tag.clone())
    }

    /// Its text, if it is one.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0.as_ref()?.bytes).ok()
    }
}
