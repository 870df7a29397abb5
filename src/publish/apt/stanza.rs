//! What `Packages` and `Translation-en` say of a .deb.
//!
//! Enters: the listing of the file. Leaves: its stanza, with what the repository adds. Source: Debian repository format,
//! "Packages Indices" and "Translation Indices".

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use crate::codec::hex::hex;
use crate::formats::Listing;

/// A package in the words of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// For `Packages`.
    pub stanza: String,
    /// For `Translation-en`; none if one line is all that is said.
    pub translation: Option<String>,
}

/// Describes a .deb that lies at `file_name` from the top of the repository.
pub fn describe(listing: &Listing, file_name: &str, size: u64, sha256: &str) -> Described {
    let mut stanza = String::new();
    let mut description = None;
    for (name, value) in &listing.fields {
        // What the repository says itself is not the package's to say.
        if ["Filename", "Size", "SHA256", "SHA512", "SHA1", "MD5sum", "Description-md5"]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
        {
            continue;
        }
        if name.eq_ignore_ascii_case("Description") {
            description = Some(value.as_str());
        } else {
            let _ = writeln!(stanza, "{name}: {value}");
        }
    }
    let _ = writeln!(stanza, "Filename: {file_name}\nSize: {size}\nSHA256: {sha256}");
    let mut translation = None;
    if let Some(description) = description {
        let (synopsis, rest) = description.split_once('\n').unwrap_or((description, ""));
        let _ = writeln!(stanza, "Description: {synopsis}");
        if !rest.is_empty() {
            let mut hash = Md5::new();
            hash.update(description);
            hash.update(b"\n");
            let md5 = hex(&hash.finalize());
            let _ = writeln!(stanza, "Description-md5: {md5}");
            translation =
                Some(format!("Package: {}\nDescription-md5: {md5}\nDescription-en: {description}\n", listing.name));
        }
    }
    Described { stanza, translation }
}

/// Where a package lies in the pool: `pool/main/h/hello/`, `pool/main/libf/libfoo/`.
pub fn pool(component: &str, source: &str) -> String {
    let letters = if source.starts_with("lib") && source.len() > 3 { 4 } else { 1 };
    let first: String = source.chars().take(letters).collect();
    format!("pool/{component}/{first}/{source}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_descriptions_are_kept_apart() {
        let mut listing = Listing { name: "hello".into(), ..Listing::default() };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        listing.fields = vec![
            field("Package", "hello"),
            field("Description", "Greets\n People.\n .\n More."),
            field("size", "0"),
            field("Section", "misc"),
        ];
        let described = describe(&listing, "pool/x.deb", 7, "abc");
        let md5 = "Description-md5: d1af88d8b48ddcb0ad0c2ab52e4d8d1d";
        assert!(described.stanza.starts_with(
            "Package: hello\nSection: misc\nFilename: pool/x.deb\nSize: 7\nSHA256: abc\nDescription: Greets\n"
        ));
        assert!(described.stanza.lines().any(|line| line.starts_with("Description-md5: ") && line.len() == md5.len()));
        assert!(described.translation.unwrap().ends_with("Description-en: Greets\n People.\n .\n More.\n"));
        listing.fields[1].1 = "Greets".into();
        let described = describe(&listing, "pool/x.deb", 7, "abc");
        assert!(described.stanza.ends_with("Description: Greets\n") && described.translation.is_none());
    }

    #[test]
    fn pools_are_as_debians() {
        assert_eq!(pool("main", "hello"), "pool/main/h/hello/");
        assert_eq!(pool("main", "libfoo"), "pool/main/libf/libfoo/");
        assert_eq!(pool("main", "lib"), "pool/main/l/lib/");
    }
}
