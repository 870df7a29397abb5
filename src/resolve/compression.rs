//! `gzip:6` -> [`Compression`].

use crate::config::schema::Text;
use crate::diagnostic::{Origin, codes};
use crate::resolve::identity::Fact;
use crate::resolve::packaging::Compression;

use super::ground::Ground;
use crate::config::suggest;

/// What a format takes.
pub(crate) const ALL: &[&str] = &["gzip", "xz", "zstd", "none"];
/// A zip deflates or stores; `gzip` is the same, so that one word holds for all formats.
pub(crate) const ZIP: &[&str] = &["deflate", "gzip", "none"];
/// The media types of image layers.
pub(crate) const OCI: &[&str] = &["gzip", "zstd", "none"];

/// The compression of a format, `gzip:6` unless set.
pub(crate) fn read(ground: &Ground, text: Option<&Text>, kinds: &[&str], format: &str) -> Option<Fact<Compression>> {
    let Some(text) = text else { return Some(Fact { value: Compression::Gzip(6), origin: Origin::Default }) };
    match parse(text, kinds) {
        Ok(value) => Some(Fact { value, origin: ground.origin(text) }),
        Err(help) => {
            let message = format!("`{}` is no compression that {format} takes", text.escape_debug());
            ground.refuse(codes::CONFIG_INVALID_VALUE, text, message, help);
            None
        }
    }
}

fn parse(text: &str, kinds: &[&str]) -> Result<Compression, String> {
    let (kind, level) = match text.split_once(':') {
        Some((kind, level)) => (kind, Some(level)),
        None => (text, None),
    };
    if !kinds.contains(&kind) {
        let all: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        return Err(match suggest::nearest(kind, kinds.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it takes {}", all.join(", ")),
        });
    }
    let level = |default: u8, least: u8, most: u8| match level {
        None => Ok(default),
        Some(text) => match text.parse::<u8>() {
            Ok(level) if (least..=most).contains(&level) && !text.starts_with('+') => Ok(level),
            _ => Err(format!("levels of {kind} are {least} to {most}, as in `{kind}:{default}`")),
        },
    };
    match kind {
        "gzip" | "deflate" => level(6, 1, 12).map(Compression::Gzip),
        "xz" => level(6, 0, 9).map(Compression::Xz),
        "zstd" => level(3, 1, 19).map(Compression::Zstd),
        _ if text == "none" => Ok(Compression::None),
        _ => Err("`none` has no level".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_levels() {
        for (text, value) in [
            ("gzip", Compression::Gzip(6)),
            ("gzip:12", Compression::Gzip(12)),
            ("xz:0", Compression::Xz(0)),
            ("zstd", Compression::Zstd(3)),
            ("zstd:19", Compression::Zstd(19)),
            ("none", Compression::None),
        ] {
            assert_eq!(parse(text, ALL), Ok(value));
        }
        for bad in
            ["", "gzip:", "gzip:0", "gzip:13", "xz:10", "zstd:20", "zstd:-1", "gzip:+6", "none:1", "bzip2", "GZIP"]
        {
            assert!(parse(bad, ALL).is_err(), "{bad}");
        }
        assert!(parse("xz", ZIP).unwrap_err().contains("`deflate`, `gzip`"));
        assert_eq!(parse("deflate:9", ZIP), Ok(Compression::Gzip(9)));
        assert!(parse("deflate", ALL).is_err());
        assert!(parse("xz", OCI).is_err());
        assert_eq!(parse("gzpi", ALL).unwrap_err(), "did you mean `gzip`?");
    }
}
