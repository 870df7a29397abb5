//! Where artifacts go, and what is to be done there: what every kind of destination says of itself.
//!
//! Enters: [`Work`]. Leaves: a [`Draft`], which [`super::send`] carries out. What only repositories have is answered here for all others.

use super::draft::{Draft, Put};
use super::parcel::Parcel;
use super::repo::Listed;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::store::{Object, Place};

/// Where artifacts go.
pub trait Destination: Sync {
    /// What it is called: `apt s3://packages stable`.
    fn name(&self) -> String;
    /// Where its objects lie.
    fn place(&self) -> &dyn Place;
    /// The place alone.
    fn into_place(self: Box<Self>) -> Box<dyn Place>;
    /// Whether its place is a repository that [`super::repo`] can look at.
    fn is_repository(&self) -> bool {
        true
    }
    /// The channel that it is, for promotion: a suite of apt.
    fn channel(&self) -> Option<&str> {
        None
    }
    /// Whether it has channels that are names for what is there already: tags. Then [`Work::Move`] is what promotes.
    ///
    /// # Errors
    /// It does not answer.
    fn has_tag(&self, _name: &str, _channel: &str) -> Result<bool, Diagnostic> {
        Ok(false)
    }
    /// The format that it takes, by name.
    fn format(&self) -> &'static str;
    /// Whether the root has its signature in a file of its own, which follows it at once.
    fn signs_apart(&self) -> bool {
        false
    }
    /// The formats that it takes where that is not one of them; all if it is empty.
    fn formats(&self) -> Option<&[String]> {
        None
    }
    /// Whether an artifact is for it.
    fn takes(&self, parcel: &Parcel) -> bool {
        let format = parcel.artifact.format;
        match self.formats() {
            Some(formats) => formats.is_empty() || formats.iter().any(|other| other == format),
            None => format == self.format(),
        }
    }
    /// Orders two versions as its readers do.
    fn compare(&self, a: &str, b: &str) -> std::cmp::Ordering {
        a.cmp(b)
    }
    /// Every package that it lists; none where it is no repository.
    ///
    /// # Errors
    /// It does not answer, or is not whole.
    fn list(&self) -> Result<Vec<Listed>, Diagnostic> {
        Ok(Vec::new())
    }
    /// Looks at what lies there, and says what is to be put.
    ///
    /// # Errors
    /// What is there does not let it be put, or does not answer.
    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings>;
    /// What its place has told besides, as a finding that stops nothing.
    fn note(&self, told: &str) -> Diagnostic {
        Diagnostic::warning(codes::REGISTRY_NOTE, format!("`{}` says: {told}", self.name()))
    }
    /// What has to follow a root that somebody else put meanwhile, in groups.
    ///
    /// # Errors
    /// As [`Destination::draft`].
    fn settle(&self, root: &Object) -> Result<Vec<Vec<Put>>, Findings>;
}

/// What is to be done at a destination.
#[derive(Debug, Clone, Copy)]
pub enum Work<'w> {
    /// Artifacts that are for it.
    Publish(&'w [&'w Parcel]),
    /// A version that is to go from its lists.
    Retract {
        /// Package name.
        name: &'w str,
        /// Its version, as `version::spelled` says it.
        version: &'w str,
    },
    /// What others damaged, and the rest knows.
    Repair,
    /// A tag that is to name what another does.
    Move(&'w super::Promotion),
}
