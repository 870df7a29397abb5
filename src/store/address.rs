//! Where a place is, as it is typed: `file:/srv/apt`, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`.

use std::fmt;

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// A folder of this machine.
    File,
    /// S3 and what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

impl Scheme {
    /// What stands before the bucket.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::File => "file:",
            Self::S3 => "s3://",
            Self::Gcs => "gs://",
            Self::Azure => "az://",
        }
    }
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// What kind of place.
    pub scheme: Scheme,
    /// The bucket or container; empty for a folder.
    pub bucket: String,
    /// The folder, absolute; or the prefix in the bucket without `/` at either end.
    pub path: String,
}

/// What [`Address::parse`] takes, in words.
pub const HELP: &str =
    "an address is `file:PATH`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`";

impl Address {
    /// Reads an address; none if it is none. The path of a folder may be relative: see [`Address::below`].
    pub fn parse(text: &str) -> Option<Self> {
        if text.chars().any(char::is_control) {
            return None;
        }
        if let Some(path) = text.strip_prefix("file:") {
            // An URL has an empty host: file:///srv.
            let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
            return (!path.is_empty() && !path.starts_with("//")).then(|| Self {
                scheme: Scheme::File,
                bucket: String::new(),
                path: path.to_owned(),
            });
        }
        let scheme = [Scheme::S3, Scheme::Gcs, Scheme::Azure];
        let (scheme, rest) = scheme.into_iter().find_map(|s| Some((s, text.strip_prefix(s.prefix())?)))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket_like = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let prefix = prefix.trim_matches('/');
        let whole = prefix.is_empty() || prefix.split('/').all(|part| !["", ".", ".."].contains(&part));
        (!bucket.is_empty() && bucket.chars().all(bucket_like) && whole).then(|| Self {
            scheme,
            bucket: bucket.to_owned(),
            path: prefix.to_owned(),
        })
    }

    /// The same with a relative folder below `base`.
    #[must_use]
    pub fn below(mut self, base: &std::path::Path) -> Self {
        if self.scheme == Scheme::File {
            let path = base.join(&self.path);
            self.path = std::path::absolute(&path).unwrap_or(path).to_string_lossy().into_owned();
        }
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, bucket, path } = self;
        let slash = if *scheme == Scheme::File || path.is_empty() { "" } else { "/" };
        write!(f, "{}{bucket}{slash}{path}", scheme.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for good in ["s3://bucket", "s3://bucket/a/b", "file:/srv/repo", "file:repo", "gs://b_1.x/p", "az://c/p"] {
            assert_eq!(Address::parse(good).unwrap().to_string(), good);
        }
        assert_eq!(Address::parse("file:///srv/x").unwrap().to_string(), "file:/srv/x");
        assert_eq!(Address::parse("s3://b/a/").unwrap().to_string(), "s3://b/a");
        for bad in [
            "",
            "bucket",
            "s3:bucket",
            "s3://",
            "s3:///a",
            "file:",
            "https://example.org",
            "s3://a b",
            "s3://a/../b",
            "s3://a/x//b",
            "file://host/x",
            "file:/a\nb",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
        let here = Address::parse("file:repo").unwrap().below(std::path::Path::new("/srv/p"));
        assert_eq!(here.to_string(), "file:/srv/p/repo");
    }
}
