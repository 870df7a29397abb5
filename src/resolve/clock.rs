//! The one clock: what time is stamped on everything.
//!
//! Enters: `SOURCE_DATE_EPOCH` as the command line found it, and the commit. Leaves: seconds since 1970, and in a few words
//! where they came from. The time of day never enters: two builds of the same sources must have the same bytes. Only keys
//! and what is published ask for it: [`now`].

use crate::diagnostic::{Diagnostic, Result, codes};

use super::git::Commit;

/// 1980-01-01T00:00:00Z: the first second that zip can store.
pub const EPOCH: i64 = 315_532_800;

/// `SOURCE_DATE_EPOCH`, else the commit's time, else [`EPOCH`].
///
/// # Errors
/// `SOURCE_DATE_EPOCH` is no decimal number from 0 to 4294967295.
pub fn read(source_date_epoch: Option<&str>, commit: Option<&Commit>) -> Result<(i64, &'static str)> {
    let Some(text) = source_date_epoch else {
        let none = (EPOCH, "neither `SOURCE_DATE_EPOCH` nor a commit");
        return Ok(commit.map_or(none, |commit| (commit.time, "the commit")));
    };
    if text.bytes().all(|b| b.is_ascii_digit())
        && let Ok(seconds) = text.parse::<u32>()
    {
        return Ok((i64::from(seconds), "`SOURCE_DATE_EPOCH`"));
    }
    let shown: String = text.chars().take(40).collect();
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let what = if is_number { "later than any package can say" } else { "no number of seconds since 1970" };
    let message = format!("`SOURCE_DATE_EPOCH` is `{}`, which is {what}", shown.escape_debug());
    Err(Diagnostic::error(codes::RESOLVE_SOURCE_DATE_EPOCH, message).help(
        "set it to a whole number from 0 to 4294967295 such as `1700000000`, for example by `git log -1 --format=%ct`, or unset it",
    ))
}

/// Seconds since 1970 by the clock of this machine: whether a key holds, when something was published. No build asks for it.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_is_kept() {
        let commit = Commit { id: "a".into(), time: 1_600_000_000 };
        assert_eq!(read(Some("1700000000"), Some(&commit)), Ok((1_700_000_000, "`SOURCE_DATE_EPOCH`")));
        assert_eq!(read(Some("0"), None), Ok((0, "`SOURCE_DATE_EPOCH`")));
        assert_eq!(read(None, Some(&commit)), Ok((1_600_000_000, "the commit")));
        assert_eq!(read(None, None).unwrap().0, EPOCH);
        for bad in ["", "-1", "+1", "1.5", "now", " 1", "4294967296"] {
            assert_eq!(read(Some(bad), None).unwrap_err().code, codes::RESOLVE_SOURCE_DATE_EPOCH, "{bad}");
        }
        let late = read(Some("4294967296"), None).unwrap_err();
        assert!(late.message.ends_with("which is later than any package can say"), "{}", late.message);
        assert!(late.helps[0].contains("4294967295"), "{:?}", late.helps);
    }
}
