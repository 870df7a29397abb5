//! What is not in the plan because something is wrong with it: nobody should be told that it is missing as well.
//!
//! Enters: the places of rules and files that gave an error. Leaves: an answer to "might it have been there?".

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    /// Rules are missing, and nobody knows of which paths.
    everywhere: bool,
    places: Vec<String>,
}

impl Gaps {
    /// Rules that nobody knows are missing.
    pub fn everywhere() -> Self {
        Self { everywhere: true, places: Vec::new() }
    }

    /// Nothing is known of this path of the host, nor of what would be below it.
    pub fn add(&mut self, path: &str) {
        self.places.push(path.trim_end_matches('/').to_owned());
    }

    /// Whether all is there.
    pub fn is_empty(&self) -> bool {
        !self.everywhere && self.places.is_empty()
    }

    /// Whether `path`, or something below it, might have been there.
    pub fn hold(&self, path: &str) -> bool {
        self.everywhere || self.places.iter().any(|place| is_below(path, place) || is_below(place, path))
    }
}

/// Whether `path` is `above` or lies in it.
fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_holds_what_is_below_it_and_the_way_to_it() {
        let mut gaps = Gaps::default();
        assert!(gaps.is_empty() && !gaps.hold("/usr/lib/a"));
        gaps.add("/usr/lib/a/");
        assert!(gaps.hold("/usr/lib/a") && gaps.hold("/usr/lib/a/b"));
        assert!(gaps.hold("/usr/lib"), "its parents come with it");
        assert!(!gaps.hold("/usr/lib/ab") && !gaps.hold("/usr/share") && !gaps.is_empty());
        assert!(Gaps::everywhere().hold("/anything"));
    }
}
