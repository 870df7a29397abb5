//! The cleartext signature framework: a text, and behind it the signatures over it, as InRelease has it.
//!
//! Enters: a text, or a framed one of any origin. Leaves: the canonical text that signatures are over, the frame, or what is
//! in one. The frame is ours, so that a key in gpg-agent or an HSM, of which we have a detached signature only, gives the
//! same file as one in a file.
//!
//! Source: RFC 9580, section 7.

use super::error::SignError;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// What is signed: lines without blanks at their ends, CRLF between them, none behind the last.
pub(super) fn canonical(text: &str) -> Vec<u8> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
    lines.join("\r\n").into_bytes()
}

/// The framed text. `armored` holds the signatures over [`canonical`], `digests` what these are over: gpgv refuses one that
/// the head does not name.
pub(super) fn frame(text: &str, digests: &[String], armored: &[u8]) -> Vec<u8> {
    let mut framed = format!("{BEGIN}\nHash: {}\n\n", digests.join(","));
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if line.starts_with('-') {
            framed.push_str("- ");
        }
        framed.push_str(line);
        framed.push('\n');
    }
    let mut bytes = framed.into_bytes();
    bytes.extend_from_slice(armored);
    bytes
}

/// The text of a signed message, its signature unseen; what has no frame is its own text. None if it is none.
pub fn clear_text(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(BEGIN.as_bytes()) {
        return unframe(bytes).ok().map(|framed| framed.text);
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// What is in a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framed {
    /// The text as it was before it was framed.
    pub text: String,
    /// The signatures.
    pub armored: String,
}

/// Takes a frame apart. Nothing may stand before or behind it: a reader that looks for the frame, and one that takes the
/// whole file for the text, would see different things.
pub(super) fn unframe(bytes: &[u8]) -> Result<Framed, SignError> {
    let wrong = |why| Err(SignError::Frame(why));
    let Ok(whole) = std::str::from_utf8(bytes) else { return wrong("it is not UTF-8") };
    let mut lines = whole.split_inclusive('\n');
    if lines.next().is_none_or(|line| line.trim_end() != BEGIN) {
        return wrong("it does not begin with that of a signed message");
    }
    loop {
        match lines.next().map(str::trim_end) {
            Some("") => break,
            Some(line) if line.starts_with("Hash: ") => {}
            _ => return wrong("its head holds something else than digests"),
        }
    }
    let (mut text, mut armored) = (String::new(), String::new());
    let mut in_signature = false;
    for line in lines.by_ref() {
        in_signature |= line.trim_end() == SIGNATURE;
        if in_signature {
            armored.push_str(line);
            if line.trim_end() == END {
                break;
            }
        } else if let Some(escaped) = line.strip_prefix("- ") {
            text.push_str(escaped);
        } else if line.starts_with('-') {
            return wrong("a line of its text begins with a dash that is not escaped");
        } else {
            text.push_str(line);
        }
    }
    if !armored.trim_end().ends_with(END) {
        return wrong("its signature does not end");
    }
    if lines.any(|line| !line.trim().is_empty()) {
        return wrong("something stands behind the signature");
    }
    Ok(Framed { text, armored })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_that_of_gpg() {
        assert_eq!(canonical("a\nb\n"), b"a\r\nb");
        assert_eq!(canonical("a \t\r\n\nb"), b"a\r\n\r\nb");
        assert_eq!(canonical("a\n\n"), b"a\r\n");
    }

    #[test]
    fn a_frame_is_taken_apart_as_it_was_put_together() {
        let armored = format!("{SIGNATURE}\n\nabc\n{END}\n");
        for text in ["a\n- b\n-----BEGIN PGP SIGNATURE-----\n\n", "", "\n", "Date: x\nSHA256:\n abc 1 main\n"] {
            let framed = unframe(&frame(text, &["SHA512".into()], armored.as_bytes())).unwrap();
            assert_eq!(canonical(&framed.text), canonical(text), "{text:?}");
            assert_eq!(framed.armored, armored);
        }
    }

    #[test]
    fn nothing_stands_around_a_frame() {
        let good =
            String::from_utf8(frame("a\n", &["SHA512".into()], format!("{SIGNATURE}\n\nabc\n{END}\n").as_bytes()))
                .unwrap();
        assert!(unframe(good.as_bytes()).is_ok());
        assert!(unframe(format!("{good}\n \n").as_bytes()).is_ok());
        let headed = good.replacen("Hash: SHA512", "Comment: x", 1);
        let dashed = good.replacen("\na\n", "\n-a\n", 1);
        for bad in [format!("x\n{good}"), format!("{good}x"), headed, dashed, good.replace(END, ""), String::new()] {
            assert!(matches!(unframe(bad.as_bytes()), Err(SignError::Frame(_))), "{bad}");
        }
    }
}
